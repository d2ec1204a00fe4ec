// Native histograms and start timestamps through the head: admitted, read, replayed, sealed, taken
// back, out of order.
#include <gtest/gtest.h>

#include "codec/test_chunks.h"
#include "env/simulated/simulated_env.h"
#include "head/recording_log.h"
#include "head/test_histograms.h"

namespace thermocline {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;
constexpr int64_t kRange = 2 * kHourMs;
constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};
const Labels kSeries{{"__name__", "request_seconds"}};

class HeadHistograms : public ::testing::Test {
 protected:
  HeadHistograms() { Restart(); }

  void Restart() {
    head_.reset();
    auto head = Head::Create(options_, env_.env());
    CHECK_OK(head.status());
    head_ = std::move(head).value();
  }
  AppendSummary Write(const WriteBatch& batch, const Status& verdict = Status::Ok()) {
    const auto admission = head_->Admit(batch, log_.sink());
    CHECK_OK(admission.status());
    log_.SettleAll(*head_, verdict);
    return admission->summary;
  }
  AppendSummary Write(TimestampMs t_ms, const Histogram& h, TimestampMs start_ms = 0) {
    WriteBatch batch;
    batch.on_reject = RejectPolicy::kSampleOnly;
    batch.AddSeries(kSeries);
    batch.AddHistogram(t_ms, h, start_ms);
    return Write(batch);
  }
  AppendSummary Write(TimestampMs t_ms, double v) {
    WriteBatch batch;
    batch.on_reject = RejectPolicy::kSampleOnly;
    batch.AddSeries(kSeries);
    batch.AddSample(t_ms, v);
    return Write(batch);
  }
  static SeriesBatch ReadOne(const SeriesSet& set) {
    SeriesBatch batch;
    CHECK(set.series_count() == 1);
    CHECK_OK(set.Read(std::vector<uint32_t>{0}, &batch));
    return batch;
  }
  SeriesBatch Read(TimeRange range = kAll) {
    SelectRequest request;
    request.range = range;
    return ReadOne(**head_->Select(request));
  }
  std::vector<CounterResetHint> Hints() {
    std::vector<CounterResetHint> hints;
    const SeriesBatch batch = Read();
    for (size_t i = 0; i < batch.values.size(); ++i) {
      const Histogram* const h = batch.histogram(i);
      hints.push_back(h == nullptr ? CounterResetHint::kReset : h->reset_hint);
    }
    return hints;
  }
  Head::Sealed SealAll() {
    std::vector<TimeRange> ranges;
    for (const HeadRange& range : head_->Ranges()) ranges.push_back(range.range);
    auto sealed = head_->Seal(ranges);
    CHECK_OK(sealed.status());
    return std::move(sealed).value();
  }

  HeadOptions options_;
  SimulatedEnv env_;
  RecordingLog log_;
  std::unique_ptr<Head> head_;
};

Histogram Counter(uint64_t count) {
  Histogram h;
  h.schema = 2;
  h.zero_threshold = 0x1p-128;
  h.count = 3 * count;
  h.sum = static_cast<double>(count);
  h.positive_spans = {{0, 2}};
  h.positive_counts = {static_cast<int64_t>(count), static_cast<int64_t>(2 * count)};
  return h;
}

TEST_F(HeadHistograms, GivesPrometheusChunksBackBitForBitAndHintForHint) {
  size_t samples = 0;
  size_t with_starts = 0;
  for (const SeriesBatch& chunk : GoldenChunks(kNow)) {
    SCOPED_TRACE("a chunk of " + std::to_string(chunk.values.size()) + " samples");
    env_.clock.SetNowMs(chunk.timestamps_ms.back());
    log_ = RecordingLog();
    Restart();
    WriteBatch batch;
    AddAll(kSeries, chunk, &batch);
    const AppendSummary summary = Write(batch);
    ASSERT_EQ(summary.accepted_samples, chunk.values.size());
    EXPECT_EQ(summary.accepted_histograms, chunk.histograms.size());
    // Where the head cuts by time, Prometheus' chunk goes on.
    const bool one_range =
        FloorTo(chunk.timestamps_ms.front(), kRange) == FloorTo(chunk.timestamps_ms.back(), kRange);
    EXPECT_EQ(Difference(Read(), chunk, one_range), "");
    Restart();
    CHECK_OK(log_.ReplayInto(*head_));
    EXPECT_EQ(Difference(Read(), chunk, one_range), "");
    const Head::Sealed sealed = SealAll();
    EXPECT_EQ(Difference(ReadOne(*sealed.series), chunk, one_range), "");
    samples += chunk.values.size();
    with_starts += chunk.start_timestamps_ms.empty() ? 0 : 1;
  }
  EXPECT_GT(samples, 500u);
  EXPECT_GT(with_starts, 5u);
}

