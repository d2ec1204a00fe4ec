// Blocks that Prometheus wrote, against what its own querier reads from them.
#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "blocks/block_set.h"
#include "blocks/test_block.h"
#include "blocks/truth_file.h"
#include "bucket/local_bucket.h"
#include "codec/chunk.h"
#include "env/posix/posix_file_system.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolders[] = {"blocks-2h", "blocks-8h", "blocks-st", "blocks-day"};

// Calls `test(block folder, truth file)` for every golden block.
template <typename Test>
size_t ForEachBlock(Test test) {
  size_t count = 0;
  for (const fs::path& root : GoldenRoots()) {
    for (const char* folder : kFolders) {
      if (!fs::exists(root / folder)) continue;
      for (const auto& entry : fs::directory_iterator(root / folder)) {
        const std::string ulid = entry.path().filename();
        const fs::path truth = root / "truth" / folder / (ulid + ".jsonl.zst");
        if (!fs::exists(truth)) continue;
        SCOPED_TRACE(entry.path());
        test(entry.path(), truth);
        ++count;
      }
    }
  }
  return count;
}

std::unique_ptr<Block> OpenBlock(const fs::path& path) {
  static PosixFileSystem files;
  LocalBucket bucket(files, path);
  auto block = Block::Open(bucket, "", {});
  EXPECT_TRUE(block.ok()) << block.status().ToString();
  return block.ok() ? *std::move(block) : nullptr;
}

std::string EncodingName(ChunkEncoding encoding) {
  switch (encoding) {
    case ChunkEncoding::kXor: return "xor";
    case ChunkEncoding::kHistogram: return "histogram";
    case ChunkEncoding::kFloatHistogram: return "float_histogram";
    case ChunkEncoding::kXor2: return "xor2";
    case ChunkEncoding::kHistogramSt: return "histogram_st";
    case ChunkEncoding::kFloatHistogramSt: return "float_histogram_st";
    default: return "?";
  }
}

// The stored chunks: times, encodings and counts as the index and the segment files have them.
void ExpectStoredChunks(const std::vector<TruthSeries>& truth, const Block& block) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const auto set = block.Select(request);
  ASSERT_TRUE(set.ok());
  ASSERT_EQ((*set)->series_count(), truth.size());
  ASSERT_EQ(block.meta().series_count, truth.size());
  for (uint32_t i = 0; i < truth.size(); ++i) {
    EncodedBatch batch;
    ASSERT_TRUE((*set)->ReadEncoded({&i, 1}, &batch).ok());
    ASSERT_EQ((*set)->labels(i), truth[i].labels);
    ASSERT_EQ((*set)->id(i).number, truth[i].labels.Hash());
    ASSERT_EQ(batch.chunks.size(), truth[i].chunks.size());
    for (size_t c = 0; c < batch.chunks.size(); ++c) {
      const EncodedChunk& chunk = batch.chunks[c];
      EXPECT_EQ(chunk.min_ms, truth[i].chunks[c].min_ms);
      EXPECT_EQ(chunk.max_ms, truth[i].chunks[c].max_ms);
      EXPECT_EQ(EncodingName(chunk.encoding), truth[i].chunks[c].encoding);
      const auto count = ChunkSampleCount(chunk.encoding, chunk.bytes);
      ASSERT_TRUE(count.ok());
      EXPECT_EQ(*count, truth[i].chunks[c].samples);
    }
  }
}

TEST(GoldenBlock, LabelsSamplesAndStoredChunksAreThoseOfPrometheus) {
  const size_t blocks = ForEachBlock([](const fs::path& path, const fs::path& truth_path) {
    const auto block = OpenBlock(path);
    ASSERT_NE(block, nullptr);
    const std::vector<TruthSeries> truth = ReadTruth(truth_path);
    ExpectTruth(truth, *block, /*exact=*/true);
    // Tombstones cut the chunks that are handed out.
    if (block->tombstones().empty()) ExpectStoredChunks(truth, *block);
  });
  EXPECT_GE(blocks, 2u);
}

