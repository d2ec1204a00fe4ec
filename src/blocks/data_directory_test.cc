// Data directories that Prometheus wrote, copied while it ran or damaged, against what its own
// reader answers after a start.
#include "blocks/data_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "base/bytes.h"
#include "base/hash.h"
#include "blocks/test_block.h"
#include "blocks/truth_file.h"
#include "blocks/wal_segment.h"
#include "bucket/local_bucket.h"
#include "codec/chunk.h"
#include "env/posix/posix_file_system.h"
#include "env/simulated/simulated_env.h"
#include "model/exemplar.h"

namespace thermocline {
namespace {

namespace fs = std::filesystem;

constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};

// Calls `test(directory, truth folder)` for every data directory.
template <typename Test>
size_t ForEachDirectory(Test test) {
  size_t count = 0;
  for (const fs::path& root : GoldenRoots()) {
    for (const char* name : {"wal-torn", "wal-unclean", "wal-unclean-st"}) {
      if (!fs::exists(root / name)) continue;
      SCOPED_TRACE(root / name);
      test(root / name, root / "truth" / name);
      ++count;
    }
  }
  return count;
}

std::unique_ptr<DataDirectory> OpenDirectory(const fs::path& path) {
  static PosixFileSystem files;
  LocalBucket bucket(files, path);
  auto directory = DataDirectory::Open(bucket, "", {});
  EXPECT_TRUE(directory.ok()) << directory.status().ToString();
  return directory.ok() ? *std::move(directory) : nullptr;
}

std::vector<nlohmann::json> JsonLines(const fs::path& path) {
  const std::string text = Unzstd(ReadWhole(path));
  std::vector<nlohmann::json> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return lines;
}

TEST(DataDirectory, AnswersWhatPrometheusAnswersAfterItsReplay) {
  const size_t count = ForEachDirectory([](const fs::path& path, const fs::path& truth) {
    const auto directory = OpenDirectory(path);
    ASSERT_NE(directory, nullptr);
    EXPECT_EQ(directory->damage().log, "");
    EXPECT_EQ(directory->damage().out_of_order_log, "");
    EXPECT_EQ(directory->damage().chunks, "");
    EXPECT_EQ(directory->head().counts().bad_histograms, 0u);
    ExpectTruth(ReadTruth(truth / "series.jsonl.zst"), *directory, /*exact=*/false);
  });
  EXPECT_GE(count, 1u);
}

TEST(DataDirectory, EncodedChunksHoldTheSamplesOfRead) {
  ForEachDirectory([](const fs::path& path, const fs::path&) {
    const auto directory = OpenDirectory(path);
    ASSERT_NE(directory, nullptr);
    SelectRequest request;
    request.range = {1'700'009'000'000, 1'700'014'300'000};
    const auto set = directory->Select(request);
    ASSERT_TRUE(set.ok());
    if (!(*set)->has_encoded()) return;
    for (uint32_t i = 0; i < (*set)->series_count(); i += 3) {
      SeriesBatch read;
      EncodedBatch encoded;
      ASSERT_TRUE((*set)->Read({&i, 1}, &read).ok());
      const Status status = (*set)->ReadEncoded({&i, 1}, &encoded);
      ASSERT_TRUE(status.ok()) << status.ToString();
      SeriesBatch decoded;
      decoded.Clear();
      for (const EncodedChunk& chunk : encoded.chunks) {
        ASSERT_TRUE(DecodeChunk(chunk.encoding, chunk.bytes, kAll, &decoded).ok());
        EXPECT_EQ(decoded.timestamps_ms.back(), chunk.max_ms);
      }
      std::vector<TimestampMs> times = decoded.timestamps_ms;
      std::sort(times.begin(), times.end());
      times.erase(std::unique(times.begin(), times.end()), times.end());
      ASSERT_EQ(times, read.timestamps_ms) << (*set)->labels(i).ToString();
    }
  });
}

// The code of a record's first byte, whatever its type.
void ExpectRecord(const nlohmann::json& want, std::string_view bytes, const WalRecord& record) {
  EXPECT_EQ(want["bytes"], bytes.size());
  EXPECT_EQ(want["code"], static_cast<uint8_t>(bytes[0]));
  EXPECT_EQ(want["code"], static_cast<uint8_t>(record.type));
  EXPECT_EQ(want["n"], record.size());
  if (want.contains("metadata")) {
    ASSERT_EQ(want["metadata"].size(), record.metadata.size());
    for (size_t i = 0; i < record.metadata.size(); ++i) {
      const WalMetadata& got = record.metadata[i];
      EXPECT_EQ(want["metadata"][i], nlohmann::json({got.ref, got.type, got.unit, got.help}));
    }
  }
  if (want.contains("tombstones")) {
    ASSERT_EQ(want["tombstones"].size(), record.tombstones.size());
    for (size_t i = 0; i < record.tombstones.size(); ++i) {
      const WalTombstone& got = record.tombstones[i];
      EXPECT_EQ(want["tombstones"][i]["Ref"], got.ref);
      EXPECT_EQ(want["tombstones"][i]["Intervals"][0]["Mint"], got.range.start_ms);
      EXPECT_EQ(want["tombstones"][i]["Intervals"][0]["Maxt"], got.range.end_ms);
    }
  }
}

// Counts the records of each type.
void CheckRecords(const fs::path& folder, const fs::path& truth, std::map<int, size_t>* types) {
  if (!fs::exists(truth)) return;
  static PosixFileSystem files;
  LocalBucket bucket(files, folder);
  std::unique_ptr<Object> object;
  std::unique_ptr<WalSegmentReader> reader;
  std::string file;
  for (const nlohmann::json& want : JsonLines(truth)) {
    if (want["file"] != file) {
      if (reader != nullptr) {
        EXPECT_FALSE(reader->Next().value().has_value()) << file;
      }
      file = want["file"];
      auto opened = bucket.Open(file);
      ASSERT_TRUE(opened.ok()) << opened.status().ToString();
      object = *std::move(opened);
      reader = std::make_unique<WalSegmentReader>(*object);
    }
    const auto bytes = reader->Next();
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    ASSERT_TRUE(bytes->has_value()) << want.dump().substr(0, 200);
    WalRecord record;
    const Status decoded = DecodeWalRecord(**bytes, &record);
    ASSERT_TRUE(decoded.ok()) << decoded.ToString();
    ASSERT_NO_FATAL_FAILURE(ExpectRecord(want, **bytes, record));
    ++(*types)[static_cast<int>(record.type)];
  }
  ASSERT_NE(reader, nullptr);
  EXPECT_FALSE(reader->Next().value().has_value());
}

TEST(DataDirectory, EveryRecordOfTheLogsIsRead) {
  // The types that the writer put into each directory; together they are all thirteen.
  const std::map<std::string, std::set<int>> want = {
      {"wal-torn", {1, 2, 4, 6, 7, 8, 9, 10}},
      {"wal-unclean", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
      {"wal-unclean-st", {1, 3, 4, 5, 6, 11, 12, 13}},
  };
  ForEachDirectory([&](const fs::path& path, const fs::path& truth) {
    std::map<int, size_t> counts;
    ASSERT_NO_FATAL_FAILURE(CheckRecords(path / "wal", truth / "wal-records.jsonl.zst", &counts));
    ASSERT_NO_FATAL_FAILURE(CheckRecords(path / "wbl", truth / "wbl-records.jsonl.zst", &counts));
    std::set<int> types;
    for (const auto& [type, count] : counts) types.insert(type);
    EXPECT_EQ(types, want.at(path.filename()));
  });
}

TEST(DataDirectory, ExemplarsAreThoseOfTheReplay) {
  ForEachDirectory([](const fs::path& path, const fs::path& truth) {
    const auto directory = OpenDirectory(path);
    ASSERT_NE(directory, nullptr);
    std::map<std::string, std::set<std::string>> got;
    std::map<std::string, std::set<std::string>> want;
    ExemplarRequest all;
    all.range = {kMinTimestampMs, kMaxTimestampMs};
    const auto found = directory->Exemplars(all);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    for (const SeriesExemplars& series : *found) {
      for (const Exemplar& e : series.exemplars) {
        const uint64_t bits = std::bit_cast<uint64_t>(e.value);
        const bool added = got[series.series.ToString()]
                               .insert(std::to_string(e.t_ms) + " " + std::to_string(bits) + " " +
                                       e.labels.ToString())
                               .second;
        EXPECT_TRUE(added);
      }
    }
    EXPECT_EQ(got.empty(), directory->head().exemplars().empty());
    const auto labels = [](const nlohmann::json& pairs) {
      std::vector<std::pair<std::string, std::string>> all;
      for (const auto& pair : pairs) all.emplace_back(pair[0], pair[1]);
      return Labels(std::move(all)).ToString();
    };
    for (const nlohmann::json& line : JsonLines(truth / "exemplars.jsonl.zst")) {
      for (const auto& e : line["exemplars"]) {
        want[labels(line["series"])].insert(
            std::to_string(e["t"].get<int64_t>()) + " " +
            std::to_string(std::bit_cast<uint64_t>(HexDouble(e["v"]))) + " " + labels(e["labels"]));
      }
    }
    EXPECT_EQ(got, want);
  });
}

// The files of a directory, in memory, to be damaged.
std::map<std::string, std::string> LoadFiles(const fs::path& path) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) {
      files[fs::relative(entry.path(), path)] = ReadWhole(entry.path());
    }
  }
  return files;
}

