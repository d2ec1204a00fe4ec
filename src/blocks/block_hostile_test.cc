// Blocks whose bytes lie: an error or the same answer, never anything else.
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <random>

#include "blocks/block.h"
#include "blocks/test_block.h"
#include "blocks/truth_file.h"
#include "bucket/local_bucket.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};

// Everything a block says, as one string; the status when it says nothing.
Result<std::string> Tell(SimulatedFileSystem& files, const std::string& folder,
                         const BlockOptions& options) {
  LocalBucket bucket(files, folder);
  ASSIGN_OR_RETURN(const auto block, Block::Open(bucket, "", options));
  SelectRequest request;
  request.range = kAll;
  ASSIGN_OR_RETURN(const auto set, block->Select(request));
  std::string out;
  ByteWriter writer(&out);
  std::vector<uint32_t> all(set->series_count());
  std::iota(all.begin(), all.end(), 0u);
  for (const uint32_t i : all) {
    writer.U64(set->id(i).number);
    writer.LengthPrefixed(set->labels(i).packed());
  }
  SeriesBatch batch;
  RETURN_IF_ERROR(set->Read(all, &batch));
  for (const uint32_t offset : batch.offsets) writer.U32(offset);
  for (const TimestampMs t : batch.timestamps_ms) writer.I64(t);
  for (const double v : batch.values) writer.F64(v);
  for (const TimestampMs t : batch.start_timestamps_ms) writer.I64(t);
  for (const Histogram& h : batch.histograms) writer.F64(h.sum);
  LabelRequest labels;
  labels.range = kAll;
  ASSIGN_OR_RETURN(const auto names, block->LabelNames(labels));
  for (const std::string& name : names) {
    writer.LengthPrefixed(name);
    ASSIGN_OR_RETURN(const auto values, block->LabelValues(name, labels));
    for (const std::string& value : values) writer.LengthPrefixed(value);
  }
  labels.matcher_sets = {{*Matcher::Make(MatchType::kNotEqual, "i", "")}};
  ASSIGN_OR_RETURN(const auto some, block->LabelNames(labels));
  for (const std::string& name : some) writer.LengthPrefixed(name);
  return out;
}

// Cuts the second and third series of the block in `folder`.
std::string TwoTombstones(SimulatedFileSystem& files, const std::string& folder) {
  LocalBucket bucket(files, folder);
  const auto refs = (*Block::Open(bucket, "", {}))->index().All();
  std::string body;
  ByteWriter writer(&body);
  for (const size_t series : {1, 2}) {
    writer.Varint((*refs)[series].number);
    writer.SignedVarint(3000);
    writer.SignedVarint(4000);
  }
  std::string file;
  PutBig32(&file, 0x0130BA30);
  file += '\1' + body;
  PutBig32(&file, Crc32c(body));
  return file;
}

// Flips bits of each byte of `file` and expects an error or `right`.
void FlipEveryByte(SimulatedFileSystem* files, const std::string& folder, const std::string& name,
                   const std::string& right, size_t step) {
  const std::string path = folder + "/" + name;
  const std::string whole = *files->ReadFile(path);
  for (size_t i = 0; i < whole.size(); i += step) {
    for (const int mask : {0x01, 0x41, 0x80, 0xff}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ mask);
      files->PutFile(path, bytes);
      const auto told = Tell(*files, folder, {});
      ASSERT_TRUE(!told.ok() || *told == right) << path << " byte " << i << " mask " << mask;
      ASSERT_NE(told.status().code(), Code::kInternal);
    }
  }
  files->PutFile(path, whole);
}

TEST(HostileBlock, AFlippedByteIsAnErrorOrChangesNothing) {
  for (const TestIndexShape& shape :
       {TestIndexShape{2, false}, TestIndexShape{2, true}, TestIndexShape{1, false}}) {
    SCOPED_TRACE(shape.version);
    SimulatedEnv env;
    PutTestBlock(&env.files, "/b", 8, 5, shape);
    env.files.PutFile("/b/tombstones", TwoTombstones(env.files, "/b"));
    const auto right = Tell(env.files, "/b", {});
    ASSERT_TRUE(right.ok()) << right.status().ToString();
    FlipEveryByte(&env.files, "/b", "index", *right, 1);
    FlipEveryByte(&env.files, "/b", "chunks/000001", *right, 1);
    FlipEveryByte(&env.files, "/b", "meta.json", *right, 1);
    FlipEveryByte(&env.files, "/b", "tombstones", *right, 1);
  }
}

