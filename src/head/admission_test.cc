// The table of reference Prometheus (tsdb/head_append.go), row by row.
#include <gtest/gtest.h>

#include "env/simulated/simulated_env.h"
#include "head/recording_log.h"

namespace thermocline {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;
const Labels kA{{"__name__", "a"}};
const Labels kB{{"__name__", "b"}};

class AdmissionTest : public ::testing::Test {
 protected:
  void Open(int64_t window_ms) {
    HeadOptions options;
    options.out_of_order_window_ms = window_ms;
    auto head = Head::Create(options, env_.env());
    CHECK_OK(head.status());
    head_ = std::move(head).value();
  }
  // Writes one sample and settles it; the reason, or nothing when it was accepted.
  std::optional<RejectReason> Write(const Labels& labels, TimestampMs t_ms, double v = 1) {
    WriteBatch batch;
    batch.on_reject = RejectPolicy::kSampleOnly;
    batch.AddSeries(labels);
    batch.AddSample(t_ms, v);
    const auto admission = head_->Admit(batch, log_.sink());
    CHECK_OK(admission.status());
    log_.SettleAll(*head_);
    CHECK(admission->summary.rejected_count + admission->summary.accepted_samples == 1);
    if (admission->summary.rejected.empty()) return std::nullopt;
    return admission->summary.rejected[0].reason;
  }