TEST_F(HeadHistograms, KnowsWhatWasNotResetAndWhatItCannotKnow) {
  using enum CounterResetHint;
  Histogram gauge = Counter(1);
  gauge.reset_hint = kGauge;
  Histogram told = Counter(40);
  told.reset_hint = kReset;
  Histogram stale;
  stale.sum = StaleMarker();
  Histogram wider = Counter(50);
  wider.positive_spans = {{0, 2}, {1, 1}};
  wider.positive_counts.push_back(7);
  Histogram coarser = wider;
  coarser.schema = 1;
  const std::vector<std::pair<Histogram, CounterResetHint>> written = {
      {Counter(10), kUnknown}, {Counter(11), kNotReset}, {Counter(5), kUnknown},
      {Counter(6), kNotReset}, {told, kUnknown},         {stale, kUnknown},
      {stale, kUnknown},       {Counter(45), kUnknown},  {wider, kNotReset},
      {coarser, kUnknown},     {gauge, kGauge},          {gauge, kGauge},
      {Counter(60), kUnknown}};
  std::vector<CounterResetHint> want;
  TimestampMs t = kNow;
  for (const auto& [h, hint] : written) {
    ASSERT_EQ(Write(t += 1000, h).rejected_count, 0u);
    want.push_back(hint);
  }
  EXPECT_EQ(Hints(), want);
}

TEST_F(HeadHistograms, ForgetsOfAResetWhereAnotherSampleCameBetween) {
  using enum CounterResetHint;
  for (uint64_t i = 0; i < 4; ++i) Write(kNow + static_cast<int64_t>(i) * 1000, Counter(10 + i));
  EXPECT_EQ(Hints(), (std::vector{kUnknown, kNotReset, kNotReset, kNotReset}));
  EXPECT_EQ(Write(kNow + 1500, Counter(3)).rejected_count, 0u);
  EXPECT_EQ(Hints(), (std::vector{kUnknown, kNotReset, kUnknown, kUnknown, kNotReset}));
  const SeriesBatch batch = Read({kNow + 1000, kNow + 2000});
  EXPECT_EQ(batch.timestamps_ms, (std::vector<TimestampMs>{kNow + 1000, kNow + 1500, kNow + 2000}));
  EXPECT_EQ(batch.histogram(1)->count, 9u);
}

TEST_F(HeadHistograms, TakesARequestBackFromAmongOthers) {
  WriteBatch batch;
  batch.AddSeries(kSeries);
  const auto one = [&](TimestampMs t, const Histogram& h) {
    WriteBatch request;
    request.AddSeries(kSeries);
    request.AddHistogram(t, h, t - 1);
    CHECK_OK(head_->Admit(request, log_.sink()).status());
  };
  for (uint64_t i = 0; i < 5; ++i) one(kNow + static_cast<int64_t>(i) * 1000, Counter(10 + i));
  log_.Settle(*head_, 2);
  log_.Settle(*head_, 1, Status::Io("disk"));
  log_.Settle(*head_, 2);
  const SeriesBatch read = Read();
  EXPECT_EQ(read.timestamps_ms,
            (std::vector<TimestampMs>{kNow, kNow + 1000, kNow + 3000, kNow + 4000}));
  using enum CounterResetHint;
  EXPECT_EQ(Hints(), (std::vector{kUnknown, kNotReset, kUnknown, kNotReset}));
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(read.start_timestamps_ms[i], read.timestamps_ms[i] - 1);
    EXPECT_TRUE(SameBits(*read.histogram(i), Counter(i < 2 ? 10 + i : 11 + i), false));
  }
}

