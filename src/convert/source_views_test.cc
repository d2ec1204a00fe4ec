// Sources seen otherwise: with labels laid over, without what is damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "blocks/test_block.h"
#include "codec/chunk.h"
#include "convert/compare.h"
#include "convert/inputs.h"
#include "convert/labelled_source.h"
#include "convert/skip_damaged.h"
#include "convert/wrapped.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TimeRange kAll = {kMinTimestampMs, kMaxTimestampMs};

std::unique_ptr<Source> OpenBlock(SimulatedEnv& env, const std::string& path) {
  auto source = OpenSource(env.files, nullptr, path, SourceLayout::kBlock, {});
  CHECK_OK(source.status());
  return *std::move(source);
}

SelectRequest Everything(std::vector<Matcher> matchers = {}) {
  SelectRequest request;
  request.range = kAll;
  request.hints.sorted = true;
  request.matchers = std::move(matchers);
  return request;
}

std::vector<uint32_t> Indexes(size_t count) {
  std::vector<uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0u);
  return all;
}

TEST(LabelledSource, LaysLabelsOverEverySeriesAndAnswersMatchersOnThem) {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/a", 20, 5);
  const auto plain = OpenBlock(env, "/a");
  const auto source = WithLabels(OpenBlock(env, "/a"), Labels{{"cluster", "eu"}, {"a_first", "1"}});
  const auto set = source->Select(Everything());
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  ASSERT_EQ((*set)->series_count(), 20u);
  for (uint32_t i = 0; i < 20; ++i) {
    const Labels labels = (*set)->labels(i);
    EXPECT_EQ(labels.Get("cluster"), "eu");
    EXPECT_EQ(labels.Get("i"), std::to_string(1000 + i));
    EXPECT_EQ((*set)->id(i).number, labels.Hash());
  }
  const auto count = [&](MatchType type, const char* name, const char* value) {
    const auto some = source->Select(Everything({*Matcher::Make(type, name, value)}));
    EXPECT_TRUE(some.ok());
    return (*some)->series_count();
  };
  EXPECT_EQ(count(MatchType::kEqual, "cluster", "eu"), 20u);
  EXPECT_EQ(count(MatchType::kEqual, "cluster", ""), 0u);
  EXPECT_EQ(count(MatchType::kNotRegex, "cluster", "e.*"), 0u);
  EXPECT_EQ(count(MatchType::kEqual, "parity", "even"), 10u);
  LabelRequest request;
  request.range = kAll;
  EXPECT_THAT(*source->LabelNames(request),
              ElementsAre("__name__", "a_first", "cluster", "i", "parity"));
  EXPECT_THAT(*source->LabelValues("cluster", request), ElementsAre("eu"));
  request.matcher_sets = {{Matcher::Equal("cluster", "us")}};
  EXPECT_TRUE(source->LabelValues("i", request)->empty());
  request.matcher_sets.push_back({Matcher::Equal("cluster", "eu"), Matcher::Equal("i", "1003")});
  EXPECT_THAT(*source->LabelValues("i", request), ElementsAre("1003"));
}

// The new labels turn the order of the series around.
TEST(LabelledSource, SamplesAndChunksFollowTheNewOrder) {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/a", 20, 5);
  const auto source = WithLabels(OpenBlock(env, "/a"), Labels{{"__name__", "n"}});
  const auto set = *source->Select(Everything({Matcher::Equal("__name__", "n")}));
  SeriesBatch batch;
  EncodedBatch encoded;
  ASSERT_TRUE(set->Read(Indexes(20), &batch).ok());
  ASSERT_TRUE(set->has_encoded());
  ASSERT_TRUE(set->ReadEncoded(Indexes(20), &encoded).ok());
  for (uint32_t i = 0; i < 20; ++i) {
    const int number = std::stoi(std::string(set->labels(i).Get("i"))) - 1000;
    EXPECT_EQ(batch.floats(i)[0], number);
    ASSERT_EQ(encoded.of(i).size(), 1u);
    EXPECT_EQ(encoded.of(i)[0].min_ms, number * 1000);
  }
}