// A directory of files in memory, which live as long as it.
struct MemoryDirectory {
  explicit MemoryDirectory(const std::map<std::string, std::string>& content) {
    for (const auto& [name, bytes] : content) env.files.PutFile("/data/" + name, bytes);
    LocalBucket bucket(env.files, "/data");
    directory = DataDirectory::Open(bucket, "", {});
  }
  SimulatedEnv env;
  Result<std::unique_ptr<DataDirectory>> directory = Status::Internal("not opened");
};

TEST(DataDirectory, DamagedLogsAnswerWhatPrometheusAnswersAfterItsRepair) {
  for (const fs::path& root : GoldenRoots()) {
    const auto whole = LoadFiles(root / "wal-torn");
    const fs::path truth = root / "truth/wal-torn";
    for (const auto& test : nlohmann::json::parse(ReadWhole(truth / "cases.json"))) {
      const std::string name = test["name"];
      SCOPED_TRACE(name);
      auto files = whole;
      std::string& bytes = files["wal/" + test["file"].get<std::string>()];
      if (test.contains("truncate_to")) bytes.resize(test["truncate_to"]);
      if (test.contains("append_zero_bytes")) {
        bytes.append(test["append_zero_bytes"].get<size_t>(), '\0');
      }
      if (test.contains("flip_byte_at")) {
        char& byte = bytes[test["flip_byte_at"]];
        byte = static_cast<char>(byte ^ 0xff);
      }
      const MemoryDirectory opened(files);
      const auto& directory = opened.directory;
      ASSERT_TRUE(directory.ok()) << directory.status().ToString();
      ExpectTruth(ReadTruth(truth / name / "series.jsonl.zst"), **directory, /*exact=*/false);
      const bool damaged = test.contains("flip_byte_at") || name == "last-truncated-mid-record";
      EXPECT_EQ(!(*directory)->damage().log.empty(), damaged) << (*directory)->damage().log;
      EXPECT_EQ((*directory)->damage().dropped_segments, name == "middle-flipped" ? 2u : 0u);
    }
  }
}