TEST_F(HeadHistograms, HandsOutWhatIsSettledAndKeepsTheRest) {
  for (uint64_t i = 0; i < 200; ++i) Write(kNow + static_cast<int64_t>(i) * 1000, Counter(i));
  WriteBatch under_way;
  under_way.AddSeries(kSeries);
  under_way.AddHistogram(kNow + 200'000, Counter(200), kNow);
  under_way.AddSample(kNow + 201'000, 1);
  under_way.AddHistogram(kNow + 202'000, Counter(202));
  ASSERT_TRUE(head_->Admit(under_way, log_.sink()).ok());
  Head::Sealed sealed = SealAll();
  EXPECT_EQ(ReadOne(*sealed.series).histograms.size(), 200u);
  log_.SettleAll(*head_);
  EXPECT_EQ(Read().values.size(), 203u);
  head_->Drop(sealed.token);
  const SeriesBatch rest = Read();
  ASSERT_EQ(rest.values.size(), 3u);
  EXPECT_EQ(rest.start_timestamps_ms, (std::vector<TimestampMs>{kNow, 0, 0}));
  EXPECT_EQ(rest.histogram(0)->count, 600u);
  EXPECT_EQ(rest.histogram(1), nullptr);
  EXPECT_EQ(rest.histogram(2)->count, 606u);
  // A repetition is known although the histogram it repeats is in another piece.
  EXPECT_EQ(Write(kNow + 202'000, Counter(202)).accepted_samples, 1u);
  EXPECT_EQ(Write(kNow + 202'000, Counter(203)).rejected_count, 1u);
}

TEST_F(HeadHistograms, FollowsTheTableOfAdmission) {
  const auto reason = [](const AppendSummary& summary) -> std::optional<RejectReason> {
    if (summary.rejected.empty()) return std::nullopt;
    return summary.rejected[0].reason;
  };
  Histogram other_flavour = Counter(10);
  other_flavour.kind = SampleKind::kFloatHistogram;
  other_flavour.positive_floats = {10, 20};
  other_flavour.positive_counts.clear();
  Histogram hinted = Counter(10);
  hinted.reset_hint = CounterResetHint::kNotReset;
  Histogram same_sum = Counter(10);
  same_sum.positive_counts = {20, 10};
  EXPECT_EQ(reason(Write(kNow, Counter(10))), std::nullopt);
  EXPECT_EQ(reason(Write(kNow, Counter(10))), std::nullopt);
  EXPECT_EQ(reason(Write(kNow, hinted)), std::nullopt);
  EXPECT_EQ(reason(Write(kNow, Counter(11))), RejectReason::kDuplicate);
  EXPECT_EQ(reason(Write(kNow, same_sum)), RejectReason::kDuplicate);
  EXPECT_EQ(reason(Write(kNow, other_flavour)), RejectReason::kDuplicate);
  const AppendSummary on_histogram = Write(kNow, 10.0);
  EXPECT_EQ(reason(on_histogram), RejectReason::kDuplicate);
  EXPECT_TRUE(on_histogram.rejected[0].existing_is_histogram);
  EXPECT_EQ(reason(Write(kNow, StaleMarker())), RejectReason::kDuplicate);
  EXPECT_EQ(reason(Write(kNow + 1, 10.0)), std::nullopt);
  EXPECT_EQ(reason(Write(kNow + 1, Counter(10))), RejectReason::kDuplicate);
  EXPECT_EQ(reason(Write(kNow + 2, other_flavour)), std::nullopt);
  EXPECT_EQ(reason(Write(kNow - 31 * kMinuteMs, Counter(1))), RejectReason::kTooOld);
  EXPECT_EQ(reason(Write(kNow + 11 * kMinuteMs, Counter(1))), RejectReason::kTooFarInFuture);
  EXPECT_EQ(reason(Write(kNow - 1, Counter(9))), std::nullopt);
  EXPECT_EQ(reason(Write(kNow - 1, Counter(8))), std::nullopt) << "dropped, whatever it is";
  const SeriesBatch read = Read();
  ASSERT_EQ(read.values.size(), 4u);
  EXPECT_EQ(read.histogram(0)->count, 27u);
  EXPECT_EQ(head_->Ranges()[0].samples, 4u);
}

TEST_F(HeadHistograms, EndsASeriesOfHistogramsWithAStaleHistogram) {
  Write(kNow, Counter(1));
  Write(kNow + 1000, StaleMarker());
  Histogram floats;
  floats.kind = SampleKind::kFloatHistogram;
  Write(kNow + 2000, floats);
  WriteBatch batch;
  batch.AddSeries(kSeries);
  batch.AddSample(kNow + 3000, StaleMarker());
  batch.AddSample(kNow + 4000, 1);
  batch.AddSample(kNow + 5000, StaleMarker());
  Write(batch);
  for (int round = 0; round < 2; ++round) {
    const SeriesBatch read = Read();
    ASSERT_EQ(read.values.size(), 6u);
    ASSERT_NE(read.histogram(1), nullptr);
    EXPECT_EQ(read.histogram(1)->kind, SampleKind::kHistogram);
    ASSERT_NE(read.histogram(3), nullptr);
    EXPECT_EQ(read.histogram(3)->kind, SampleKind::kFloatHistogram);
    EXPECT_TRUE(IsStale(read.values[1]) && IsStale(read.values[3]) && IsStale(read.values[5]));
    EXPECT_EQ(read.histogram(5), nullptr);
    Restart();
    CHECK_OK(log_.ReplayInto(*head_));
  }
}

TEST_F(HeadHistograms, CountsALiveSeriesByTheSumOfItsNewestHistogram) {
  SelectRequest request;
  request.range = kAll;
  Write(kNow, Counter(1));
  EXPECT_EQ(**head_->TryCount(request, kNow, kMinuteMs), 1u);
  Write(kNow + 1000, StaleMarker());
  EXPECT_EQ(**head_->TryCount(request, kNow + 1000, kMinuteMs), 0u);
}

TEST_F(HeadHistograms, HoldsTwentyBucketsInThirtyBytesASample) {
  std::mt19937_64 random(7);
  Histogram h;
  h.schema = 3;
  h.positive_spans = {{0, 20}};
  h.positive_counts.resize(20);
  constexpr uint64_t kSamples = 400;
  for (uint64_t i = 0; i < kSamples; ++i) {
    for (int64_t& count : h.positive_counts) {
      const auto by = static_cast<int64_t>(random() % 4);
      count += by;
      h.count += static_cast<uint64_t>(by);
    }
    h.sum += 0.125;
    Write(kNow + static_cast<int64_t>(i) * 15'000, h);
    env_.clock.Advance(15'000);
  }
  uint64_t bytes = 0;
  for (const HeadRange& range : head_->Ranges()) bytes += range.bytes;
  std::printf("figure: %.1f B a sample\n", static_cast<double>(bytes) / kSamples);
  EXPECT_LT(bytes, kSamples * 30);
}

}  // namespace
}  // namespace thermocline
