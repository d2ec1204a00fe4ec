// Native histograms and start timestamps through the whole store: hot, replayed, flushed,
// compacted.
#include <gtest/gtest.h>

#include "codec/test_chunks.h"
#include "store/store_fixture.h"

namespace thermocline {
namespace {

constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};

class StoreHistograms : public ::testing::Test {
 protected:
  StoreHistograms() : chunks_(GoldenChunks(kTestStartMs)) {
    // The head takes no sample too far from its newest: what is longer is another test's.
    std::erase_if(chunks_, [](const SeriesBatch& chunk) {
      return chunk.timestamps_ms.back() > kTestStartMs + kHourMs;
    });
    machine_.clock.SetNowMs(kTestStartMs + kHourMs);
    Open();
  }

  void Open() {
    store_.reset();
    OpenSummary summary;
    auto store = Store::Open(TestStoreOptions(), machine_.env(), &summary);
    CHECK_OK(store.status());
    store_ = std::move(*store);
  }
  static Labels LabelsOf(size_t chunk) {
    return Labels{{"__name__", "golden"}, {"chunk", std::to_string(chunk)}};
  }
  void AppendAll() {
    WriteBatch batch;
    for (size_t i = 0; i < chunks_.size(); ++i) AddAll(LabelsOf(i), chunks_[i], &batch);
    const auto summary = store_->Append(batch);
    CHECK_OK(summary.status());
    ASSERT_EQ(summary->accepted_samples, batch.samples.size());
    ASSERT_EQ(summary->accepted_histograms, batch.histograms.size());
  }
  void Compare(const std::string& where) {
    SelectRequest request;
    request.range = kAll;
    const auto set = store_->Select(request);
    CHECK_OK(set.status());
    ASSERT_EQ((*set)->series_count(), chunks_.size());
    size_t compared = 0;
    for (uint32_t i = 0; i < (*set)->series_count(); ++i) {
      SeriesBatch batch;
      CHECK_OK((*set)->Read(std::vector<uint32_t>{i}, &batch));
      for (size_t k = 0; k < chunks_.size(); ++k) {
        if ((*set)->labels(i) != LabelsOf(k)) continue;
        ++compared;
        EXPECT_EQ(Difference(batch, chunks_[k], true), "") << where << ", chunk " << k;
      }
    }
    EXPECT_EQ(compared, chunks_.size());
  }

  std::vector<SeriesBatch> chunks_;
  SimulatedEnv machine_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreHistograms, KeepsPrometheusChunksBitForBitHotReplayedAndCold) {
  ASSERT_GT(chunks_.size(), 20u);
  AppendAll();
  Compare("hot");
  Open();
  Compare("replayed");
  const auto flushed = store_->FlushAll();
  ASSERT_TRUE(flushed.ok()) << flushed.status().ToString();
  EXPECT_GT(flushed->samples, 300u);
  EXPECT_EQ(store_->GetHeadStatus(1).series, 0u);
  Compare("cold");
  Open();
  Compare("cold after a restart");
}

TEST_F(StoreHistograms, ReadsASeriesThatLiesHotAndColdAsOne) {
  const auto histogram = [](uint64_t n) {
    Histogram h = HistogramOf(12);
    h.kind = SampleKind::kHistogram;
    h.positive_floats.clear();
    h.float_count = 0;
    h.positive_counts = {static_cast<int64_t>(n), 1};
    h.count = n + 1;
    return h;
  };
  const auto append = [&](uint64_t n, TimestampMs t) {
    WriteBatch batch;
    batch.AddSeries(LabelsOf(0));
    batch.AddHistogram(t, histogram(n), kTestStartMs - 5);
    CHECK_OK(store_->Append(batch).status());
  };
  for (uint64_t n = 0; n < 6; ++n) {
    append(n, kTestStartMs + static_cast<int64_t>(n) * 15'000);
    if (n == 2) ASSERT_TRUE(store_->FlushAll().ok());
  }
  append(90, kTestStartMs + 7'000);  // late, into what is cold
  SelectRequest request;
  request.range = kAll;
  const auto set = store_->Select(request);
  ASSERT_EQ((*set)->series_count(), 1u);
  SeriesBatch batch;
  CHECK_OK((*set)->Read(std::vector<uint32_t>{0}, &batch));
  ASSERT_EQ(batch.values.size(), 7u);
  ASSERT_EQ(batch.start_timestamps_ms, std::vector<TimestampMs>(7, kTestStartMs - 5));
  using enum CounterResetHint;
  const std::vector<CounterResetHint> hints = {kUnknown, kUnknown,  kUnknown, kNotReset,
                                               kUnknown, kNotReset, kNotReset};
  const std::vector<uint64_t> counts = {0, 90, 1, 2, 3, 4, 5};
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(batch.histogram(i)->reset_hint, hints[i]) << i;
    EXPECT_TRUE(SameBits(*batch.histogram(i), histogram(counts[i]), false)) << i;
  }
}

}  // namespace
}  // namespace thermocline