// Cut by range and tombstones, chunks hold the same samples as Read.
TEST(GoldenBlock, CutChunksHoldTheSamplesOfRead) {
  ForEachBlock([](const fs::path& path, const fs::path&) {
    const auto block = OpenBlock(path);
    ASSERT_NE(block, nullptr);
    SelectRequest request;
    const int64_t length = block->meta().max_ms - block->meta().min_ms;
    request.range = {block->meta().min_ms + length / 8, block->meta().max_ms - length / 6};
    const auto set = block->Select(request);
    ASSERT_TRUE(set.ok());
    for (uint32_t i = 0; i < (*set)->series_count(); i += 7) {
      SeriesBatch read;
      EncodedBatch encoded;
      ASSERT_TRUE((*set)->Read({&i, 1}, &read).ok());
      const Status status = (*set)->ReadEncoded({&i, 1}, &encoded);
      ASSERT_TRUE(status.ok()) << status.ToString();
      SeriesBatch decoded;
      decoded.Clear();
      for (const EncodedChunk& chunk : encoded.chunks) {
        const size_t before = decoded.timestamps_ms.size();
        ASSERT_TRUE(
            DecodeChunk(chunk.encoding, chunk.bytes, {kMinTimestampMs, kMaxTimestampMs}, &decoded)
                .ok());
        ASSERT_GT(decoded.timestamps_ms.size(), before);
        EXPECT_EQ(decoded.timestamps_ms[before], chunk.min_ms);
        EXPECT_EQ(decoded.timestamps_ms.back(), chunk.max_ms);
      }
      ASSERT_EQ(decoded.timestamps_ms, read.timestamps_ms);
      for (size_t s = 0; s < read.values.size(); ++s) {
        ASSERT_TRUE(request.range.Contains(read.timestamps_ms[s]));
        const Histogram* const h = read.histogram(s);
        ASSERT_EQ(h == nullptr, decoded.histogram(s) == nullptr);
        if (h != nullptr) {
          ASSERT_TRUE(SameBuckets(*h, *decoded.histogram(s)));
        } else {
          ASSERT_EQ(std::bit_cast<uint64_t>(read.values[s]),
                    std::bit_cast<uint64_t>(decoded.values[s]));
        }
      }
    }
  });
}

TEST(GoldenBlock, OverlappingBlocksMergeAsPrometheusMergesThem) {
  static PosixFileSystem files;
  for (const fs::path& root : GoldenRoots()) {
    for (const char* folder : kFolders) {
      const fs::path truth = root / "truth" / (std::string(folder) + "-merged.jsonl.zst");
      if (!fs::exists(truth)) continue;
      SCOPED_TRACE(truth);
      LocalBucket bucket(files, root / folder);
      const auto set = BlockSet::Open(bucket, "", {});
      ASSERT_TRUE(set.ok()) << set.status().ToString();
      ExpectTruth(ReadTruth(truth), **set, /*exact=*/true);
    }
  }
}

TEST(GoldenBlock, IndexVersionOneOfPrometheusReads) {
  const auto block = OpenBlock(fs::path(__FILE__).parent_path() / "testdata" / "index_format_v1");
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->index().version(), 1);
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const auto set = block->Select(request);
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  ASSERT_EQ((*set)->series_count(), 102u);
  SeriesBatch batch;
  std::vector<uint32_t> all(102);
  std::iota(all.begin(), all.end(), 0u);
  ASSERT_TRUE((*set)->Read(all, &batch).ok());
  EXPECT_EQ(batch.values.size(), 102u);
  // What Prometheus' own test asks of it.
  const auto labels_of = [&](MatchType type, const char* value) {
    request.matchers = {*Matcher::Make(type, "foo", value)};
    const auto some = block->Select(request);
    EXPECT_TRUE(some.ok());
    std::vector<std::string> out;
    for (size_t i = 0; i < (*some)->series_count(); ++i) {
      out.push_back((*some)->labels(i).ToString());
    }
    return out;
  };
  EXPECT_EQ(labels_of(MatchType::kEqual, "bar"), std::vector<std::string>{R"({foo="bar"})"});
  EXPECT_EQ(labels_of(MatchType::kNotRegex, "^.?$"),
            (std::vector<std::string>{R"({foo="bar"})", R"({foo="baz"})"}));
}

const fs::path kTestdata = fs::path(__FILE__).parent_path() / "testdata";

