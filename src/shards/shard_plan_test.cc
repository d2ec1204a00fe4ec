// Series of a set to rows: joined where a stream's labels told them apart, sorted, in bounded
// memory.
#include "shards/shard_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "bucket/local_bucket.h"
#include "env/simulated/simulated_file_system.h"
#include "shards/gateway_days.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"
#include "shards/stream_series.h"

namespace thermocline::shards {
namespace {

constexpr int64_t kDay = 19676 * kDayMs;
constexpr TimeRange kAllTime{kMinTimestampMs, kMaxTimestampMs};

// Series as given, in the order given, with chunks or without.
class GivenSeries final : public SeriesSet {
 public:
  struct One {
    Labels labels;
    std::vector<TimestampMs> times;
    double value = 0;
  };
  GivenSeries(std::vector<One> series, bool encoded)
      : series_(std::move(series)), encoded_(encoded) {}

  size_t series_count() const override { return series_.size(); }
  SeriesId id(size_t i) const override { return SeriesId(i + 1); }
  Labels labels(size_t i) const override {
    ++labels_asked_;
    return series_[i].labels;
  }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    for (const uint32_t i : series) {
      out->timestamps_ms.insert(out->timestamps_ms.end(), series_[i].times.begin(),
                                series_[i].times.end());
      out->values.resize(out->timestamps_ms.size(), series_[i].value);
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }
  bool has_encoded() const override { return encoded_; }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override {
    out->Clear();
    for (const uint32_t i : series) {
      SeriesBatch batch;
      RETURN_IF_ERROR(Read({&i, 1}, &batch));
      const auto made = std::make_shared<std::vector<OwnedChunk>>();
      RETURN_IF_ERROR(EncodeSamples(batch, 0, batch.values.size(), 120, made.get()));
      for (const OwnedChunk& one : *made) {
        out->chunks.push_back(one.chunk);
        out->chunks.back().bytes = one.payload;
      }
      out->owners.push_back(made);
      out->offsets.push_back(static_cast<uint32_t>(out->chunks.size()));
    }
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }
  size_t labels_asked() const { return labels_asked_; }

 private:
  const std::vector<One> series_;
  const bool encoded_;
  std::vector<std::string> warnings_;
  mutable size_t labels_asked_ = 0;
};

class ShardPlanTest : public testing::Test {
 protected:
  ShardPlanTest() : bucket_(files_, "/out") {}
  SimulatedFileSystem files_;
  LocalBucket bucket_;
};

TEST_F(ShardPlanTest, SeriesThatOnlyStreamLabelsToldApartBecomeOneRow) {
  const auto up = [](const char* replica) {
    return Labels{{"__name__", "up"}, {"job", "a"}, {"replica", replica}};
  };
  for (const bool encoded : {false, true}) {
    const auto set = std::make_shared<const GivenSeries>(
        std::vector<GivenSeries::One>{{up("1"), {kDay, kDay + 1000, kDay + 3000}, 1},
                                      {Labels{{"__name__", "up"}, {"job", "b"}}, {kDay}, 5},
                                      {up("2"), {kDay + 1000, kDay + 2000}, 2}},
        encoded);
    ShardWriterOptions options;
    options.layout = ShardLayout::kGateway;
    options.range = {kDay, kDay + kDayMs - 1};
    options.external = Labels{{"replica", "x"}, {"zone", "eu"}};
    const auto written = WriteGatewayDay(*set, bucket_, options, {});
    ASSERT_TRUE(written.ok()) << written.status().ToString();
    EXPECT_EQ(written->series, 2u);
    EXPECT_EQ(written->cells.samples, 5u);
    columnar::ReadStats stats;
    const auto places = FindDayShards(bucket_, DayOf(StreamHash(options.external), kDay));
    const auto shards = OpenShards(bucket_, *places, {}, &stats);
    ASSERT_TRUE(shards.ok()) << shards.status().ToString();
    EXPECT_EQ(shards->front()->rows(), 2u);
    SelectRequest request;
    request.range = kAllTime;
    request.hints.sorted = true;
    const auto read = ShardQueryable(*shards).Select(request);
    ASSERT_EQ((*read)->series_count(), 2u);
    EXPECT_EQ((*read)->labels(0),
              (Labels{{"__name__", "up"}, {"job", "a"}, {"replica", "x"}, {"zone", "eu"}}));
    SeriesBatch batch;
    ASSERT_TRUE((*read)->Read(std::vector<uint32_t>{0, 1}, &batch).ok());
    EXPECT_EQ(batch.timestamps_ms,
              (std::vector<TimestampMs>{kDay, kDay + 1000, kDay + 2000, kDay + 3000, kDay}));
    EXPECT_EQ(batch.values, (std::vector<double>{1, 2, 2, 1, 5}));  // the later series' at 1 s
    // The view alone says the same, whichever way it is read.
    const StreamSeries view(set, options.external);
    ASSERT_EQ(view.series_count(), 2u);
    SeriesBatch direct;
    ASSERT_TRUE(view.Read(std::vector<uint32_t>{0, 1}, &direct).ok());
    EXPECT_EQ(direct.values, batch.values);
  }
}

TEST_F(ShardPlanTest, TheFilesAreTheSameInLittleMemoryAndInAnyOrder) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::vector<GivenSeries::One> series;
  for (int i = 0; i < 700; ++i) {
    LabelsBuilder labels;
    labels.Set("__name__", "m" + std::to_string(random() % 7));
    labels.Set("i", std::to_string(i));
    if (random() % 2 == 0) labels.Set("Zone", "z" + std::to_string(random() % 3));
    series.push_back({labels.Build(), {1000, 2000}, static_cast<double>(i)});
  }
  std::sort(series.begin(), series.end(),
            [](const auto& a, const auto& b) { return a.labels < b.labels; });
  ShardWriterOptions options;
  options.range = {0, kHourMs - 1};
  options.sort_labels = {"Zone", "__name__"};
  options.bloom_labels = {"__name__", "i"};
  options.row_group_rows = 100;
  options.row_groups_per_shard = 3;
  const auto write = [&](const std::string& prefix, uint64_t plan_bytes, size_t* asked) {
    const GivenSeries set(series, true);
    options.plan_bytes = plan_bytes;
    const auto written = WriteShards(set, bucket_, prefix, options);
    ASSERT_TRUE(written.ok()) << written.status().ToString();
    EXPECT_EQ(written->shards, 3u);
    *asked = set.labels_asked();
  };
  size_t asked = 0;
  write("kept/", 1 << 20, &asked);
  EXPECT_EQ(asked, 700u);
  write("asked/", 1000, &asked);
  EXPECT_EQ(asked, 3 * 700u);  // to sort, to cut, to write
  std::shuffle(series.begin(), series.end(), random);
  write("shuffled/", 1000, &asked);
  for (const char* name : {"0.labels.parquet", "1.chunks.parquet", "2.labels.parquet"}) {
    const std::string kept = *bucket_.Get(std::string("kept/") + name);
    EXPECT_EQ(*bucket_.Get(std::string("asked/") + name), kept) << name;
    EXPECT_EQ(*bucket_.Get(std::string("shuffled/") + name), kept) << name;
  }
}

TEST_F(ShardPlanTest, TellsHowManyColumnsAreTooMany) {
  ShardWriterOptions options;
  options.range = {0, 365 * kDayMs};
  options.column_ms = kMinuteMs;
  const Status status = options.Validate();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("at most 32000 columns"), std::string::npos);
}

}  // namespace
}  // namespace thermocline::shards
