#include <gtest/gtest.h>

#include <bit>

#include "env/simulated/simulated_env.h"
#include "head/head.h"
#include "head/recording_log.h"

namespace thermocline {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;
constexpr int64_t kRange = 2 * kHourMs;

class HeadTest : public ::testing::Test {
 protected:
  explicit HeadTest(HeadOptions options = {}) : options_(options) { Restart(); }

  void Restart() {
    head_.reset();
    auto head = Head::Create(options_, env_.env());
    CHECK_OK(head.status());
    head_ = std::move(head).value();
  }
  Result<Admission> Admit(const Labels& labels, std::vector<Sample> samples,
                          RejectPolicy policy = RejectPolicy::kWholeBatch) {
    WriteBatch batch;
    batch.on_reject = policy;
    batch.AddSeries(labels);
    for (const Sample& s : samples) batch.AddSample(s.timestamp_ms, s.value);
    return head_->Admit(batch, log_.sink());
  }
  // Admits and settles.
  void Put(const Labels& labels, std::vector<Sample> samples) {
    const auto admission = Admit(labels, samples);
    CHECK_OK(admission.status());
    CHECK(!admission->summary.rolled_back);
    log_.SettleAll(*head_);
  }
  std::vector<std::string> ValuesOf(std::string_view name) {
    LabelRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    return *head_->LabelValues(name, request);
  }
  std::vector<TimeRange> AllRanges() const {
    std::vector<TimeRange> out;
    for (const HeadRange& range : head_->Ranges()) out.push_back(range.range);
    return out;
  }