TEST(DataDirectory, AnyByteFlippedInALogIsNoticedOrHarmless) {
  const auto whole = LoadFiles(GoldenRoots().front() / "wal-torn");
  const std::string& segment = whole.at("wal/00000001");
  SimulatedEnv env;
  LocalBucket bucket(env.files, "/data");
  size_t refused = 0;
  for (size_t i = 0; i < segment.size(); i += 97) {
    std::string bytes = segment;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x41);
    env.files.PutFile("/data/segment", bytes);
    const auto object = bucket.Open("segment");
    ASSERT_TRUE(object.ok());
    WalSegmentReader reader(**object);
    for (;;) {
      const auto record = reader.Next();
      if (!record.ok()) {
        ASSERT_EQ(record.status().code(), Code::kCorruption);
        ++refused;
        break;
      }
      ASSERT_TRUE(record->has_value()) << "a flip at " << i << " was not noticed";
    }
  }
  EXPECT_GT(refused, 300u);
}

TEST(DataDirectory, DamagedRecordsAndChunkFilesNeverFailTheRest) {
  const uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (const fs::path& root : GoldenRoots()) {
    for (const char* name : {"wal-torn", "wal-unclean-st"}) {
      if (!fs::exists(root / name)) continue;
      const auto whole = LoadFiles(root / name);
      for (int round = 0; round < 8; ++round) {
        auto files = whole;
        for (auto& [file, bytes] : files) {
          const bool head = file.starts_with("wal/0") || file.starts_with("wbl/") ||
                            file.starts_with("chunks_head/");
          if (!head || bytes.empty()) continue;
          char& byte = bytes[random() % bytes.size()];
          byte = static_cast<char>(byte ^ (1 + random() % 255));
        }
        const MemoryDirectory opened(files);
        const auto& directory = opened.directory;
        ASSERT_TRUE(directory.ok()) << directory.status().ToString() << ", seed " << seed;
        SelectRequest request;
        request.range = kAll;
        const auto set = (*directory)->Select(request);
        ASSERT_TRUE(set.ok()) << set.status().ToString();
        SeriesBatch batch;
        for (uint32_t i = 0; i < (*set)->series_count(); ++i) {
          // A chunk that is whole by its checksum decodes.
          ASSERT_TRUE((*set)->Read({&i, 1}, &batch).ok()) << "seed " << seed;
        }
      }
    }
  }
}

