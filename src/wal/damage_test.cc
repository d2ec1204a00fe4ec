// Damaged files: whatever the bytes are, what is replayed is what was written, and what is missing
// is said.
#include <gtest/gtest.h>

#include <algorithm>

#include "wal/format.h"
#include "wal/log_oracle.h"
#include "wal/replay.h"

namespace thermocline::wal {
namespace {

const std::string kFolder = "/wal";
using Records = std::vector<std::string>;

LogOptions SmallLog() {
  LogOptions options;
  options.directory = kFolder;
  options.segment_size_bytes = 64 * 1024;
  options.inline_commit = true;
  return options;
}

std::string SegmentPath(uint64_t id) { return JoinPath(kFolder, SegmentName(SegmentId(id))); }

// A log of the given records, each committed alone.
SimulatedFileSystem::Image WriteLog(const Records& records) {
  SimulatedEnv simulated;
  ReplaySummary summary;
  auto log = *Log::Open(
      SmallLog(), simulated.env(), [](const LogRecord&) { return Status::Ok(); }, &summary);
  for (const std::string& record : records) {
    const auto lsn = log->Enqueue(RecordType::kSamples, record);
    CHECK_OK(lsn.status());
    CHECK_OK(log->Wait(*lsn));
  }
  CHECK_OK(log->Close());
  return simulated.files.TakeImage();
}

struct Replayed {
  std::map<uint64_t, std::string> records;
  ReplaySummary summary;
  Status status;
  bool reported() const {
    return summary.torn_bytes + summary.damaged_blocks + summary.lost_records > 0;
  }
};

Replayed ReplayFiles(SimulatedEnv& simulated, bool check_crc = true, bool strict = false) {
  Replayed out;
  ReplayOptions options;
  options.directory = kFolder;
  options.strict = strict;
  options.reader.check_crc = check_crc;
  out.status = ReplaySegments(
                   options, simulated.files, simulated.logger,
                   [&](const LogRecord& record) {
                     EXPECT_TRUE(out.records.emplace(record.lsn.number, record.payload).second);
                     return Status::Ok();
                   },
                   &out.summary)
                   .status();
  return out;
}

Replayed ReplayImage(const SimulatedFileSystem::Image& image, bool check_crc = true) {
  SimulatedEnv simulated;
  simulated.files.LoadImage(image);
  return ReplayFiles(simulated, check_crc);
}

// How many records came back with bytes that were never written; all when one was invented.
size_t Wrong(const Replayed& replayed, const Records& written) {
  size_t wrong = 0;
  for (const auto& [lsn, payload] : replayed.records) {
    if (lsn == 0 || lsn > written.size() || payload != written[lsn - 1]) ++wrong;
  }
  return wrong;
}

Records SmallRecords() {
  Records records;
  for (uint64_t i = 0; i < 12; ++i) records.push_back(PayloadOf(i, 20 + i * 13));
  return records;
}

// The written part of a segment file.
size_t UsedBytes(const std::string& content) { return content.find_last_not_of('\0') + 1; }

TEST(Damage, ATornTailIsCutAtEveryByte) {
  const Records written = SmallRecords();
  const auto image = WriteLog(written);
  const std::string whole = image.at(SegmentPath(1));
  const size_t used = UsedBytes(whole);
  size_t most = 0;
  for (size_t size = kSegmentHeaderBytes; size <= used; ++size) {
    SimulatedEnv simulated;
    auto torn = image;
    torn[SegmentPath(1)] = whole.substr(0, size);
    simulated.files.LoadImage(torn);
    const Replayed replayed = ReplayFiles(simulated);
    ASSERT_TRUE(replayed.status.ok());
    ASSERT_EQ(Wrong(replayed, written), 0u) << "cut at " << size;
    // Whole records up to the cut, in order, and nothing else.
    ASSERT_GE(replayed.records.size(), most);
    most = replayed.records.size();
    ASSERT_EQ(most == 0 ? 0 : replayed.records.rbegin()->first, most);
    ASSERT_EQ(replayed.summary.damaged_blocks + replayed.summary.lost_records, 0u);
    // The log goes on from there, and the next life finds no tail to cut.
    LogOracle oracle(simulated, SmallLog());
    static_cast<void>(oracle.Open());  // it knows none of these records
    const auto lsn = oracle.log().Enqueue(RecordType::kMark, "next");
    ASSERT_EQ(lsn->number, most + 1) << "cut at " << size;
    ASSERT_TRUE(oracle.log().Wait(*lsn).ok());
    oracle.Drop();
    const Replayed again = ReplayFiles(simulated);
    ASSERT_EQ(again.records.size(), most + 1);
    ASSERT_FALSE(again.reported()) << "cut at " << size;
  }
  EXPECT_EQ(most, written.size());
}

TEST(Damage, AnyFlippedByteIsReportedOrHarmless) {
  const Records written = SmallRecords();
  const auto image = WriteLog(written);
  const size_t used = UsedBytes(image.at(SegmentPath(1)));
  for (size_t at = 0; at < used; ++at) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      auto damaged = image;
      damaged[SegmentPath(1)][at] ^= flip;
      const Replayed replayed = ReplayImage(damaged);
      ASSERT_TRUE(replayed.status.ok());
      ASSERT_EQ(Wrong(replayed, written), 0u) << "byte " << at;
      // One record at most is lost, and never silently.
      ASSERT_GE(replayed.records.size() + 1, written.size()) << "byte " << at;
      ASSERT_TRUE(replayed.reported()) << "byte " << at;
    }
  }
}