// Written by Prometheus 2.35, which still wrote label-index sections between series and postings.
TEST(GoldenBlock, ABlockWithLabelIndexSectionsReads) {
  const fs::path path = kTestdata / "thanos/01M8Q4C51HNBE7K7XDBQKNRGSB";
  const std::string index = ReadWhole(path / "index");
  ASSERT_GT(index.size(), 52u);
  const auto toc = [&](size_t i) { return index.substr(index.size() - 52 + 8 * i, 8); };
  ASSERT_NE(toc(2), toc(4)) << "no label indexes";
  ASSERT_NE(toc(3), toc(5)) << "no table of label indexes";
  const auto block = OpenBlock(path);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->index().version(), 2);
  const std::map<std::string, std::string> external = {{"cluster", "eu-1"}, {"replica", "a"}};
  EXPECT_EQ(block->meta().external_labels, external);
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const auto set = block->Select(request);
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  ASSERT_EQ((*set)->series_count(), 12u);
  SeriesBatch batch;
  for (uint32_t i = 0; i < 12; ++i) {
    ASSERT_TRUE((*set)->Read({&i, 1}, &batch).ok());
    const double s = std::stod(std::string((*set)->labels(i).Get("instance")));
    ASSERT_EQ(batch.values.size(), 300u);
    for (size_t k = 0; k < 300; ++k) {
      EXPECT_EQ(batch.timestamps_ms[k], 1'700'006'400'000 + static_cast<int64_t>(k) * 15'000);
      EXPECT_EQ(batch.values[k], static_cast<double>(k) * (s + 1) + 0.25 * s);
    }
  }
}

// What Thanos made of that block: refused by its meta.json, and without one by its chunks.
TEST(GoldenBlock, DownsampledBlocksOfThanosAreRefusedInOneLine) {
  static PosixFileSystem files;
  LocalBucket bucket(files, kTestdata / "thanos");
  const auto refused = BlockSet::Open(bucket, "", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), Code::kUnimplemented);
  EXPECT_NE(refused.status().message().find("encoding 255"), std::string::npos);
  EXPECT_EQ(refused.status().message().find('\n'), std::string::npos);
  const auto rest = BlockSet::Open(bucket, "", {.skip_damaged = true});
  ASSERT_TRUE(rest.ok()) << rest.status().ToString();
  EXPECT_EQ((*rest)->blocks().size(), 1u);
  EXPECT_EQ((*rest)->damage().blocks(), 2u);

  for (const char* const ulid : {"01M8Q4S7GBPFZC0ST3SQZQR9M7", "01M8Q4S7JFZZDPWKC395NC6WMG"}) {
    SimulatedEnv env;
    for (const char* const name : {"index", "chunks/000001"}) {
      env.files.PutFile("/b/" + std::string(name), ReadWhole(kTestdata / "thanos" / ulid / name));
    }
    env.files.PutFile("/b/meta.json", TestMeta(1'700'006'400'000, 1'700'010'885'001, ulid));
    LocalBucket alone(env.files, "/b");
    const auto block = Block::Open(alone, "", {});
    ASSERT_TRUE(block.ok()) << block.status().ToString();
    SelectRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    const auto set = (*block)->Select(request);
    ASSERT_TRUE(set.ok()) << set.status().ToString();
    ASSERT_EQ((*set)->series_count(), 12u);
    SeriesBatch batch;
    const uint32_t first = 0;
    const Status read = (*set)->Read({&first, 1}, &batch);
    EXPECT_EQ(read.code(), Code::kUnimplemented) << read.ToString();
    EXPECT_NE(read.message().find("encoding 255"), std::string::npos) << read.ToString();
  }
}

TEST(GoldenBlock, AMetaJsonOfVersionTwoIsRefused) {
  static PosixFileSystem files;
  LocalBucket bucket(files, kTestdata / "repair_index_version/01BZJ9WJQPWHGNC2W4J9TA62KC");
  const auto block = Block::Open(bucket, "", {});
  ASSERT_FALSE(block.ok());
  EXPECT_NE(block.status().message().find("meta.json: version 2"), std::string::npos)
      << block.status().ToString();
}

}  // namespace
}  // namespace thermocline