TEST(HostileBlock, AFlippedByteOfPrometheusBlocksIsAnErrorOrChangesNothing) {
  namespace fs = std::filesystem;
  const fs::path data = fs::path(__FILE__).parent_path() / "testdata";
  // The index of the last one is large: its bytes are sampled.
  const std::pair<const char*, size_t> blocks[] = {{"index_format_v1", 7},
                                                   {"blocks-2h/01HF96RR88AEWTP9VWFAY43MQ6", 487},
                                                   {"blocks-st/01HF8S19R440J24F8QJDC741RX", 199}};
  for (const auto& [name, step] : blocks) {
    SCOPED_TRACE(name);
    SimulatedEnv env;
    for (const char* file : {"index", "chunks/000001", "meta.json", "tombstones"}) {
      env.files.PutFile(std::string("/b/") + file, ReadWhole(data / name / file));
    }
    const auto right = Tell(env.files, "/b", {});
    ASSERT_TRUE(right.ok()) << right.status().ToString();
    FlipEveryByte(&env.files, "/b", "index", *right, step);
    FlipEveryByte(&env.files, "/b", "chunks/000001", *right, 3);
    FlipEveryByte(&env.files, "/b", "meta.json", *right, 1);
    FlipEveryByte(&env.files, "/b", "tombstones", *right, 1);
  }
}

TEST(HostileBlock, ATornFileIsAnError) {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/b", 8, 5);
  const std::string index = *env.files.ReadFile("/b/index");
  const std::string segment = *env.files.ReadFile("/b/chunks/000001");
  for (size_t size = 0; size < index.size(); ++size) {
    env.files.PutFile("/b/index", index.substr(0, size));
    ASSERT_FALSE(Tell(env.files, "/b", {}).ok()) << size;
  }
  env.files.PutFile("/b/index", index);
  for (size_t size = 0; size < segment.size(); ++size) {
    env.files.PutFile("/b/chunks/000001", segment.substr(0, size));
    ASSERT_FALSE(Tell(env.files, "/b", {}).ok()) << size;
  }
}

TEST(HostileBlock, SkippingCountsEachDamagedChunkAndKeepsTheRest) {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/b", 30, 5);
  const std::string whole = *env.files.ReadFile("/b/chunks/000001");
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = whole;
    for (int hits = 0; hits < 3; ++hits) {
      bytes[8 + random() % (bytes.size() - 8)] ^= static_cast<char>(1 + random() % 255);
    }
    env.files.PutFile("/b/chunks/000001", bytes);
    LocalBucket bucket(env.files, "/b");
    const auto block = Block::Open(bucket, "", {.skip_damaged = true});
    ASSERT_TRUE(block.ok());
    SelectRequest request;
    request.range = kAll;
    const auto set = (*block)->Select(request);
    ASSERT_TRUE(set.ok());
    std::vector<uint32_t> all(30);
    std::iota(all.begin(), all.end(), 0u);
    SeriesBatch batch;
    const Status read = (*set)->Read(all, &batch);
    ASSERT_TRUE(read.ok()) << read.ToString();
    size_t empty = 0;
    for (uint32_t i = 0; i < 30; ++i) {
      if (batch.times(i).empty()) {
        ++empty;
        continue;
      }
      ASSERT_EQ(batch.times(i).size(), 5u);
      ASSERT_EQ(batch.floats(i)[4], i + 4);
    }
    ASSERT_LE(empty, 3u);
    ASSERT_EQ((*block)->damage().chunks(), empty);
  }
}

// A reference that points anywhere is a fault of that chunk, with its place.
TEST(HostileBlock, AChunkReferenceOutsideTheFilesIsNamed) {
  for (const uint64_t reference :
       {uint64_t{7} << 32 | 8, uint64_t{0xfffffff0}, uint64_t{UINT64_MAX}, uint64_t{1}}) {
    SimulatedEnv env;
    PutTestBlock(&env.files, "/b", 1, 5);
    env.files.PutFile("/b/index",
                      TestIndexWriter::Write(
                          {{Labels{{"__name__", "m"}, {"i", "1"}}, {{0, 4000, reference}}}}, {}));
    const auto told = Tell(env.files, "/b", {});
    ASSERT_FALSE(told.ok());
    EXPECT_EQ(told.status().code(), Code::kCorruption) << told.status().ToString();
    EXPECT_TRUE(Tell(env.files, "/b", {.skip_damaged = true}).ok());
  }
}

}  // namespace
}  // namespace thermocline
