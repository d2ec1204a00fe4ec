#include "convert/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "blocks/test_block.h"
#include "convert/compare.h"
#include "convert/series_views.h"
#include "convert/series_walk.h"
#include "env/posix/posix_file_system.h"
#include "env/simulated/simulated_env.h"
#include "shards/gateway_days.h"

namespace thermocline {
namespace {

constexpr TimeRange kAlways = {kMinTimestampMs, kMaxTimestampMs};
constexpr TimestampMs kMidnight = 19'700 * kDayMs;

const std::string kTestdata =
    (std::filesystem::path(__FILE__).parent_path().parent_path() / "blocks" / "testdata").string();

// Folders of golden blocks: one is committed, the others are the shared data, where they are.
std::vector<std::string> GoldenBlocks() {
  std::vector<std::string> folders = {kTestdata + "/blocks-2h"};
  const char* const shared = std::getenv("THERMOCLINE_SHARED");
  if (shared == nullptr) return folders;
  for (const char* name : {"/data/golden/blocks-2h", "/data/golden/blocks-day"}) {
    if (std::filesystem::is_directory(shared + std::string(name))) {
      folders.push_back(shared + std::string(name));
    }
  }
  return folders;
}

// Copies a real folder into the simulated file system.
void CopyTree(const std::string& from, const std::string& to, SimulatedFileSystem* files) {
  PosixFileSystem real;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(from)) {
    if (!entry.is_regular_file()) continue;
    const auto bytes = real.ReadFile(entry.path().string());
    ASSERT_TRUE(bytes.ok());
    files->PutFile(to + entry.path().string().substr(from.size()), *bytes);
  }
}

// A disk that gives back other bytes than were written: what is read of `aside` is what stands at
// the same place below `other`, and one byte of it is flipped when that is asked for.
class FaultyDisk final : public FileSystem {
 public:
  FaultyDisk(SimulatedFileSystem& files, std::string aside, std::string other)
      : files_(files), aside_(std::move(aside)), other_(std::move(other)) {}
  void FlipByteAt(uint64_t offset) { flipped_at_ = offset; }
  int reads() const { return reads_; }

  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) override {
    ASSIGN_OR_RETURN(auto file, files_.OpenForRead(Other(path)));
    if (!path.starts_with(aside_) || !path.ends_with(".parquet")) return file;
    ++reads_;
    return std::unique_ptr<RandomAccessFile>(
        std::make_unique<FlippedFile>(std::move(file), flipped_at_));
  }
  Result<FileInfo> Stat(const std::string& path) override { return files_.Stat(Other(path)); }
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path,
                                                     OpenMode mode) override {
    return files_.OpenForWrite(path, mode);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return files_.Rename(from, to);
  }
  Status RemoveFile(const std::string& path) override { return files_.RemoveFile(path); }
  Status RemoveDirectory(const std::string& path) override { return files_.RemoveDirectory(path); }
  Status CreateDirectories(const std::string& path) override {
    return files_.CreateDirectories(path);
  }
  Status SyncDirectory(const std::string& path) override { return files_.SyncDirectory(path); }
  Result<std::vector<DirectoryEntry>> List(const std::string& path) override {
    return files_.List(path);
  }
  Result<uint64_t> FreeSpace(const std::string& path) override { return files_.FreeSpace(path); }
  Result<uint64_t> TotalSpace(const std::string& path) override { return files_.TotalSpace(path); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                         std::string_view holder) override {
    return files_.Lock(path, holder);
  }

 private:
  class FlippedFile final : public RandomAccessFile {
   public:
    FlippedFile(std::unique_ptr<RandomAccessFile> file, uint64_t at)
        : file_(std::move(file)), at_(at) {}
    Status Read(uint64_t offset, size_t size_bytes, std::string* out) const override {
      RETURN_IF_ERROR(file_->Read(offset, size_bytes, out));
      if (at_ >= offset && at_ - offset < out->size()) (*out)[at_ - offset] ^= 1;
      return Status::Ok();
    }
    Result<uint64_t> Size() const override { return file_->Size(); }

   private:
    const std::unique_ptr<RandomAccessFile> file_;
    const uint64_t at_;
  };

  std::string Other(const std::string& path) const {
    const bool swapped = !other_.empty() && path.starts_with(aside_) && path.ends_with(".parquet");
    return swapped ? other_ + path.substr(aside_.size()) : path;
  }

  SimulatedFileSystem& files_;
  const std::string aside_;
  const std::string other_;  // empty for the files themselves
  uint64_t flipped_at_ = UINT64_MAX;
  int reads_ = 0;
};