  HeadOptions options_;
  SimulatedEnv env_;
  RecordingLog log_;
  std::unique_ptr<Head> head_;
  const Labels up_{{"__name__", "up"}, {"job", "a"}};
  const Labels down_{{"__name__", "down"}, {"job", "b"}};
};

uint64_t Bits(double v) { return std::bit_cast<uint64_t>(v); }

TEST_F(HeadTest, ShowsARequestOnlyWhenItIsSettledAndThenWhole) {
  WriteBatch batch;
  batch.AddSeries(up_);
  batch.AddSample(kNow, 1);
  batch.AddSeries(down_);
  batch.AddSample(kNow, 2);
  batch.metadata.push_back({"up", "gauge", "Is it up?", ""});
  const auto admission = head_->Admit(batch, log_.sink());
  ASSERT_TRUE(admission.ok());
  EXPECT_EQ(admission->summary.accepted_samples, 2u);
  EXPECT_EQ(admission->summary.created_series, 2u);
  EXPECT_EQ(admission->first_lsn, Lsn(1));
  EXPECT_EQ(log_.pending(), 1u);
  EXPECT_TRUE(ReadAll(*head_).empty());
  EXPECT_TRUE(ValuesOf("job").empty());
  EXPECT_TRUE(head_->Metadata({})->empty());
  log_.SettleAll(*head_);
  EXPECT_EQ(ReadAll(*head_), (Content{{up_, {{kNow, Bits(1)}}}, {down_, {{kNow, Bits(2)}}}}));
  EXPECT_EQ(ValuesOf("job"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(head_->Metadata({})->at(0).help, "Is it up?");
}

TEST_F(HeadTest, TakesAFailedRequestBackWithTheSeriesThatOnlyItDefined) {
  Put(up_, {{kNow, 1}});
  ASSERT_TRUE(Admit(up_, {{kNow + 1, 2}}).ok());
  ASSERT_TRUE(Admit(down_, {{kNow, 1}}).ok());
  log_.SettleAll(*head_, Status::Io("disk"));
  EXPECT_EQ(ReadAll(*head_), (Content{{up_, {{kNow, Bits(1)}}}}));
  EXPECT_EQ(ValuesOf("job"), (std::vector<std::string>{"a"}));
  // The failed sample's time is free again.
  Put(up_, {{kNow + 1, 3}});
  EXPECT_EQ(ReadAll(*head_)[up_][kNow + 1], Bits(3));
  EXPECT_EQ(head_->series_count(), 1u);
}

TEST_F(HeadTest, KeepsASeriesWhoseSecondRequestSucceedsAfterTheFirstFailed) {
  ASSERT_TRUE(Admit(up_, {{kNow, 1}}).ok());
  ASSERT_TRUE(Admit(up_, {{kNow + 1, 2}}).ok());
  // This one repeats what the first request holds and must not be lost with it.
  ASSERT_TRUE(Admit(down_, {{kNow, 7}}).ok());
  ASSERT_TRUE(Admit(down_, {{kNow, 7}}).ok());
  log_.Settle(*head_, 1, Status::Io("disk"));
  log_.Settle(*head_, 1);
  log_.Settle(*head_, 1, Status::Io("disk"));
  log_.Settle(*head_, 1);
  const Content want{{up_, {{kNow + 1, Bits(2)}}}, {down_, {{kNow, Bits(7)}}}};
  EXPECT_EQ(ReadAll(*head_), want);
  Restart();
  ASSERT_TRUE(log_.ReplayInto(*head_).ok());
  EXPECT_EQ(ReadAll(*head_), want);
}

TEST_F(HeadTest, StagesNothingWhenTheLogRefuses) {
  log_.refuse = true;
  EXPECT_EQ(Admit(up_, {{kNow, 1}}).status().code(), Code::kUnavailable);
  EXPECT_TRUE(ReadAll(*head_).empty());
  EXPECT_EQ(head_->series_count(), 0u);
  EXPECT_TRUE(head_->Ranges().empty());
  log_.refuse = false;
  Put(up_, {{kNow, 2}});
  EXPECT_EQ(ReadAll(*head_)[up_][kNow], Bits(2));
}

TEST_F(HeadTest, PublishesARequestWhoseVerdictComesBeforeItsNumber) {
  WriteBatch batch;
  batch.AddSeries(up_);
  batch.AddSample(kNow, 1);
  const auto admission = head_->Admit(batch, [&](HeadRecord) -> Result<Lsn> {
    head_->Settle(Lsn(5), Lsn(5), Status::Ok());
    return Lsn(5);
  });
  ASSERT_TRUE(admission.ok());
  EXPECT_EQ(ReadAll(*head_).size(), 1u);
}

TEST_F(HeadTest, RollsAWholeBatchBackOrDropsSingleSamplesAsAsked) {
  Put(up_, {{kNow, 1}});
  WriteBatch batch;
  batch.AddSeries(down_);
  batch.AddSample(kNow, 5);
  batch.AddSeries(up_);
  batch.AddSample(kNow, 2);
  batch.on_reject = RejectPolicy::kWholeBatch;
  auto admission = head_->Admit(batch, log_.sink());
  ASSERT_TRUE(admission.ok());
  EXPECT_TRUE(admission->summary.rolled_back);
  ASSERT_EQ(admission->summary.rejected.size(), 1u);
  EXPECT_EQ(admission->summary.rejected[0].reason, RejectReason::kDuplicate);
  EXPECT_EQ(admission->summary.rejected[0].existing, 1);
  EXPECT_EQ(admission->summary.rejected[0].series_index, 1u);
  EXPECT_EQ(admission->summary.rejected[0].sample_index, 1u);
  EXPECT_EQ(admission->last_lsn.number, 0u);
  EXPECT_EQ(log_.pending(), 0u);
  EXPECT_EQ(head_->series_count(), 1u);
  batch.on_reject = RejectPolicy::kSampleOnly;
  admission = head_->Admit(batch, log_.sink());
  ASSERT_TRUE(admission.ok());
  EXPECT_FALSE(admission->summary.rolled_back);
  EXPECT_EQ(admission->summary.accepted_samples, 1u);
  log_.SettleAll(*head_);
  EXPECT_EQ(ReadAll(*head_)[down_][kNow], Bits(5));
}

TEST_F(HeadTest, SealsWhatIsSettledAndDropsExactlyThat) {
  for (int i = 0; i < 100; ++i) Put(up_, {{kNow + i * 1000, i * 0.5}});
  const Content before = ReadAll(*head_);
  ASSERT_TRUE(Admit(up_, {{kNow + 100'000, 100}}).ok());  // under way during the Seal
  auto sealed = head_->Seal(AllRanges());
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(sealed->sealed_through, Lsn(100));
  Content handed_out;
  AddContent(*sealed->series, &handed_out);
  EXPECT_EQ(handed_out, before);
  log_.SettleAll(*head_);
  Put(up_, {{kNow + 101'000, 101}});
  EXPECT_EQ(ReadAll(*head_)[up_].size(), 102u);
  head_->Drop(sealed->token);
  EXPECT_EQ(ReadAll(*head_)[up_], (std::map<TimestampMs, uint64_t>{{kNow + 100'000, Bits(100)},
                                                                   {kNow + 101'000, Bits(101)}}));
  ASSERT_EQ(head_->Ranges().size(), 1u);
  EXPECT_EQ(head_->Ranges()[0].samples, 2u);
  // Samples under way rested on the definition in the first record: it stays.
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(1));
}

TEST_F(HeadTest, ForgetsSeriesWithoutSamplesOnceNoReaderNamesThem) {
  Put(down_, {{kNow - kRange, 1}, {kNow, 2}});
  Put(up_, {{kNow, 1}});
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  auto reader = *head_->Select(request);
  auto sealed = head_->Seal(AllRanges());
  head_->Drop(sealed->token);
  EXPECT_TRUE(ReadAll(*head_).empty());
  EXPECT_EQ(head_->series_count(), 2u);
  Content content;
  AddContent(*reader, &content);
  EXPECT_EQ(content.size(), 2u);
  AddContent(*sealed->series, &content);
  EXPECT_EQ(content.size(), 2u);
  reader.reset();
  sealed->series.reset();
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(3));
  EXPECT_EQ(head_->series_count(), 0u);
  EXPECT_TRUE(head_->Ranges().empty());
  Put(up_, {{kNow + 1, 3}});
  EXPECT_EQ(ReadAll(*head_), (Content{{up_, {{kNow + 1, Bits(3)}}}}));
}

TEST_F(HeadTest, OffersUnsealedRangesAgain) {
  Put(up_, {{kNow, 1}});
  auto sealed = head_->Seal(AllRanges());
  Put(up_, {{kNow + 1, 2}});
  head_->Unseal(sealed->token);
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(1));
  EXPECT_EQ(ReadAll(*head_)[up_].size(), 2u);
  sealed = head_->Seal(AllRanges());
  Content content;
  AddContent(*sealed->series, &content);
  EXPECT_EQ(content[up_].size(), 2u);
  head_->Drop(sealed->token);
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(3));
}

TEST_F(HeadTest, ReplaysAfterTruncationWhatIsStillNeeded) {
  const TimestampMs border = FloorTo(kNow, kRange);
  Put(up_, {{border - 2000, 1}});
  Put(up_, {{border - 1000, 2}});
  Put(up_, {{border, 3}});
  Put(up_, {{border + 1000, 4}});
  auto sealed = head_->Seal({{border - kRange, border - 1}});
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(sealed->series->series_count(), 1u);
  head_->Drop(sealed->token);
  const Lsn oldest = *head_->OldestNeeded(log_.sink());
  EXPECT_EQ(oldest, Lsn(3));
  const Content want = ReadAll(*head_);
  EXPECT_EQ(want, (Content{{up_, {{border, Bits(3)}, {border + 1000, Bits(4)}}}}));
  // Before the log is cut, the flushed samples must not come back.
  Restart();
  head_->SkipFlushed({{{border - kRange, border - 1}, sealed->sealed_through}});
  ASSERT_TRUE(log_.ReplayInto(*head_).ok());
  EXPECT_EQ(ReadAll(*head_), want);
  log_.TruncateBefore(oldest);
  Restart();
  ASSERT_TRUE(log_.ReplayInto(*head_).ok());
  EXPECT_EQ(ReadAll(*head_), want);
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(3));
  // The same decisions as before the restart.
  auto admission = Admit(up_, {{border + 1000, 5}});
  EXPECT_EQ(admission->summary.rejected.at(0).reason, RejectReason::kDuplicate);
}

TEST_F(HeadTest, LogsMetadataAgainBeforeItsRecordsGo) {
  WriteBatch batch;
  batch.metadata.push_back({"up", "gauge", "help", ""});
  ASSERT_TRUE(head_->Admit(batch, log_.sink()).ok());
  log_.SettleAll(*head_);
  ASSERT_TRUE(head_->Admit(batch, log_.sink()).ok());
  EXPECT_EQ(log_.pending(), 0u) << "what is known is not logged again";
  Put(up_, {{kNow, 1}});
  auto sealed = head_->Seal(AllRanges());
  head_->Drop(sealed->token);
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(1));
  EXPECT_EQ(log_.pending(), 1u);
  log_.SettleAll(*head_);
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(3));
  log_.TruncateBefore(Lsn(3));
  Restart();
  ASSERT_TRUE(log_.ReplayInto(*head_).ok());
  EXPECT_EQ(head_->Metadata({})->size(), 1u);
}

TEST_F(HeadTest, LogsNoMetadataAgainThatFilesHold) {
  WriteBatch batch;
  batch.metadata.push_back({"up", "gauge", "help", ""});
  batch.metadata.push_back({"down", "gauge", "help", ""});
  ASSERT_TRUE(head_->Admit(batch, log_.sink()).ok());
  log_.SettleAll(*head_);
  Put(up_, {{kNow, 1}});
  head_->Drop(head_->Seal(AllRanges())->token);
  // What the files hold of `up` is not what is known of it now.
  head_->MetadataStored(std::vector<BatchMetadata>{{"up", "gauge", "old", ""}, batch.metadata[1]});
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(1));
  EXPECT_EQ(log_.pending(), 1u);
  log_.SettleAll(*head_);
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(3));
  EXPECT_EQ(log_.pending(), 0u) << "the newest record need not be logged again";
  head_->MetadataStored(std::vector<BatchMetadata>{batch.metadata[0]});
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(4)) << "nothing in the log is needed";
  EXPECT_EQ(log_.pending(), 0u);
  EXPECT_EQ(head_->Metadata({})->size(), 2u);
  log_.TruncateBefore(Lsn(3));
  Restart();
  ASSERT_TRUE(log_.ReplayInto(*head_).ok());
  ASSERT_EQ(head_->Metadata({})->size(), 1u);
  EXPECT_EQ(head_->Metadata({})->at(0), batch.metadata[0]);
}

TEST_F(HeadTest, LogsNoMetadataAgainWhileSomeAreBeingLogged) {
  WriteBatch batch;
  batch.metadata.push_back({"up", "gauge", "help", ""});
  ASSERT_TRUE(head_->Admit(batch, log_.sink()).ok());
  log_.SettleAll(*head_);
  batch.metadata[0].help = "better";
  ASSERT_TRUE(head_->Admit(batch, log_.sink()).ok());
  EXPECT_EQ(log_.pending(), 1u);
  EXPECT_EQ(*head_->OldestNeeded(log_.sink()), Lsn(1));
  EXPECT_EQ(log_.pending(), 1u) << "a record without the newer text would let it go";
}

TEST_F(HeadTest, KeepsAReadersViewWhileTheHeadGoesOn) {
  for (int i = 0; i < 70; ++i) Put(up_, {{kNow + i, static_cast<double>(i)}});
  SelectRequest request;
  request.range = {kNow + 10, kMaxTimestampMs};
  auto reader = *head_->Select(request);
  for (int i = 70; i < 900; ++i) Put(up_, {{kNow + i, static_cast<double>(i)}});
  auto sealed = head_->Seal(AllRanges());
  head_->Drop(sealed->token);
  Content content;
  AddContent(*reader, &content);
  ASSERT_EQ(content[up_].size(), 60u);
  EXPECT_EQ(content[up_].begin()->first, kNow + 10);
}

TEST_F(HeadTest, ListsInLabelOrderAndCutsAtTheLimit) {
  WriteBatch batch;
  std::vector<Labels> want;
  for (int i = 0; i < 300; ++i) {
    const Labels labels{{"__name__", i % 2 ? "a" : "b"}, {"n", std::to_string(i * 7919 % 300)}};
    want.push_back(labels);
    batch.AddSeries(labels);
    batch.AddSample(kNow, i);
  }
  ASSERT_TRUE(head_->Admit(batch, log_.sink()).ok());
  log_.SettleAll(*head_);
  std::sort(want.begin(), want.end());
  SelectRequest request;
  request.range = {kNow, kNow};
  request.hints.sorted = true;
  request.hints.limit = 200;
  auto set = *head_->Select(request);
  ASSERT_EQ(set->series_count(), 200u);
  for (size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(set->labels(i), want[i]);
    EXPECT_EQ(set->id(i).number, want[i].Hash());
  }
}

TEST_F(HeadTest, CountsLiveSeriesWithoutReadingThem) {
  Put(up_, {{kNow, 1}});
  Put(down_, {{kNow, 1}, {kNow + 1000, StaleMarker()}});
  Put(Labels{{"__name__", "old"}}, {{kNow - 400'000, 1}});
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const int64_t lookback = 5 * kMinuteMs;
  EXPECT_EQ(**head_->TryCount(request, kNow, lookback), 2u);
  EXPECT_EQ(**head_->TryCount(request, kNow + 1000, lookback), 1u);
  EXPECT_EQ(**head_->TryCount(request, kNow + lookback - 1, lookback), 1u);
  EXPECT_EQ(**head_->TryCount(request, kNow + lookback, lookback), 0u);
  EXPECT_EQ(**head_->TryCount(request, kNow - 300'000, lookback), 1u);
  ASSERT_TRUE(Admit(up_, {{kNow + 5, StaleMarker()}}).ok());
  EXPECT_EQ(**head_->TryCount(request, kNow + 10, lookback), 2u) << "not settled yet";
}

TEST_F(HeadTest, RefusesWhatItDoesNotStore) {
  WriteBatch batch;
  batch.tenant = TenantId("other");
  EXPECT_EQ(head_->Admit(batch, log_.sink()).status().code(), Code::kUnimplemented);
  batch.tenant = TenantId();
  batch.AddSeries(up_);
  Histogram lying;
  lying.positive_spans = {{0, 2}};
  lying.positive_counts = {1};
  batch.AddHistogram(kNow, lying);
  EXPECT_EQ(head_->Admit(batch, log_.sink()).status().code(), Code::kInvalidArgument);
  batch.Clear();
  batch.AddSeries(
      LabelsView(std::string_view("\x03"
                                  "abc",
                                  4)));
  batch.AddSample(kNow, 1);
  EXPECT_EQ(head_->Admit(batch, log_.sink()).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(head_->series_count(), 0u);
}

class SmallHeadTest : public HeadTest {
 protected:
  SmallHeadTest() : HeadTest(HeadOptions{.max_series = 1}) {}
};

TEST_F(SmallHeadTest, RefusesSeriesPastItsLimitAndTakesKnownOnes) {
  Put(up_, {{kNow, 1}});
  EXPECT_EQ(Admit(down_, {{kNow, 1}}).status().code(), Code::kResourceExhausted);
  Put(up_, {{kNow + 1, 1}});
}

TEST_F(HeadTest, ReportsItsFigures) {
  for (int i = 0; i < 40; ++i) Put(up_, {{kNow + i, 1}});
  Put(down_, {{kNow, 1}});
  const HeadStatus status = head_->GetStatus(10);
  EXPECT_EQ(status.series, 2u);
  EXPECT_EQ(status.label_pairs, 4u);
  EXPECT_EQ(status.chunks, 3u);
  EXPECT_EQ(status.max_time_ms, kNow + 39);
  EXPECT_EQ(status.series_by_metric.size(), 2u);
  EXPECT_GT(head_->memory_bytes(), 500u);
  const auto ranges = head_->Ranges();
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_EQ(ranges[0].samples, 41u);
  EXPECT_EQ(ranges[0].series, 2u);
  EXPECT_EQ(ranges[0].oldest_lsn, Lsn(1));
}

}  // namespace
}  // namespace thermocline