  SimulatedEnv env_;
  RecordingLog log_;
  std::unique_ptr<Head> head_;
};

TEST_F(AdmissionTest, RefusesSamplesTooFarAheadOfTheClock) {
  Open(0);
  EXPECT_EQ(Write(kA, kNow + 10 * kMinuteMs), std::nullopt);
  EXPECT_EQ(Write(kA, kNow + 10 * kMinuteMs + 1), RejectReason::kTooFarInFuture);
  env_.clock.Advance(1);
  EXPECT_EQ(Write(kA, kNow + 10 * kMinuteMs + 1), std::nullopt);
}

TEST_F(AdmissionTest, WithoutAWindowKeepsTimeOrderAndTheFloor) {
  Open(0);
  EXPECT_EQ(Write(kA, kNow), std::nullopt);
  EXPECT_EQ(Write(kA, kNow - 1), RejectReason::kOutOfOrder);
  EXPECT_EQ(Write(kA, kNow - kHourMs), RejectReason::kOutOfOrder);
  EXPECT_EQ(Write(kA, kNow - kHourMs - 1), RejectReason::kOutOfBounds);
  EXPECT_EQ(Write(kB, kNow - kHourMs - 1), RejectReason::kOutOfBounds);
  EXPECT_EQ(head_->series_count(), 1u) << "a refused sample creates no series";
  EXPECT_EQ(Write(kB, kNow - kHourMs), std::nullopt);
  EXPECT_EQ(Write(kB, kNow - kHourMs + 1), std::nullopt);
}

TEST_F(AdmissionTest, AcceptsTheSameSampleAgainAndRefusesAnotherValue) {
  for (const int64_t window_ms : {int64_t{0}, 30 * kMinuteMs}) {
    Open(window_ms);
    EXPECT_EQ(Write(kA, kNow, 1), std::nullopt);
    EXPECT_EQ(Write(kA, kNow, 1), std::nullopt);
    EXPECT_EQ(Write(kA, kNow, 2), RejectReason::kDuplicate);
    EXPECT_EQ(Write(kA, kNow, StaleMarker()), RejectReason::kDuplicate);
    EXPECT_EQ(Write(kB, kNow, NormalNan()), std::nullopt);
    EXPECT_EQ(Write(kB, kNow, NormalNan()), std::nullopt);
    EXPECT_EQ(ReadAll(*head_)[kA].size(), 1u);
    EXPECT_EQ(head_->Ranges()[0].samples, 2u) << "a repetition is not stored";
  }
}

TEST_F(AdmissionTest, TakesOutOfOrderSamplesDownToTheWindow) {
  Open(10 * kMinuteMs);
  EXPECT_EQ(Write(kA, kNow, 1), std::nullopt);
  EXPECT_EQ(Write(kA, kNow - 1, 2), std::nullopt);
  EXPECT_EQ(Write(kA, kNow - 1, 3), std::nullopt) << "a repetition is dropped, whatever its value";
  EXPECT_EQ(Write(kA, kNow - 10 * kMinuteMs, 4), std::nullopt);
  EXPECT_EQ(Write(kA, kNow - 10 * kMinuteMs - 1), RejectReason::kTooOld);
  // The window hangs on the head's newest sample, not on the series'.
  EXPECT_EQ(Write(kB, kNow + 5 * kMinuteMs), std::nullopt);
  EXPECT_EQ(Write(kA, kNow - 6 * kMinuteMs), RejectReason::kTooOld);
  const Content content = ReadAll(*head_);
  ASSERT_EQ(content.at(kA).size(), 3u);
  EXPECT_EQ(content.at(kA).at(kNow - 1), std::bit_cast<uint64_t>(2.0));
}

TEST_F(AdmissionTest, ANewSeriesMayStartAnywhereDownToTheFloor) {
  Open(10 * kMinuteMs);
  EXPECT_EQ(Write(kA, kNow), std::nullopt);
  EXPECT_EQ(Write(kB, kNow - kHourMs), std::nullopt);
  EXPECT_EQ(Write(kB, kNow - kHourMs - 1), RejectReason::kTooOld);
  EXPECT_EQ(Write(kB, kNow - kHourMs + 1), std::nullopt);
}

TEST_F(AdmissionTest, BordersStayFrozenDuringARequest) {
  Open(0);
  EXPECT_EQ(Write(kA, kNow - 10 * kHourMs), std::nullopt);
  WriteBatch batch;
  batch.AddSeries(kA);
  batch.AddSample(kNow, 1);
  batch.AddSeries(kB);
  batch.AddSample(kNow - 11 * kHourMs, 1);  // the old floor
  auto admission = head_->Admit(batch, log_.sink());
  EXPECT_FALSE(admission->summary.rolled_back);
  log_.SettleAll(*head_);
  EXPECT_EQ(Write(kB, kNow - 2 * kHourMs), RejectReason::kOutOfBounds);
}

TEST_F(AdmissionTest, CountsBorderSamplesOfRequestsUnderWay) {
  Open(0);
  WriteBatch batch;
  batch.AddSeries(kA);
  batch.AddSample(kNow, 1);
  ASSERT_TRUE(head_->Admit(batch, log_.sink()).ok());
  batch.Clear();
  batch.AddSeries(kB);
  batch.AddSample(kNow - 2 * kHourMs, 1);
  EXPECT_TRUE(head_->Admit(batch, log_.sink())->summary.rolled_back);
  log_.SettleAll(*head_, Status::Io("disk"));
  EXPECT_FALSE(head_->Admit(batch, log_.sink())->summary.rolled_back);
}

TEST_F(AdmissionTest, TreatsRepetitionsWithinARequestLikeLaterRequests) {
  Open(0);
  WriteBatch batch;
  batch.on_reject = RejectPolicy::kSampleOnly;
  batch.AddSeries(kA);
  batch.AddSample(kNow, 1);
  batch.AddSample(kNow, 1);
  batch.AddSample(kNow, 2);
  batch.AddSample(kNow - 1, 2);
  batch.AddSeries(kA);
  batch.AddSample(kNow, 3);
  batch.AddSample(kNow + 1, 3);
  const auto admission = head_->Admit(batch, log_.sink());
  EXPECT_EQ(admission->summary.accepted_samples, 3u);
  EXPECT_EQ(admission->summary.rejected_count, 3u);
  log_.SettleAll(*head_);
  EXPECT_EQ(ReadAll(*head_)[kA].size(), 2u);
}

TEST_F(AdmissionTest, RefusesTimesWhoseRangeCannotBeNamed) {
  Open(30 * kMinuteMs);
  EXPECT_EQ(Write(kA, kMinTimestampMs), RejectReason::kOutOfBounds);
  EXPECT_EQ(Write(kA, kMaxTimestampMs), RejectReason::kTooFarInFuture);
  EXPECT_EQ(Write(kA, -5), std::nullopt);
  EXPECT_EQ(head_->Ranges().at(0).range, (TimeRange{-2 * kHourMs, -1}));
}

}  // namespace
}  // namespace thermocline