class ConvertTest : public ::testing::Test {
 protected:
  ConvertTest() {
    EXPECT_TRUE(env_.files.CreateDirectories("/out").ok());
    EXPECT_TRUE(env_.files.SyncDirectory("/").ok());
  }

  // Blocks of some series over three days, two of which overlap.
  void PutBlocks() {
    PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED0", 0, 20, 1);
    PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED1", 30 * kHourMs, 25, 500);
    PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED2", 30 * kHourMs + 1500, 10, 900);
  }
  // `count` series of 240 samples from `begin_ms` after midnight on, every 3 minutes (12 h).
  void PutBlock(const std::string& folder, TimestampMs begin_ms, int count, int value,
                const std::string& meta = "") {
    std::string segment;
    std::vector<TestSeries> series;
    for (int i = 0; i < count; ++i) {
      TestSeries one;
      one.labels = Labels{{"__name__", i % 3 == 0 ? "a" : "b"}, {"i", std::to_string(1000 + i)}};
      for (int part = 0; part < 2; ++part) {
        SeriesBatch batch;
        batch.Clear();
        for (int k = 0; k < 120; ++k) {
          batch.timestamps_ms.push_back(kMidnight + begin_ms + i +
                                        (part * 120 + k) * 3 * kMinuteMs);
          batch.values.push_back(value + i * k);
        }
        std::string bytes;
        CHECK_OK(EncodeChunk(ChunkEncoding::kXor, batch, 0, 120, &bytes));
        one.chunks.push_back({batch.timestamps_ms.front(), batch.timestamps_ms.back(),
                              PutChunk(&segment, 1, bytes)});
      }
      series.push_back(std::move(one));
    }
    // By labels, as an index has its series.
    std::sort(series.begin(), series.end(),
              [](const TestSeries& a, const TestSeries& b) { return (a.labels <=> b.labels) < 0; });
    env_.files.PutFile(folder + "/index", TestIndexWriter::Write(series, {}));
    env_.files.PutFile(folder + "/chunks/000001", segment);
    env_.files.PutFile(folder + "/meta.json",
                       TestMeta(kMidnight + begin_ms, kMidnight + begin_ms + 13 * kHourMs,
                                folder.substr(folder.rfind('/') + 1), meta));
  }

