#include "convert/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "blocks/test_block.h"
#include "convert/compare.h"
#include "convert/series_walk.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

using ::testing::HasSubstr;

constexpr const char* kUlid = "01DXXFZDYD1MQW6079WK0K6EDQ";

class SourceTest : public ::testing::Test {
 protected:
  std::string Look(const std::string& path) {
    const auto layout = RecogniseLayout(env_.files, path);
    return layout.ok() ? std::string(LayoutName(*layout)) : layout.status().ToString();
  }
  std::unique_ptr<Source> Open(const std::string& path, const SourceOptions& options = {}) {
    const auto layout = RecogniseLayout(env_.files, path);
    EXPECT_TRUE(layout.ok()) << layout.status().ToString();
    auto source = OpenSource(env_.files, nullptr, path, *layout, options);
    EXPECT_TRUE(source.ok()) << source.status().ToString();
    return source.ok() ? *std::move(source) : nullptr;
  }
  static Comparison CompareAll(const Source& a, const Source& b) {
    SelectRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    auto found = Compare(a, b, request, {.differences_kept = 3});
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    return found.ok() ? *std::move(found) : Comparison{};
  }

  SimulatedEnv env_;
};

TEST_F(SourceTest, LayoutsAreToldApartByTheirNames) {
  const auto put = [&](const std::string& path) { env_.files.PutFile(path, "x"); };
  put("/block/meta.json");
  put("/block/index");
  put(std::string("/blocks/") + kUlid + "/meta.json");
  put("/running/chunks_head/000001");
  put("/agent/wal/00000003");
  put("/checkpointed/wal/checkpoint.00000003/00000000");
  put("/ours/cold/manifest-1");
  put("/young/wal/wal-0000000000000001");
  put("/common/0.labels.parquet");
  put("/gateway/3327491223707837673/stream.pb");
  put("/single/2023-11-15/meta.pb");
  put("/poc/2023/11/15/meta.pb");
  put("/other/readme.txt");
  EXPECT_EQ(Look("/block"), "block");
  EXPECT_EQ(Look("/blocks"), "blocks");
  EXPECT_EQ(Look("/running"), "prometheus");
  EXPECT_EQ(Look("/agent"), "prometheus");
  EXPECT_EQ(Look("/checkpointed"), "prometheus");
  EXPECT_EQ(Look("/ours"), "samples");
  EXPECT_EQ(Look("/young"), "samples");
  EXPECT_EQ(Look("/common"), "parquet-common");
  EXPECT_EQ(Look("/gateway"), "gateway");
  EXPECT_EQ(Look("/single"), "gateway");
  EXPECT_EQ(Look("/poc"), "gateway");
  EXPECT_THAT(Look("/other"), HasSubstr("--from-layout"));
  EXPECT_THAT(Look("/nowhere"), HasSubstr("NotFound"));
  EXPECT_FALSE(ParseLayout("parket").ok());
}

TEST_F(SourceTest, EqualSourcesCompareEqual) {
  PutTestBlock(&env_.files, "/a", 100, 30);
  PutTestBlock(&env_.files, std::string("/b/") + kUlid, 100, 30, {.version = 1});
  const Comparison found = CompareAll(*Open("/a"), *Open("/b"));
  EXPECT_TRUE(found.equal());
  EXPECT_EQ(found.series, 100u);
  EXPECT_EQ(found.samples, 3000u);
}

TEST_F(SourceTest, DifferencesAreCountedAndTheFirstAreTold) {
  PutTestBlock(&env_.files, "/a", 100, 30);
  PutTestBlock(&env_.files, "/b", 98, 31);
  Comparison found = CompareAll(*Open("/a"), *Open("/b"));
  EXPECT_FALSE(found.equal());
  EXPECT_EQ(found.series, 98u);
  EXPECT_EQ(found.series_only_a, 2u);
  EXPECT_EQ(found.series_only_b, 0u);
  EXPECT_EQ(found.series_differing, 98u);
  EXPECT_EQ(found.samples_only_b, 98u);
  EXPECT_EQ(found.samples, 98u * 30);
  EXPECT_EQ(found.differences.size(), 3u);
  // One value of one series.
  std::string segment;
  PutChunk(&segment, 1, TestXorChunk(0, 5, 7));
  env_.files.PutFile("/c/chunks/000001", segment);
  env_.files.PutFile(
      "/c/index",
      TestIndexWriter::Write({{Labels{{"__name__", "m"}, {"i", "1000"}}, {{0, 4000, 8}}}}, {}));
  env_.files.PutFile("/c/meta.json", TestMeta(0, 5000));
  segment.clear();
  PutChunk(&segment, 1, TestXorChunk(0, 5, 8));
  for (const char* name : {"index", "meta.json"}) {
    env_.files.PutFile(std::string("/d/") + name, *env_.files.ReadFile(std::string("/c/") + name));
  }
  env_.files.PutFile("/d/chunks/000001", segment);
  found = CompareAll(*Open("/c"), *Open("/d"));
  EXPECT_EQ(found.samples_differing, 5u);
  EXPECT_THAT(found.differences[0], HasSubstr("@0: A 7"));
}

TEST_F(SourceTest, DamageIsCountedWhenSkipped) {
  PutTestBlock(&env_.files, "/a", 10, 5);
  std::string segment = *env_.files.ReadFile("/a/chunks/000001");
  segment[11] = static_cast<char>(segment[11] ^ 1);
  env_.files.PutFile("/a/chunks/000001", segment);
  const auto source = Open("/a", {.skip_damaged = true});
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const auto set = source->Select(request);
  ASSERT_TRUE(set.ok());
  size_t series = 0;
  ASSERT_TRUE(WalkSeries(**set, [&](uint32_t, const Labels&, const SeriesBatch&, size_t) {
                ++series;
                return Status::Ok();
              }).ok());
  EXPECT_EQ(series, 9u);
  EXPECT_EQ(source->damage().chunks, 1u);
  EXPECT_THAT(source->damage().messages.at(0), HasSubstr("offset 8"));
}

}  // namespace
}  // namespace thermocline