TEST(DataDirectory, AFolderWithoutDataIsNotOne) {
  const MemoryDirectory other(std::map<std::string, std::string>{{"notes.txt", "x"}});
  EXPECT_EQ(other.directory.status().code(), Code::kNotFound);
  const MemoryDirectory fresh(std::map<std::string, std::string>{{"wal/00000000", ""}});
  EXPECT_TRUE(fresh.directory.ok()) << fresh.directory.status().ToString();
}

TEST(DataDirectory, MetadataAndLabelsComeFromTheHead) {
  const auto directory = OpenDirectory(GoldenRoots().front() / "wal-torn");
  ASSERT_NE(directory, nullptr);
  const auto metadata = directory->Metadata({});
  ASSERT_TRUE(metadata.ok());
  ASSERT_FALSE(metadata->empty());
  const auto counter = std::find_if(metadata->begin(), metadata->end(), [](const auto& entry) {
    return entry.family == "golden_wal_counter_seconds_0_total";
  });
  ASSERT_NE(counter, metadata->end());
  EXPECT_EQ(counter->type, "counter");
  EXPECT_EQ(counter->unit, "seconds");
  LabelRequest request;
  request.range = kAll;
  const auto names = directory->LabelNames(request);
  ASSERT_TRUE(names.ok());
  EXPECT_TRUE(std::find(names->begin(), names->end(), "job") != names->end());
  const auto jobs = directory->LabelValues("job", request);
  ASSERT_TRUE(jobs.ok());
  EXPECT_FALSE(jobs->empty());
  EXPECT_TRUE(std::is_sorted(jobs->begin(), jobs->end()));
}

// Matching series by series is the oracle of the head's index.
TEST(DataDirectory, MatchersAndLabelCallsAnswerWhatAWalkOverTheHeadAnswers) {
  ForEachDirectory([](const fs::path& path, const fs::path&) {
    const auto directory = OpenDirectory(path);
    ASSERT_NE(directory, nullptr);
    const WalHead& head = directory->head();
    ASSERT_FALSE(head.series().empty());
    const std::string name(head.labels(head.series().size() / 2).metric_name());
    const auto matcher = [](MatchType type, const std::string& label, const std::string& value) {
      return *Matcher::Make(type, label, value);
    };
    const std::vector<std::vector<Matcher>> questions = {
        {},
        {matcher(MatchType::kEqual, "__name__", name)},
        {matcher(MatchType::kNotEqual, "__name__", name)},
        {matcher(MatchType::kRegex, "__name__", "golden.*_total|nothing")},
        {matcher(MatchType::kRegex, "instance", ".+"), matcher(MatchType::kNotEqual, "job", "")},
        {matcher(MatchType::kEqual, "instance", "")},
        {matcher(MatchType::kNotRegex, "job", "a.*|.*[0-9]")},
        {matcher(MatchType::kEqual, "absent", "x")},
    };
    for (const auto& matchers : questions) {
      std::vector<uint32_t> want;
      std::set<std::string> names;
      std::set<std::string> jobs;
      for (uint32_t i = 0; i < head.series().size(); ++i) {
        const Labels labels = head.labels(i);
        if (i > 0) {
          ASSERT_TRUE(head.labels(i - 1) < labels);
        }
        if (!MatchesAll(matchers, labels)) continue;
        want.push_back(i);
        const WalHead::Series& series = head.series()[i];
        if (series.in_order.empty() && series.out_of_order.empty()) continue;
        for (const LabelPair& pair : labels) names.emplace(pair.name);
        if (labels.Has("job")) jobs.emplace(labels.Get("job"));
      }
      EXPECT_EQ(head.Match(matchers), want);
      LabelRequest request;
      request.range = kAll;
      request.matcher_sets = {matchers};
      std::set<std::string> got_names;
      std::set<std::string> got_jobs;
      const Status visited = head.VisitPairs(request, [&](const LabelPair& pair) {
        got_names.emplace(pair.name);
        if (pair.name == "job") got_jobs.emplace(pair.value);
      });
      ASSERT_TRUE(visited.ok());
      const bool deletes = std::any_of(head.series().begin(), head.series().end(),
                                       [](const auto& series) { return !series.deleted.empty(); });
      if (deletes) continue;  // a series may be deleted as a whole
      EXPECT_EQ(got_names, names);
      EXPECT_EQ(got_jobs, jobs);
    }
  });
}