  std::vector<ConvertInput> Open(const std::vector<std::string>& paths) {
    std::vector<ConvertInput> inputs;
    for (const std::string& path : paths) {
      const auto layout = RecogniseLayout(env_.files, path);
      EXPECT_TRUE(layout.ok()) << layout.status().ToString();
      auto places = FindInputs(env_.files, path, *layout);
      EXPECT_TRUE(places.ok()) << places.status().ToString();
      for (InputPlace& place : *places) {
        auto source =
            OpenSource(env_.files, nullptr, place.path, place.layout, {.stream = place.stream});
        EXPECT_TRUE(source.ok()) << source.status().ToString();
        opened_.push_back(*std::move(source));
        inputs.push_back({std::move(place), opened_.back().get()});
      }
    }
    return inputs;
  }
  Result<ConvertSummary> Run(const std::vector<std::string>& from, const std::string& to,
                             const ConvertOptions& options) {
    return Convert(env_.env(), Open(from), to, options, nullptr);
  }
  Result<ConvertSummary> RunOn(FileSystem& disk, const std::vector<std::string>& from,
                               const std::string& to, const ConvertOptions& options) {
    const Env whole = env_.env();
    const Env env{disk, whole.clock, whole.random, whole.executor, whole.logger, whole.metrics};
    return Convert(env, Open(from), to, options, nullptr);
  }
  ConvertSummary MustRun(const std::vector<std::string>& from, const std::string& to,
                         const ConvertOptions& options) {
    const auto summary = Run(from, to, options);
    EXPECT_TRUE(summary.ok()) << summary.status().ToString();
    return summary.ok() ? *summary : ConvertSummary{};
  }
  Comparison CompareAll(const std::vector<std::string>& a, const std::vector<std::string>& b,
                        TimeRange range = kAlways) {
    const auto joined = [&](const std::vector<std::string>& paths) {
      std::vector<ConvertInput> inputs = Open(paths);
      OrderInputs(&inputs);
      std::vector<const Source*> sources;
      for (const ConvertInput& input : inputs) sources.push_back(input.source);
      return JoinedInputs(sources);
    };
    SelectRequest request;
    request.range = range;
    auto found = Compare(joined(a), joined(b), request, {});
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    for (const std::string& line : found->differences) ADD_FAILURE() << line;
    return found.ok() ? *std::move(found) : Comparison{};
  }
  std::map<std::string, std::string> FilesBelow(const std::string& folder) {
    std::map<std::string, std::string> out;
    const auto entries = env_.files.List(folder);
    if (!entries.ok()) return out;
    for (const DirectoryEntry& entry : *entries) {
      const std::string path = JoinPath(folder, entry.name);
      if (!entry.is_directory) {
        out[entry.name] = *env_.files.ReadFile(path);
        continue;
      }
      for (auto& [name, bytes] : FilesBelow(path)) out[entry.name + "/" + name] = bytes;
    }
    return out;
  }
  static ConvertOptions To(SourceLayout layout) {
    ConvertOptions options;
    options.layout = layout;
    options.verify = true;
    return options;
  }

  SimulatedEnv env_;
  std::vector<std::unique_ptr<Source>> opened_;
};

TEST_F(ConvertTest, BlocksToShardsAreTheSameSamplesAndMostChunksUntouched) {
  PutBlocks();
  const ConvertSummary common =
      MustRun({"/blocks"}, "/out/common", To(SourceLayout::kParquetCommon));
  EXPECT_EQ(common.series, 25u);
  // The two late blocks have no timestamp in common.
  EXPECT_EQ(common.samples, (20u + 25u + 10u) * 240);
  EXPECT_EQ(common.samples_verified, common.samples);
  EXPECT_EQ(common.pieces, 1u);
  EXPECT_EQ(common.files, 2u);
  EXPECT_GT(common.chunks_passed, 0u);
  EXPECT_GT(common.bytes_in, 0u);
  EXPECT_EQ(CompareAll({"/blocks"}, {"/out/common"}).samples, common.samples);
  const ConvertSummary gateway = MustRun({"/blocks"}, "/out/gateway", To(SourceLayout::kGateway));
  EXPECT_EQ(gateway.series, 25u);
  EXPECT_EQ(gateway.samples, common.samples);
  EXPECT_EQ(gateway.pieces, 2u);  // to noon; 6:00 to 18:00 of the next day
  EXPECT_TRUE(CompareAll({"/out/common"}, {"/out/gateway"}).equal());
  // And from shard to shard, back and forth.
  MustRun({"/out/gateway"}, "/out/again", To(SourceLayout::kParquetCommon));
  EXPECT_EQ(CompareAll({"/blocks"}, {"/out/again"}).samples, common.samples);
}

TEST_F(ConvertTest, FloatsGoToTheSamplesLayoutAndBack) {
  PutBlocks();
  const ConvertSummary summary = MustRun({"/blocks"}, "/out/data", To(SourceLayout::kSamples));
  EXPECT_EQ(summary.series, 25u);
  EXPECT_EQ(summary.samples, 55u * 240);
  EXPECT_EQ(summary.samples_verified, summary.samples);
  EXPECT_EQ(summary.pieces, 2u);
  EXPECT_TRUE(env_.files.Exists("/out/data/cold"));
}

