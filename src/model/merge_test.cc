#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "model/queryable.h"

namespace thermocline {
namespace {

using Samples = std::map<TimestampMs, double>;

struct ListedSeries {
  SeriesId id;
  Labels labels;
  Samples samples;
};

// A series set over plain maps, in the order given.
class ListedSeriesSet : public SeriesSet {
 public:
  explicit ListedSeriesSet(std::vector<ListedSeries> series) : series_(std::move(series)) {}
  size_t series_count() const override { return series_.size(); }
  SeriesId id(size_t i) const override { return series_[i].id; }
  Labels labels(size_t i) const override { return series_[i].labels; }
  const std::vector<std::string>& warnings() const override { return warnings_; }
  Status Read(std::span<const uint32_t> wanted, SeriesBatch* out) const override {
    EXPECT_TRUE(std::is_sorted(wanted.begin(), wanted.end())) << "callers pass ascending indexes";
    out->Clear();
    for (const uint32_t i : wanted) {
      for (const auto& [t, v] : series_[i].samples) {
        out->timestamps_ms.push_back(t);
        out->values.push_back(v);
      }
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }
  std::vector<std::string> warnings_;

 private:
  std::vector<ListedSeries> series_;
};

std::vector<std::unique_ptr<SeriesSet>> SetsOf(std::vector<std::vector<ListedSeries>> lists) {
  std::vector<std::unique_ptr<SeriesSet>> sets;
  for (auto& list : lists) {
    sets.push_back(std::make_unique<ListedSeriesSet>(std::move(list)));
  }
  return sets;
}

Labels Named(int n) { return Labels({{"__name__", "m"}, {"n", std::to_string(n)}}); }

std::unique_ptr<SeriesSet> Merge(std::vector<std::unique_ptr<SeriesSet>> sets, bool sorted = false,
                                 uint64_t limit = 0) {
  SelectRequest request;
  request.hints.sorted = sorted;
  request.hints.limit = limit;
  auto merged = MergeSeriesSets(std::move(sets), request);
  EXPECT_TRUE(merged.ok()) << merged.status().ToString();
  return std::move(*merged);
}

std::map<Labels, Samples> ReadAll(const SeriesSet& set, size_t batch_size) {
  std::map<Labels, Samples> all;
  SeriesBatch batch;
  for (uint32_t first = 0; first < set.series_count(); first += static_cast<uint32_t>(batch_size)) {
    std::vector<uint32_t> wanted;
    for (uint32_t i = first; i < set.series_count() && i < first + batch_size; ++i) {
      wanted.push_back(i);
    }
    EXPECT_TRUE(set.Read(wanted, &batch).ok());
    EXPECT_EQ(batch.series_count(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      const auto [it, fresh] = all.try_emplace(set.labels(wanted[i]));
      EXPECT_TRUE(fresh) << "listed twice: " << it->first.ToString();
      const auto times = batch.times(i);
      EXPECT_TRUE(std::is_sorted(times.begin(), times.end(), std::less_equal<>()) || times.empty());
      for (size_t k = 0; k < times.size(); ++k) it->second[times[k]] = batch.floats(i)[k];
    }
  }
  return all;
}

TEST(Merge, JoinsSeriesByIdAndTheLaterSourceWins) {
  const auto merged = Merge(
      SetsOf({{{SeriesId(1), Named(1), {{10, 1}, {20, 2}}}},
              {{SeriesId(1), Named(1), {{20, 22}, {30, 3}}}, {SeriesId(2), Named(2), {{5, 5}}}}}));
  ASSERT_EQ(merged->series_count(), 2u);
  EXPECT_EQ(merged->id(0), SeriesId(1));
  const auto all = ReadAll(*merged, 1024);
  EXPECT_EQ(all.at(Named(1)), (Samples{{10, 1}, {20, 22}, {30, 3}}));
  EXPECT_EQ(all.at(Named(2)), (Samples{{5, 5}}));
}

TEST(Merge, KeepsCollidingIdsApartAndJoinsThemAcrossSources) {
  // Labels 1 and 2 share the hash 7; each source gave the next free id in its own order.
  const auto merged =
      Merge(SetsOf({{{SeriesId(7), Named(1), {{1, 1}}}, {SeriesId(8), Named(2), {{1, 2}}}},
                    {{SeriesId(7), Named(2), {{2, 2}}}, {SeriesId(8), Named(1), {{2, 1}}}},
                    {{SeriesId(7), Named(3), {{3, 3}}}}}));
  ASSERT_EQ(merged->series_count(), 3u);
  const auto all = ReadAll(*merged, 1024);
  EXPECT_EQ(all.at(Named(1)), (Samples{{1, 1}, {2, 1}}));
  EXPECT_EQ(all.at(Named(2)), (Samples{{1, 2}, {2, 2}}));
  EXPECT_EQ(all.at(Named(3)), (Samples{{3, 3}}));
  EXPECT_NE(merged->id(0), merged->id(2));
  EXPECT_NE(merged->id(1), merged->id(2));
}

TEST(Merge, AgreesWithAMapOfMaps) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 400; ++round) {
    const bool sorted = round % 2 == 0;
    std::map<Labels, Samples> oracle;
    std::vector<std::vector<ListedSeries>> lists(random() % 5);
    const int id_spread = round % 4 < 2 ? 1000 : 3;  // 3: nearly every id collides
    for (auto& list : lists) {
      std::vector<int> numbers(20);
      for (int i = 0; i < 20; ++i) numbers[static_cast<size_t>(i)] = i;
      std::shuffle(numbers.begin(), numbers.end(), random);
      numbers.resize(random() % 20);
      std::vector<uint64_t> used;
      for (const int n : numbers) {
        uint64_t id = 5000 + static_cast<uint64_t>(n % id_spread) * 100;
        while (std::find(used.begin(), used.end(), id) != used.end()) ++id;
        used.push_back(id);
        Samples samples;
        for (size_t i = random() % 12; i > 0; --i) {
          samples[static_cast<TimestampMs>(random() % 30)] = static_cast<double>(random() % 1000);
        }
        Samples& expected = oracle[Named(n)];
        for (const auto& [t, v] : samples) expected[t] = v;
        list.push_back({SeriesId(id), Named(n), samples});
      }
      if (sorted) {
        std::sort(list.begin(), list.end(),
                  [](const auto& a, const auto& b) { return a.labels < b.labels; });
      }
    }
    const auto merged = Merge(SetsOf(lists), sorted);
    ASSERT_EQ(ReadAll(*merged, 1 + random() % 30), oracle) << "round " << round;
    std::vector<SeriesId> ids;
    for (size_t i = 0; i < merged->series_count(); ++i) {
      ids.push_back(merged->id(i));
      if (sorted && i > 0) {
        ASSERT_LT(merged->labels(i - 1), merged->labels(i));
      }
    }
    std::sort(ids.begin(), ids.end());
    ASSERT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
  }
}

TEST(Merge, KeepsTheOrderOfTheFirstSource) {
  const auto merged = Merge(SetsOf({{{SeriesId(3), Named(3), {}}, {SeriesId(1), Named(1), {}}},
                                    {{SeriesId(1), Named(1), {}}, {SeriesId(2), Named(2), {}}}}));
  ASSERT_EQ(merged->series_count(), 3u);
  EXPECT_EQ(merged->labels(0), Named(3));
  EXPECT_EQ(merged->labels(1), Named(1));
  EXPECT_EQ(merged->labels(2), Named(2));
}

TEST(Merge, StopsAtTheLimitAndStillJoinsWhatIsListed) {
  for (const bool sorted : {false, true}) {
    const auto merged =
        Merge(SetsOf({{{SeriesId(1), Named(1), {{1, 1}}}},
                      {{SeriesId(1), Named(1), {{2, 2}}}, {SeriesId(2), Named(2), {}}}}),
              sorted, 1);
    ASSERT_EQ(merged->series_count(), 1u);
    EXPECT_EQ(ReadAll(*merged, 10).at(Named(1)), (Samples{{1, 1}, {2, 2}}));
  }
}

TEST(Merge, PassesWarningsOnOnce) {
  auto a = std::make_unique<ListedSeriesSet>(std::vector<ListedSeries>{});
  auto b = std::make_unique<ListedSeriesSet>(std::vector<ListedSeries>{});
  a->warnings_ = {"one"};
  b->warnings_ = {"one", "two"};
  std::vector<std::unique_ptr<SeriesSet>> sets;
  sets.push_back(std::move(a));
  sets.push_back(std::move(b));
  EXPECT_EQ(Merge(std::move(sets))->warnings(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(Merge({})->series_count(), 0u);
}

TEST(Merge, EndsWhenTheQueryIsCancelled) {
  std::vector<ListedSeries> many;
  for (int i = 0; i < 5000; ++i)
    many.push_back({SeriesId(static_cast<uint64_t>(i) * 8), Named(i), {}});
  std::stop_source stop;
  stop.request_stop();
  QueryBudget budget(stop.get_token(), 0, nullptr, 0);
  SelectRequest request;
  request.budget = &budget;
  auto merged = MergeSeriesSets(SetsOf({many, {}}), request);
  ASSERT_FALSE(merged.ok());
  EXPECT_EQ(merged.status().code(), Code::kCancelled);
}

int64_t FakeSteadyNs() { return 100; }

TEST(QueryBudget, ChargesUpToItsLimitAndEndsAtItsDeadline) {
  QueryBudget budget({}, 0, nullptr, 100);
  EXPECT_TRUE(budget.Charge(60).ok());
  EXPECT_EQ(budget.Charge(41).code(), Code::kResourceExhausted);
  EXPECT_EQ(budget.used_bytes(), 60u);
  EXPECT_TRUE(budget.Charge(40).ok());
  budget.Release(100);
  EXPECT_EQ(budget.Charge(UINT64_MAX).code(), Code::kResourceExhausted);
  EXPECT_EQ(budget.used_bytes(), 0u);
  EXPECT_TRUE(budget.Check().ok());
  EXPECT_EQ(QueryBudget({}, 100, &FakeSteadyNs, 0).Check().code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(QueryBudget({}, 101, &FakeSteadyNs, 0).Check().ok());
}

// One series with a float at 1 and histograms at 2 and 3, also as chunks that name their content.
class MixedSeriesSet : public SeriesSet {
 public:
  MixedSeriesSet(TimestampMs start_ms, double sum) : start_ms_(start_ms), sum_(sum) {}
  size_t series_count() const override { return 1; }
  SeriesId id(size_t) const override { return SeriesId(7); }
  Labels labels(size_t) const override { return Named(7); }
  const std::vector<std::string>& warnings() const override { return warnings_; }
  bool has_encoded() const override { return true; }
  Status Read(std::span<const uint32_t>, SeriesBatch* out) const override {
    out->Clear();
    out->timestamps_ms = {start_ms_, start_ms_ + 1, start_ms_ + 2};
    out->values = {1, sum_, sum_};
    out->histogram_index = {SeriesBatch::kNoHistogram, 0, 1};
    out->histograms.resize(2);
    for (Histogram& histogram : out->histograms) {
      histogram.sum = sum_;
      histogram.reset_hint = CounterResetHint::kNotReset;
    }
    out->offsets.push_back(3);
    return Status::Ok();
  }
  Status ReadEncoded(std::span<const uint32_t>, EncodedBatch* out) const override {
    out->Clear();
    auto owner = std::make_shared<const std::string>(std::to_string(start_ms_));
    out->chunks.push_back({.min_ms = start_ms_, .max_ms = start_ms_ + 2, .bytes = *owner});
    out->offsets.push_back(1);
    out->owners.push_back(std::move(owner));
    return Status::Ok();
  }

 private:
  TimestampMs start_ms_;
  double sum_;
  std::vector<std::string> warnings_;
};

TEST(Merge, HistogramsFollowTheSampleThatWins) {
  std::vector<std::unique_ptr<SeriesSet>> sources;
  sources.push_back(std::make_unique<MixedSeriesSet>(1, 10));
  sources.push_back(std::make_unique<MixedSeriesSet>(2, 20));
  const auto merged = MergeSeriesSets(std::move(sources), {});
  ASSERT_TRUE(merged.ok());
  SeriesBatch batch;
  ASSERT_TRUE((*merged)->Read(std::vector<uint32_t>{0}, &batch).ok());
  EXPECT_EQ(batch.timestamps_ms, (std::vector<TimestampMs>{1, 2, 3, 4}));
  EXPECT_EQ(batch.values, (std::vector<double>{1, 1, 20, 20}));
  ASSERT_EQ(batch.histogram_index.size(), 4u);
  EXPECT_EQ(batch.histogram(0), nullptr);
  EXPECT_EQ(batch.histogram(1), nullptr);  // the later source has a float there
  ASSERT_NE(batch.histogram(2), nullptr);
  EXPECT_EQ(batch.histogram(2)->sum, 20);
  EXPECT_EQ(batch.histogram(3)->sum, 20);
}

TEST(Merge, AHistogramAfterAChangeOfSourceLosesItsResetHint) {
  std::vector<std::unique_ptr<SeriesSet>> sources;
  sources.push_back(std::make_unique<MixedSeriesSet>(3, 10));
  sources.push_back(std::make_unique<MixedSeriesSet>(1, 20));
  const auto merged = MergeSeriesSets(std::move(sources), {});
  ASSERT_TRUE(merged.ok());
  SeriesBatch batch;
  ASSERT_TRUE((*merged)->Read(std::vector<uint32_t>{0}, &batch).ok());
  EXPECT_EQ(batch.timestamps_ms, (std::vector<TimestampMs>{1, 2, 3, 4, 5}));
  EXPECT_EQ(batch.histogram(2)->reset_hint, CounterResetHint::kNotReset);
  EXPECT_EQ(batch.histogram(3)->reset_hint, CounterResetHint::kUnknown);
  EXPECT_EQ(batch.histogram(4)->reset_hint, CounterResetHint::kNotReset);
}

TEST(Merge, ChunksComeInTimeOrderAndRankedBySource) {
  std::vector<std::unique_ptr<SeriesSet>> sources;
  sources.push_back(std::make_unique<MixedSeriesSet>(5, 10));
  sources.push_back(std::make_unique<MixedSeriesSet>(4, 20));
  const auto merged = MergeSeriesSets(std::move(sources), {});
  ASSERT_TRUE(merged.ok());
  ASSERT_TRUE((*merged)->has_encoded());
  EncodedBatch batch;
  ASSERT_TRUE((*merged)->ReadEncoded(std::vector<uint32_t>{0}, &batch).ok());
  ASSERT_EQ(batch.of(0).size(), 2u);
  EXPECT_EQ(batch.of(0)[0].bytes, "4");
  EXPECT_EQ(batch.of(0)[1].bytes, "5");
  EXPECT_GT(batch.of(0)[0].rank, batch.of(0)[1].rank);
}

}  // namespace
}  // namespace thermocline