void PutHeadChunk(std::string* file, uint64_t series, TimestampMs min_ms, TimestampMs max_ms,
                  std::string_view bytes) {
  std::string record;
  PutBig64(&record, series);
  PutBig64(&record, static_cast<uint64_t>(min_ms));
  PutBig64(&record, static_cast<uint64_t>(max_ms));
  record += '\1';
  ByteWriter(&record).LengthPrefixed(bytes);
  *file += record;
  PutBig32(file, Crc32c(record));
}

// A block of some series only says nothing about what else the log holds of its time.
TEST(DataDirectory, APartialViewDoesNotCoverTheSamplesOfTheLog) {
  const auto files = LoadFiles(GoldenRoots().front() / "wal-torn");
  const std::string ulid = "01DXXFZDYD1MQW6079WK0K6EDQ";
  const auto head_series = [&](const std::string& hints) {
    SimulatedEnv env;
    for (const auto& [name, content] : files) env.files.PutFile("/data/" + name, content);
    PutTestBlock(&env.files, "/data/" + ulid, 3, 5);
    env.files.PutFile("/data/" + ulid + "/meta.json",
                      TestMeta(0, 4'000'000'000'000, ulid,
                               R"(,"compaction":{"level":1,"hints":[)" + hints + "]}"));
    LocalBucket bucket(env.files, "/data");
    const auto directory = DataDirectory::Open(bucket, "", {});
    EXPECT_TRUE(directory.ok()) << directory.status().ToString();
    SelectRequest request;
    request.range = kAll;
    const auto set = (*directory)->Select(request);
    EXPECT_TRUE(set.ok());
    return (*set)->series_count();
  };
  EXPECT_EQ(head_series(""), 3u);  // the block alone: it covers all times
  for (const char* hint : {R"("from-stale-series")", R"("from-selected-series")",
                           R"("from-out-of-order")", R"("unheard-of","from-stale-series")"}) {
    EXPECT_GT(head_series(hint), 20u) << hint;
  }
}

// A chunk whose checksum is right and whose content is not.
TEST(DataDirectory, AHeadChunkThatDoesNotDecodeNamesFileAndOffsetOrIsLeftOut) {
  SimulatedEnv env;
  for (const auto& [name, content] : LoadFiles(GoldenRoots().front() / "wal-torn")) {
    env.files.PutFile("/data/" + name, content);
  }
  LocalBucket bucket(env.files, "/data");
  const auto segment = bucket.Open("wal/00000000");
  ASSERT_TRUE(segment.ok());
  WalSegmentReader reader(**segment);
  WalRecord record;
  ASSERT_TRUE(DecodeWalRecord(reader.Next().value().value(), &record).ok());
  ASSERT_FALSE(record.series.empty());
  const WalSeries& series = record.series[0];
  std::string bad = TestXorChunk(1000, 10, 1);
  bad[0] = '\x30';  // more samples than it holds
  std::string file("\x01\x30\xBC\x91\x01\0\0\0", 8);
  PutHeadChunk(&file, series.ref, 1000, 10'000, bad);
  PutHeadChunk(&file, series.ref, 20'000, 29'000, TestXorChunk(20'000, 10, 2));
  env.files.PutFile("/data/chunks_head/000001", file);
  SelectRequest request;
  request.range = {0, 100'000};
  const uint32_t first = 0;
  for (const bool skip : {false, true}) {
    const auto directory = DataDirectory::Open(bucket, "", {.skip_damaged = skip});
    ASSERT_TRUE(directory.ok()) << directory.status().ToString();
    EXPECT_EQ((*directory)->damage().chunks, "");
    const auto set = (*directory)->Select(request);
    ASSERT_TRUE(set.ok());
    ASSERT_EQ((*set)->series_count(), 1u);
    EXPECT_EQ((*set)->labels(0), series.labels);
    SeriesBatch batch;
    const Status read = (*set)->Read({&first, 1}, &batch);
    EXPECT_EQ((*directory)->head().damage().chunks(), skip ? 1u : 0u);
    if (skip) {
      ASSERT_TRUE(read.ok()) << read.ToString();
      EXPECT_EQ(batch.values.size(), 10u);
      continue;
    }
    EXPECT_EQ(read.code(), Code::kCorruption);
    EXPECT_NE(read.ToString().find("chunks_head/000001: offset 8"), std::string::npos)
        << read.ToString();
  }
}

}  // namespace
}  // namespace thermocline