TEST_F(ConvertTest, TheOrderOfInputsDoesNotMatter) {
  PutBlocks();
  std::vector<std::string> blocks;
  const auto names = env_.files.List("/blocks");
  for (const DirectoryEntry& entry : *names) blocks.push_back("/blocks/" + entry.name);
  std::sort(blocks.begin(), blocks.end());
  MustRun({"/blocks"}, "/out/whole", To(SourceLayout::kParquetCommon));
  const auto wanted = FilesBelow("/out/whole");
  int run = 0;
  do {
    const std::string to = "/out/" + std::to_string(run++);
    MustRun(blocks, to, To(SourceLayout::kParquetCommon));
    EXPECT_EQ(FilesBelow(to), wanted);
  } while (std::next_permutation(blocks.begin(), blocks.end()));
  EXPECT_EQ(run, 6);
}

TEST_F(ConvertTest, TimeCutInPiecesAndJoinedIsTheWhole) {
  PutBlocks();
  std::mt19937_64 random(7);
  for (int seed = 0; seed < 5; ++seed) {
    const TimestampMs cut = kMidnight + static_cast<int64_t>(random() % (40 * kHourMs));
    SCOPED_TRACE(cut);
    const std::string at = "/out/" + std::to_string(seed);
    ConvertOptions early =
        To(seed % 2 == 0 ? SourceLayout::kParquetCommon : SourceLayout::kGateway);
    ConvertOptions late = early;
    early.range.end_ms = cut - 1;
    late.range.start_ms = cut;
    const uint64_t samples = MustRun({"/blocks"}, at + "-early", early).samples +
                             MustRun({"/blocks"}, at + "-late", late).samples;
    EXPECT_EQ(samples, 55u * 240);
    EXPECT_EQ(CompareAll({"/blocks"}, {at + "-late", at + "-early"}).samples, samples);
    MustRun({at + "-late", at + "-early"}, at + "-joined", To(SourceLayout::kParquetCommon));
    EXPECT_EQ(CompareAll({"/blocks"}, {at + "-joined"}).samples, samples);
  }
}

TEST_F(ConvertTest, AnInterruptedRunLeavesNothingAndCanBeRepeated) {
  PutBlocks();
  for (const SourceLayout layout :
       {SourceLayout::kParquetCommon, SourceLayout::kGateway, SourceLayout::kSamples}) {
    SCOPED_TRACE(LayoutName(layout));
    const std::string to = "/out/" + std::string(LayoutName(layout));
    ConvertOptions options = To(layout);
    options.verify = false;
    // Power goes at any time; what is there afterwards is nothing or all.
    const uint64_t before = env_.files.mutating_calls();
    MustRun({"/blocks"}, to + "-measured", options);
    const uint64_t calls = env_.files.mutating_calls() - before;
    int runs = 0;
    for (uint64_t call = 0; call < calls; call += 1 + calls / 23) {
      SCOPED_TRACE(call);
      const std::string here = to + std::to_string(call);
      const std::vector<ConvertInput> inputs = Open({"/blocks"});
      env_.files.CutPowerAfter(call);
      const bool done = Convert(env_.env(), inputs, here, options, nullptr).ok();
      opened_.clear();
      env_.files.Crash(call);
      const size_t left = FilesBelow(here).size();
      if (done) {
        EXPECT_NE(left, 0u);  // only the cleaning up was cut off
      }
      if (left != 0) {  // the rename may have been the last thing that happened
        EXPECT_EQ(left, FilesBelow(to + "-measured").size());
        continue;
      }
      MustRun({"/blocks"}, here, options);
      EXPECT_EQ(FilesBelow(here).size(), FilesBelow(to + "-measured").size());
      EXPECT_FALSE(env_.files.Exists(here + ".converting"));
      ++runs;
    }
    EXPECT_GT(runs, 5);
  }
}

