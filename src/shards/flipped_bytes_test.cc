// One damaged byte anywhere in a small shard: an error or the same answer. Our own files, all of
// whose bytes are covered, in both layouts; what files of others cannot tell is FORMAT.md 3.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <functional>

#include "bucket/local_bucket.h"
#include "env/simulated/simulated_file_system.h"
#include "shards/gateway_days.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"

namespace thermocline::shards {
namespace {

constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};
constexpr int kMasks[] = {0x01, 0x41, 0x80, 0xff};
// Sanitizers are slow: a thirteenth of the bytes is enough for them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kStride = 13;
#else
constexpr size_t kStride = 1;
#endif

using Shards = std::vector<std::shared_ptr<const Shard>>;
using Open = std::function<Result<Shards>()>;

// Series, chunks, names and values, as one string: all that a shard can be asked for.
Result<std::string> Tell(const Open& open) {
  ASSIGN_OR_RETURN(const auto shards, open());
  const ShardQueryable source(shards);
  std::string told;
  const std::vector<std::vector<Matcher>> questions = {
      {},
      {Matcher::Equal("__name__", "m"), *Matcher::Make(MatchType::kRegex, "i", "1.*|3")},
      {Matcher::Equal("i", "4")},
      {*Matcher::Make(MatchType::kNotEqual, "odd", "yes")}};
  for (const std::vector<Matcher>& matchers : questions) {
    SelectRequest request;
    request.range = kAll;
    request.matchers = matchers;
    ASSIGN_OR_RETURN(const auto set, source.Select(request));
    EncodedBatch batch;
    SeriesBatch samples;
    for (uint32_t i = 0; i < set->series_count(); ++i) {
      told += set->labels(i).ToString();
      RETURN_IF_ERROR(set->ReadEncoded({&i, 1}, &batch));
      for (const EncodedChunk& chunk : batch.chunks) {
        told += std::to_string(chunk.min_ms) + std::to_string(chunk.max_ms);
        told.append(chunk.bytes);
      }
      RETURN_IF_ERROR(set->Read({&i, 1}, &samples));
      for (const TimestampMs t : samples.timestamps_ms) told += std::to_string(t);
      for (const double value : samples.values) told += std::to_string(value);
    }
    LabelRequest labels;
    labels.range = kAll;
    if (!matchers.empty()) labels.matcher_sets.push_back(matchers);
    ASSIGN_OR_RETURN(const auto names, source.LabelNames(labels));
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(const auto values, source.LabelValues(name, labels));
      told += name;
      for (const std::string& value : values) told += value;
    }
  }
  return told;
}

// Six series, every other one of which has a label more.
class FewSeries final : public SeriesSet {
 public:
  size_t series_count() const override { return 6; }
  SeriesId id(size_t i) const override { return SeriesId(i + 1); }
  Labels labels(size_t i) const override {
    LabelsBuilder builder(Labels{{"__name__", i < 3 ? "a" : "m"}, {"i", std::to_string(i)}});
    if (i % 2 == 1) builder.Set("odd", "yes");
    return builder.Build();
  }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    for (const uint32_t i : series) {
      for (int k = 0; k < 3; ++k) {
        out->timestamps_ms.push_back(1000 * i + 3000 * k);
        out->values.push_back(i + 0.5 * k);
      }
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  std::vector<std::string> warnings_;
};

class FlippedBytesTest : public testing::Test {
 protected:
  FlippedBytesTest() : bucket_(files_, "/s") {
    options_.range = {0, 9'999};
    options_.column_ms = 10'000;
    options_.row_group_rows = 4;
    options_.label_page_rows = 2;
    reading_.bloom_worth_bytes = 0;  // filters are asked, too
  }

  // Every byte of `keys` in turn, with every mask.
  void FlipAll(const std::vector<std::string>& keys, const Open& open) {
    const auto right = Tell(open);
    ASSERT_TRUE(right.ok()) << right.status().ToString();
    for (const std::string& key : keys) {
      const std::string whole = *bucket_.Get(key);
      int errors = 0;
      int others = 0;
      for (size_t at = 0; at < whole.size(); at += kStride) {
        for (const int mask : kMasks) {
          std::string damaged = whole;
          damaged[at] = static_cast<char>(damaged[at] ^ mask);
          ASSERT_TRUE(bucket_.Put(key, damaged).ok());
          const auto told = Tell(open);
          errors += told.ok() ? 0 : 1;
          if (!told.ok() || *told == *right) continue;
          ++others;
          ADD_FAILURE() << key << " byte " << at << " of " << whole.size() << " mask " << mask;
        }
      }
      EXPECT_EQ(others, 0) << key;
      EXPECT_GT(errors, 0) << key;
      RecordProperty(key, fmt::format("{} bytes, {} errors", whole.size(), errors));
      ASSERT_TRUE(bucket_.Put(key, whole).ok());
    }
  }

  SimulatedFileSystem files_;
  LocalBucket bucket_;
  const FewSeries set_;
  ShardWriterOptions options_;
  ShardOptions reading_;
};

TEST_F(FlippedBytesTest, OfParquetCommonAreErrorsOrChangeNothing) {
  ASSERT_TRUE(WriteShards(set_, bucket_, "s/", options_).ok());
  FlipAll({"s/0.labels.parquet", "s/0.chunks.parquet"}, [&]() -> Result<Shards> {
    columnar::ReadStats stats;
    ASSIGN_OR_RETURN(const auto places, FindShards(bucket_, "s/"));
    return OpenShards(bucket_, places, reading_, &stats);
  });
}

TEST_F(FlippedBytesTest, OfTheGatewaysFilesAreErrorsOrChangeNothing) {
  options_.layout = ShardLayout::kGateway;
  options_.range = {0, kDayMs - 1};
  options_.row_groups_per_shard = 1;
  options_.external = Labels{{"cluster", "eu"}, {"replica", "a"}};
  ASSERT_TRUE(WriteGatewayDay(set_, bucket_, options_, {"01HF96RR88AEWTP9VWFAY43MQ6"}).ok());
  const GatewayDay day = DayOf(StreamHash(options_.external), 0);
  FlipAll({day.meta_key, day.stream_key, day.data_path + "0.labels.parquet",
           day.data_path + "1.chunks.parquet"},
          [&]() -> Result<Shards> {
            columnar::ReadStats stats;
            ASSIGN_OR_RETURN(const auto places, FindDayShards(bucket_, day));
            return OpenShards(bucket_, places, reading_, &stats);
          });
}

}  // namespace
}  // namespace thermocline::shards