TEST(LabelledSource, RefusesLabelsThatMakeTwoSeriesOne) {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/a", 4, 5);
  const auto source = WithLabels(OpenBlock(env, "/a"), Labels{{"i", "same"}});
  const auto set = source->Select(Everything());
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(std::string(set.status().message()), HasSubstr("i=\"same\""));
}

// Two streams of Thanos hold series of equal labels.
TEST(LabelledSource, BlocksOfTwoStreamsStayApartWhenJoined) {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/eu", 10, 5);
  PutTestBlock(&env.files, "/us", 10, 5);
  const auto eu = WithLabels(OpenBlock(env, "/eu"), Labels{{"cluster", "eu"}});
  const auto us = WithLabels(OpenBlock(env, "/us"), Labels{{"cluster", "us"}});
  const auto joined = JoinedInputs({eu.get(), us.get()}).Select(Everything());
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ((*joined)->series_count(), 20u);
}

// A set that fails for some of its series, as damaged pages make it.
class DamagedSet final : public WrappedSeries {
 public:
  DamagedSet(std::unique_ptr<SeriesSet> set, Code code)
      : WrappedSeries(std::move(set)), code_(code) {}
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    RETURN_IF_ERROR(Check(series));
    return set_->Read(series, out);
  }
  bool has_encoded() const override { return true; }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override {
    RETURN_IF_ERROR(Check(series));
    return set_->ReadEncoded(series, out);
  }

 private:
  Status Check(std::span<const uint32_t> series) const {
    for (const uint32_t i : series) {
      if (i % 7 == 3) return Status(code_, "page at offset 4");
    }
    return Status::Ok();
  }
  const Code code_;
};

class DamagedSource final : public WrappedSource {
 public:
  DamagedSource(std::unique_ptr<Source> source, Code code)
      : WrappedSource(std::move(source)), code_(code) {}
  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    ASSIGN_OR_RETURN(auto set, source_->Select(request));
    return std::unique_ptr<SeriesSet>(std::make_unique<DamagedSet>(std::move(set), code_));
  }

 private:
  const Code code_;
};

TEST(SkipDamagedSeries, LeavesOutTheDamagedAloneAndCountsEachOnce) {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/a", 50, 5);
  const auto source =
      SkipDamagedSeries(std::make_unique<DamagedSource>(OpenBlock(env, "/a"), Code::kCorruption));
  const auto set = *source->Select(Everything());
  SeriesBatch batch;
  EncodedBatch encoded;
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(set->Read(Indexes(50), &batch).ok());
    ASSERT_TRUE(set->ReadEncoded(Indexes(50), &encoded).ok());
    ASSERT_EQ(batch.series_count(), 50u);
    ASSERT_EQ(encoded.series_count(), 50u);
    for (uint32_t i = 0; i < 50; ++i) {
      const bool damaged = i % 7 == 3;
      ASSERT_EQ(batch.times(i).size(), damaged ? 0u : 5u);
      ASSERT_EQ(encoded.of(i).size(), damaged ? 0u : 1u);
      if (damaged) continue;
      EXPECT_EQ(batch.floats(i)[0], i);
      EXPECT_EQ(encoded.of(i)[0].min_ms, i * 1000);
    }
  }
  const SourceDamage damage = source->damage();
  EXPECT_EQ(damage.series, 7u);
  ASSERT_EQ(damage.messages.size(), 7u);
  EXPECT_THAT(damage.messages[0], HasSubstr("page at offset 4"));
  EXPECT_THAT(damage.messages[0], HasSubstr("i=\"1003\""));
}

TEST(SkipDamagedSeries, FailsForWhatIsNoDamage) {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/a", 50, 5);
  const auto source =
      SkipDamagedSeries(std::make_unique<DamagedSource>(OpenBlock(env, "/a"), Code::kIo));
  const auto set = *source->Select(Everything());
  SeriesBatch batch;
  EXPECT_EQ(set->Read(Indexes(50), &batch).code(), Code::kIo);
}

}  // namespace
}  // namespace thermocline