TEST_F(ConvertTest, VerifyFindsWhatIsReadBackOtherwiseAndNothingIsPublished) {
  PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED0", 0, 20, 1);
  PutBlock("/others/01DXXFZDYD1MQW6079WK0K6ED0", 0, 20, 2);
  for (const SourceLayout layout : {SourceLayout::kParquetCommon, SourceLayout::kGateway}) {
    SCOPED_TRACE(LayoutName(layout));
    const std::string name(LayoutName(layout));
    const std::string other = "/other-" + name;
    MustRun({"/others"}, other, To(layout));
    // Into a fresh folder, and into one that is there.
    const std::string fresh = "/out/" + name;
    const std::string mount = "/mount-" + name;
    ASSERT_TRUE(env_.files.CreateDirectories(mount).ok());
    for (const auto& [to, aside] : {std::pair(fresh, fresh + ".converting/out"),
                                    std::pair(mount, mount + "/.converting/out")}) {
      FaultyDisk disk(env_.files, aside, other);
      const auto done = RunOn(disk, {"/blocks"}, to, To(layout));
      EXPECT_GT(disk.reads(), 0);
      ASSERT_EQ(done.status().code(), Code::kInternal) << done.status().ToString();
      const std::string_view message = done.status().message();
      EXPECT_NE(message.find("nothing was published"), std::string_view::npos) << message;
      // The first sample of the first series.
      EXPECT_NE(message.find(R"(i="1000")"), std::string_view::npos) << message;
      EXPECT_NE(message.find("@" + std::to_string(kMidnight) + ": A 1 (3ff0000000000000), B 2 "),
                std::string_view::npos)
          << message;
      EXPECT_TRUE(FilesBelow(to).empty());
      EXPECT_FALSE(env_.files.Exists(to + ".converting"));
      // Unless asked, nobody looks.
      ConvertOptions unseen = To(layout);
      unseen.verify = false;
      EXPECT_TRUE(RunOn(disk, {"/blocks"}, to, unseen).ok());
      EXPECT_FALSE(FilesBelow(to).empty());
    }
  }
}

TEST_F(ConvertTest, VerifyMeetsBytesThatRotted) {
  PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED0", 0, 20, 1);
  for (const SourceLayout layout :
       {SourceLayout::kParquetCommon, SourceLayout::kGateway, SourceLayout::kSamples}) {
    SCOPED_TRACE(LayoutName(layout));
    int found = 0;
    for (uint64_t at = 100; at < 3000; at += 211) {
      SCOPED_TRACE(at);
      const std::string to = "/out/" + std::string(LayoutName(layout)) + std::to_string(at);
      FaultyDisk disk(env_.files, to + ".converting/out", "");
      disk.FlipByteAt(at);
      const auto done = RunOn(disk, {"/blocks"}, to, To(layout));
      EXPECT_GT(disk.reads(), 0);
      EXPECT_FALSE(env_.files.Exists(to + ".converting"));
      if (done.ok()) continue;  // bytes of an index, say, that nobody needed
      ++found;
      EXPECT_NE(done.status().message().find(".parquet"), std::string_view::npos)
          << done.status().ToString();
      EXPECT_FALSE(env_.files.Exists(to));
      ConvertOptions unseen = To(layout);
      unseen.verify = false;
      EXPECT_TRUE(RunOn(disk, {"/blocks"}, to, unseen).ok());
    }
    EXPECT_GT(found, 4);
  }
}

TEST_F(ConvertTest, ShardsPublishedInPartAreRefusedAndTheirBlockIsNot) {
  const std::string id = "01DXXFZDYD1MQW6079WK0K6ED0";
  const std::string block = "/tenant/" + id;
  PutBlock(block, 0, 20, 1);
  const size_t before = FilesBelow("/tenant").size();
  ConvertOptions options = To(SourceLayout::kParquetCommon);
  options.converter_mark = true;
  options.name = id;
  // All is in place but the journal cannot be removed, nor can anything be taken back; the second
  // run, which is to do that first, cannot either.
  for (int run = 1; run <= 2; ++run) {
    SCOPED_TRACE(run);
    const std::vector<ConvertInput> inputs = Open({block});
    env_.files.FailNth(FileOperation::kRemove, 1, FileFault::kIo, 1000);
    EXPECT_FALSE(Convert(env_.env(), inputs, "/tenant", options, nullptr).ok());
    env_.files.ClearFaults();
    EXPECT_TRUE(env_.files.Exists(block + "/parquet-converter-mark.json"));
    const auto opened = OpenSource(env_.files, nullptr, block, SourceLayout::kParquetCommon, {});
    EXPECT_EQ(opened.status().code(), Code::kUnavailable) << opened.status().ToString();
    const auto layout = RecogniseLayout(env_.files, block);
    ASSERT_TRUE(layout.ok());
    EXPECT_EQ(*layout, SourceLayout::kBlock);
  }
  EXPECT_EQ(MustRun({block}, "/tenant", options).shards, 1u);
  // Two files of the shard, the mark and its copy.
  EXPECT_EQ(FilesBelow("/tenant").size(), before + 4);
  EXPECT_TRUE(OpenSource(env_.files, nullptr, block, SourceLayout::kParquetCommon, {}).ok());
}