TEST(PlantedFault, AnUncheckedCrcIsNoticed) {
  const Records written = SmallRecords();
  const auto image = WriteLog(written);
  const size_t used = UsedBytes(image.at(SegmentPath(1)));
  size_t noticed = 0;
  for (size_t at = 0; at < used; ++at) {
    auto damaged = image;
    damaged[SegmentPath(1)][at] ^= '\x01';
    noticed += Wrong(ReplayImage(damaged, false), written) > 0 ? 1 : 0;
  }
  EXPECT_GT(noticed, 1000u);
}

// Records that fill many blocks and several segments.
Records LargeRecords() {
  Records records;
  for (uint64_t i = 0; i < 60; ++i) records.push_back(PayloadOf(i, 200 + i * 97 % 9000));
  records.push_back(PayloadOf(99, 80'000));
  for (uint64_t i = 0; i < 10; ++i) records.push_back(PayloadOf(200 + i, 5000));
  return records;
}

TEST(Damage, AZeroedBlockLosesOnlyWhatItHeld) {
  const Records written = LargeRecords();
  const auto image = WriteLog(written);
  size_t blocks = 0;
  for (const auto& [path, content] : image) {
    if (path.find("segment-") == std::string::npos) continue;
    for (size_t at = 0; at < UsedBytes(content); at += kBlockBytes) {
      ++blocks;
      SimulatedEnv simulated;
      auto damaged = image;
      std::string& file = damaged[path];
      file.replace(at, std::min<size_t>(kBlockBytes, file.size() - at),
                   std::min<size_t>(kBlockBytes, file.size() - at), '\0');
      simulated.files.LoadImage(damaged);
      const Replayed replayed = ReplayFiles(simulated);
      ASSERT_TRUE(replayed.status.ok());
      ASSERT_EQ(Wrong(replayed, written), 0u);
      // Without later evidence the end of the log may be a torn tail; all else is counted exactly.
      const size_t missing = written.size() - replayed.records.size();
      ASSERT_GT(missing, 0u) << path << " at " << at;
      const bool is_tail =
          replayed.records.empty() || replayed.records.rbegin()->first + missing == written.size();
      if (!is_tail) {
        // Where the log began is known from its first header only.
        const uint64_t front =
            at == 0 && path == SegmentPath(1) ? replayed.records.begin()->first - 1 : 0;
        ASSERT_EQ(replayed.summary.lost_records + front, missing) << path << " at " << at;
        ASSERT_GE(replayed.summary.damaged_blocks, 1u);
        ASSERT_EQ(simulated.files.List(JoinPath(kFolder, "quarantine"))->size(), 1u);
        EXPECT_FALSE(ReplayFiles(simulated, true, true).status.ok()) << "strict mode";
      }
    }
  }
  EXPECT_GT(blocks, 10u);
}

TEST(Damage, AMissingSegmentIsCounted) {
  const Records written = LargeRecords();
  const auto image = WriteLog(written);
  std::vector<std::string> segments;
  for (const auto& [path, content] : image) {
    if (path.find("segment-") != std::string::npos) segments.push_back(path);
  }
  ASSERT_GE(segments.size(), 4u);
  for (size_t i = 1; i + 1 < segments.size(); ++i) {
    auto damaged = image;
    damaged.erase(segments[i]);
    const Replayed replayed = ReplayImage(damaged);
    EXPECT_EQ(Wrong(replayed, written), 0u);
    EXPECT_LT(replayed.records.size(), written.size());
    EXPECT_EQ(replayed.summary.lost_records, written.size() - replayed.records.size());
  }
}

TEST(Damage, ADuplicatedOrSwappedSegmentReplaysNothingTwice) {
  const Records written = LargeRecords();
  const auto image = WriteLog(written);
  for (const uint64_t copied : {1, 2, 3}) {
    for (const uint64_t over : {1, 2, 3, 90}) {
      if (copied == over) continue;
      auto damaged = image;
      damaged[SegmentPath(over)] = image.at(SegmentPath(copied));
      const Replayed replayed = ReplayImage(damaged);
      EXPECT_TRUE(replayed.status.ok());
      EXPECT_EQ(Wrong(replayed, written), 0u);
      EXPECT_TRUE(replayed.reported());
      const bool overwrote = over != 90;
      EXPECT_EQ(replayed.records.size() < written.size(), overwrote);
    }
  }
}

TEST(Damage, QuarantineKeepsTheOriginalBytesOnce) {
  const auto image = WriteLog(LargeRecords());
  SimulatedEnv simulated;
  auto damaged = image;
  damaged[SegmentPath(2)][5000] ^= 1;
  simulated.files.LoadImage(damaged);
  for (int start = 0; start < 2; ++start) {
    const Replayed replayed = ReplayFiles(simulated);
    EXPECT_EQ(replayed.summary.quarantined_segments, 1u);
    EXPECT_EQ(replayed.summary.damaged_blocks, 1u);
    const auto kept = simulated.files.List(JoinPath(kFolder, "quarantine"));
    ASSERT_EQ(kept->size(), 1u);
    EXPECT_EQ(*simulated.files.ReadFile(JoinPath(kFolder + "/quarantine", (*kept)[0].name)),
              damaged[SegmentPath(2)]);
  }
  EXPECT_TRUE(simulated.logger.Contains("damage in a log segment", LogLevel::kWarn));
}

TEST(Damage, ThePlaceOfDamageAndOfATornTailIsTold) {
  const Records written(20, std::string(1000, 'x'));
  const auto image = WriteLog(written);
  constexpr uint64_t kRecordBytes = kFragmentHeaderBytes + 1000;
  const auto start_of = [](uint64_t record) { return kSegmentHeaderBytes + record * kRecordBytes; };
  EXPECT_TRUE(ReplayImage(image).summary.damage.empty());
  EXPECT_FALSE(ReplayImage(image).summary.torn.has_value());
  auto damaged = image;
  damaged[SegmentPath(1)][start_of(7) + 500] ^= 1;
  const Replayed bad = ReplayImage(damaged);
  ASSERT_EQ(bad.summary.damage.size(), 1u);
  EXPECT_EQ(bad.summary.damage[0].file, SegmentPath(1));
  EXPECT_EQ(bad.summary.damage[0].offset, start_of(7));
  EXPECT_FALSE(bad.summary.torn.has_value());
  auto torn = image;
  torn[SegmentPath(1)].resize(start_of(19) + 100);
  const Replayed cut = ReplayImage(torn);
  EXPECT_TRUE(cut.summary.damage.empty());
  ASSERT_TRUE(cut.summary.torn.has_value());
  EXPECT_EQ(cut.summary.torn->file, SegmentPath(1));
  EXPECT_EQ(cut.summary.torn->offset, start_of(19));
}

TEST(Damage, ADamagedSegmentThatCannotBeCopiedIsMovedWhenReleased) {
  const auto image = WriteLog(LargeRecords());
  SimulatedEnv simulated;
  auto damaged = image;
  damaged[SegmentPath(1)][5000] ^= 1;
  simulated.files.LoadImage(damaged);
  // The first directory that opening creates after the log's own is the quarantine.
  simulated.files.FailNth(FileOperation::kCreateDirectory, 2, FileFault::kNoSpace);
  ReplaySummary summary;
  auto log = *Log::Open(
      SmallLog(), simulated.env(), [](const LogRecord&) { return Status::Ok(); }, &summary);
  EXPECT_FALSE(simulated.files.Exists(JoinPath(kFolder, "quarantine")));
  ASSERT_TRUE(log->TruncateBefore(log->current_segment()).ok());
  EXPECT_EQ(*simulated.files.ReadFile(JoinPath(kFolder + "/quarantine", SegmentName(SegmentId(1)))),
            damaged[SegmentPath(1)]);
}

TEST(Damage, RandomBytesNeverCrashTheReader) {
  const Records written = LargeRecords();
  const auto image = WriteLog(written);
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SeededRandom random(seed);
    auto damaged = image;
    for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
      std::string& file = damaged[SegmentPath(1 + random.Below(4))];
      const uint64_t at = random.Below(file.size());
      const std::string noise = PayloadOf(random.Next(), random.Below(3000));
      if (random.Below(4) == 0) {
        file.resize(at);
      } else {
        file.replace(at, noise.size(), noise);
      }
      if (file.empty()) file = "x";
    }
    const Replayed replayed = ReplayImage(damaged);
    ASSERT_TRUE(replayed.status.ok()) << "seed " << seed;
    ASSERT_EQ(Wrong(replayed, written), 0u) << "seed " << seed;
    if (replayed.records.size() < written.size()) {
      ASSERT_TRUE(replayed.reported()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace thermocline::wal