TEST_F(ConvertTest, AStoppedRunCleansUp) {
  PutBlocks();
  int calls = 0;
  const auto stopped = Convert(env_.env(), Open({"/blocks"}), "/out/x", To(SourceLayout::kGateway),
                               [&](const ConvertProgress& progress) {
                                 EXPECT_LE(progress.part_done(), 1.0);
                                 return ++calls == 2 ? Status::Cancelled("stopped") : Status::Ok();
                               });
  EXPECT_EQ(stopped.status().code(), Code::kCancelled);
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(env_.files.Exists("/out/x"));
  EXPECT_FALSE(env_.files.Exists("/out/x.converting"));
}

TEST_F(ConvertTest, StreamsOfTheGatewayComeFromTheBlocks) {
  const auto thanos = [](const std::string& cluster) {
    return R"(,"thanos":{"labels":{"cluster":")" + cluster + R"("},"downsample":{"resolution":0}})";
  };
  PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED0", 0, 8, 1, thanos("eu"));
  PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED1", 0, 12, 7, thanos("us"));
  const ConvertSummary summary = MustRun({"/blocks"}, "/out/days", To(SourceLayout::kGateway));
  EXPECT_EQ(summary.pieces, 2u);
  EXPECT_EQ(summary.samples, 20u * 240);
  LabelRequest request;
  request.range = kAlways;
  const auto inputs = Open({"/out/days"});
  ASSERT_EQ(inputs.size(), 2u);  // a stream each
  const auto values =
      JoinedInputs({inputs[0].source, inputs[1].source}).LabelValues("cluster", request);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(*values, (std::vector<std::string>{"eu", "us"}));
  // A day more goes into the same bucket; the same day twice does not.
  PutBlock("/more/01DXXFZDYD1MQW6079WK0K6ED3", kDayMs, 3, 1, thanos("eu"));
  EXPECT_EQ(MustRun({"/more"}, "/out/days", To(SourceLayout::kGateway)).pieces, 1u);
  const auto twice = Run({"/blocks"}, "/out/days", To(SourceLayout::kGateway));
  EXPECT_EQ(twice.status().code(), Code::kAlreadyExists) << twice.status().ToString();
  EXPECT_EQ(CompareAll({"/out/days"}, {"/out/days"}).samples, 23u * 240);
  EXPECT_FALSE(env_.files.Exists("/out/days.converting"));
}

TEST_F(ConvertTest, StreamsOfTheGatewayStayStreams) {
  const auto thanos = [](const std::string& cluster) {
    return R"(,"thanos":{"labels":{"cluster":")" + cluster + R"("},"downsample":{"resolution":0}})";
  };
  PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED0", 0, 8, 1, thanos("eu"));
  PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED1", 0, 12, 7, thanos("us"));
  PutBlock("/blocks/01DXXFZDYD1MQW6079WK0K6ED2", kDayMs, 4, 9);
  MustRun({"/blocks"}, "/out/days", To(SourceLayout::kGateway));
  const ConvertSummary again = MustRun({"/out/days"}, "/out/again", To(SourceLayout::kGateway));
  EXPECT_EQ(again.samples, 24u * 240);
  EXPECT_EQ(FilesBelow("/out/again"), FilesBelow("/out/days"));
  // A day that is marked for deletion is not there any more.
  env_.files.PutFile(
      "/out/days/0/" + shards::FormatDate(kMidnight + kDayMs) + "/deletion-marker.pb", "");
  EXPECT_EQ(MustRun({"/out/days"}, "/out/fewer", To(SourceLayout::kGateway)).samples, 20u * 240);
}

// The gateway's series are those of the blocks, with the external labels over them.
TEST_F(ConvertTest, GatewaySeriesAreTheBlocksWithTheirLabels) {
  const Labels external{{"cluster", "eu"}, {"i", "x"}};  // hides a label of the series' own
  PutBlocks();
  ConvertOptions options = To(SourceLayout::kGateway);
  options.external = external;
  const ConvertSummary summary = MustRun({"/blocks"}, "/out/days", options);
  EXPECT_GT(summary.samples_verified, 0u);
  const auto days = Open({"/out/days"});
  ASSERT_EQ(days.size(), 1u);
  SelectRequest request;
  request.range = kAlways;
  request.hints.sorted = true;
  const auto set = days[0].source->Select(request);
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  // Of `i` nothing is left, so that all series of a name are one.
  ASSERT_EQ((*set)->series_count(), 2u);
  EXPECT_EQ((*set)->labels(0), (Labels{{"__name__", "a"}, {"cluster", "eu"}, {"i", "x"}}));
  EXPECT_EQ((*set)->labels(1), (Labels{{"__name__", "b"}, {"cluster", "eu"}, {"i", "x"}}));
  // Not hidden: the labels are laid over, and that is all.
  options.external = Labels{{"cluster", "eu"}};
  MustRun({"/blocks"}, "/out/plain", options);
  std::vector<ConvertInput> blocks = Open({"/blocks"});
  OrderInputs(&blocks);
  std::vector<const Source*> sources;
  for (const ConvertInput& input : blocks) sources.push_back(input.source);
  auto read = JoinedInputs(sources).Select(request);
  ASSERT_TRUE(read.ok());
  auto laid = LabelledSeries::Make(*std::move(read), *options.external);
  ASSERT_TRUE(laid.ok()) << laid.status().ToString();
  auto written = Open({"/out/plain"})[0].source->Select(request);
  ASSERT_TRUE(written.ok());
  const auto found = CompareSets(*std::move(laid), *std::move(written), {});
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->equal());
  EXPECT_GT(found->samples, 10'000u);
}

// A mount point, say: nothing can be renamed onto it, nor may its parent be written to.
TEST_F(ConvertTest, AnEmptyFolderIsFilledFromWithin) {
  PutBlocks();
  for (const SourceLayout layout :
       {SourceLayout::kParquetCommon, SourceLayout::kGateway, SourceLayout::kSamples}) {
    const std::string name(LayoutName(layout));
    ConvertOptions options = To(layout);
    options.shards.row_groups_per_shard = 1;
    options.shards.row_group_rows = 10;
    const std::string mount = "/mount-" + name;
    ASSERT_TRUE(env_.files.CreateDirectories(mount).ok());
    const ConvertWatch watch = [&](const ConvertProgress&) {
      EXPECT_FALSE(env_.files.Exists(mount + ".converting"));
      EXPECT_TRUE(env_.files.Exists(mount + "/.converting/lock"));
      return Status::Ok();
    };
    const auto into = Convert(env_.env(), Open({"/blocks"}), mount, options, watch);
    ASSERT_TRUE(into.ok()) << into.status().ToString();
    EXPECT_FALSE(env_.files.Exists(mount + "/.converting"));
    MustRun({"/blocks"}, "/fresh-" + name, options);
    if (layout != SourceLayout::kSamples) {
      EXPECT_EQ(FilesBelow(mount), FilesBelow("/fresh-" + name));
    } else {
      EXPECT_TRUE(env_.files.Exists(mount + "/cold"));
    }
    // What a killed run left in it counts for nothing.
    const std::string again = "/again-" + name;
    env_.files.PutFile(again + "/.converting/out/0.labels.parquet", "x");
    MustRun({"/blocks"}, again, options);
    EXPECT_EQ(FilesBelow(again).contains(".converting/out/0.labels.parquet"), false);
  }
}

TEST_F(ConvertTest, CortexFindsTheMarkBesideTheBlock) {
  const std::string id = "01DXXFZDYD1MQW6079WK0K6ED0";
  PutBlock("/tenant/" + id, 0, 20, 1);
  ConvertOptions options = To(SourceLayout::kParquetCommon);
  options.converter_mark = true;
  options.name = id;
  options.shards.row_group_rows = 5;
  options.shards.row_groups_per_shard = 2;
  EXPECT_EQ(MustRun({"/tenant/" + id}, "/tenant", options).shards, 2u);
  const auto files = FilesBelow("/tenant/" + id);
  EXPECT_TRUE(files.contains("index") && files.contains("1.chunks.parquet"));
  const std::string mark = R"({"version":2,"shards":2})";
  EXPECT_EQ(files.at("parquet-converter-mark.json"), mark);
  EXPECT_EQ(*env_.files.ReadFile("/tenant/parquet-markers/" + id + "-parquet-converter-mark.json"),
            mark);
  // A valid mark means: never again. Nor are shards without one mixed with others.
  EXPECT_EQ(Run({"/tenant/" + id}, "/tenant", options).status().code(), Code::kAlreadyExists);
  ASSERT_TRUE(env_.files.RemoveFile("/tenant/" + id + "/parquet-converter-mark.json").ok());
  EXPECT_EQ(Run({"/tenant/" + id}, "/tenant", options).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(FilesBelow("/tenant/" + id).size(), files.size() - 1);
  options.layout = SourceLayout::kGateway;
  EXPECT_EQ(Run({"/tenant/" + id}, "/x", options).status().code(), Code::kInvalidArgument);
}

TEST_F(ConvertTest, WhatCannotBeIsRefused) {
  PutBlocks();
  env_.files.PutFile("/out/full/something", "x");
  EXPECT_EQ(Run({"/blocks"}, "/out/full", To(SourceLayout::kParquetCommon)).status().code(),
            Code::kAlreadyExists);
  ConvertOptions nowhen = To(SourceLayout::kParquetCommon);
  nowhen.range = {kMidnight - 2000, kMidnight - 1000};
  EXPECT_EQ(Run({"/blocks"}, "/out/a", nowhen).status().code(), Code::kNotFound);
  ConvertOptions outside = To(SourceLayout::kParquetCommon);
  outside.name = "../b";
  EXPECT_EQ(Run({"/blocks"}, "/out/a", outside).status().code(), Code::kInvalidArgument);
  EXPECT_FALSE(env_.files.Exists("/out/a"));
}

TEST_F(ConvertTest, AllKindsOfSamplesPassThroughEveryLayout) {
  CopyTree(kTestdata + "/blocks-2h", "/small", &env_.files);
  CopyTree(kTestdata + "/blocks-st", "/starts", &env_.files);
  for (const SourceLayout layout : {SourceLayout::kParquetCommon, SourceLayout::kGateway}) {
    const std::string name(LayoutName(layout));
    MustRun({"/small"}, "/out/small" + name, To(layout));
    EXPECT_TRUE(CompareAll({"/small"}, {"/out/small" + name}).equal());
    EXPECT_GT(MustRun({"/starts"}, "/out/starts" + name, To(layout)).starts_dropped, 0u);
  }
  // Our own keeps start timestamps too: verified against what was read.
  for (const std::string name : {"/small", "/starts"}) {
    const ConvertSummary summary = MustRun({name}, "/out/own" + name, To(SourceLayout::kSamples));
    EXPECT_EQ(summary.starts_dropped, 0u);
    EXPECT_GT(summary.samples_verified, 0u);
    EXPECT_EQ(summary.samples_verified, summary.samples);
    EXPECT_EQ(env_.files.Exists("/out/own" + name + "/cold/histograms"), name == "/small");
  }
}

TEST_F(ConvertTest, GoldenBlocksComeBackFromEveryLayout) {
  int number = 0;
  for (const std::string& folder : GoldenBlocks()) {
    const std::string from = "/from" + std::to_string(++number);
    CopyTree(folder, from, &env_.files);
    for (const SourceLayout layout : {SourceLayout::kParquetCommon, SourceLayout::kGateway}) {
      SCOPED_TRACE(folder + " " + std::string(LayoutName(layout)));
      const std::string to = from + std::string(LayoutName(layout));
      ConvertOptions options = To(layout);
      options.external = Labels{};
      const ConvertSummary summary = MustRun({from}, to, options);
      EXPECT_EQ(CompareAll({from}, {to}).samples, summary.samples);
    }
    const ConvertSummary own = MustRun({from}, from + "samples", To(SourceLayout::kSamples));
    EXPECT_EQ(own.samples_verified, own.samples);
  }
}

}  // namespace
}  // namespace thermocline
