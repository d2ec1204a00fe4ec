// The head against std::map: random admissions, verdicts, seals, drops, crashes and truncations,
// compared after every few steps.
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "env/simulated/simulated_env.h"
#include "head/recording_log.h"
#include "head/test_histograms.h"

namespace thermocline {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;
constexpr int64_t kRange = 10 * kMinuteMs;

struct Point {
  Labels labels;
  TimestampMs time_ms;
  uint64_t bits;
};

// The first few samples that only one side has, or that differ.
std::string Difference(const Content& got, const Content& want) {
  std::string out;
  const auto report = [&](const Content& a, const Content& b, const char* what) {
    for (const auto& [labels, samples] : a) {
      const auto other = b.find(labels);
      for (const auto& [t, bits] : samples) {
        const bool there = other != b.end() && other->second.contains(t);
        if (there && other->second.at(t) == bits) continue;
        if (out.size() < 2000) {
          out += what + labels.ToString() + " at " + std::to_string(t) + " value " +
                 std::to_string(std::bit_cast<double>(bits)) + "\n";
        }
      }
    }
  };
  report(got, want, "got ");
  report(want, got, "want ");
  return out;
}

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    options_.range_ms = kRange;
    options_.out_of_order_window_ms =
        seed % 3 == 0 ? 0 : static_cast<int64_t>(seed % 3) * 7 * kMinuteMs;
    env_.clock.SetNowMs(kNow + kDayMs);
    for (int i = 0; i < 25; ++i) {
      labels_.push_back(
          Labels{{"__name__", "m" + std::to_string(i % 4)}, {"i", std::to_string(i)}});
    }
    Open();
  }

  void Step() {
    const uint64_t dice = random_() % 100;
    if (dice < 55) return AdmitBatch();
    if (dice < 75) return Settle(1 + random_() % (log_.pending() + 1), Status::Ok());
    if (dice < 80) return Settle(1, Status::Io("disk"));
    if (dice < 84) return Seal();
    if (dice < 88) return FinishSeal();
    if (dice < 91) return Truncate();
    if (dice < 93) return Restart();
    if (dice < 96) return OpenReader();
    CheckReader();
  }

  void Compare() {
    Content all = cold_;
    for (const auto& [labels, samples] : ReadAll(*head_)) {
      for (const auto& [t, bits] : samples) all[labels].emplace(t, bits);
    }
    ASSERT_EQ(Difference(all, settled_), "");
    uint64_t listed = 0;
    for (const HeadRange& range : head_->Ranges()) listed += range.samples;
    uint64_t held = 0;
    for (const auto& [labels, samples] : ReadAll(*head_)) held += samples.size();
    ASSERT_GE(listed, held);
  }

 private:
  using Request = std::vector<Point>;

  void Open() {
    auto head = Head::Create(options_, env_.env());
    CHECK_OK(head.status());
    head_ = std::move(head).value();
  }

  void AdmitBatch() {
    WriteBatch batch;
    batch.on_reject = random_() % 3 == 0 ? RejectPolicy::kWholeBatch : RejectPolicy::kSampleOnly;
    std::vector<Point> points;
    for (uint64_t n = 1 + random_() % 6; n > 0; --n) {
      const size_t index = random_() % labels_.size();
      batch.AddSeries(labels_[index]);
      TimestampMs t =
          time_ms_ - static_cast<int64_t>(random_() % (random_() % 4 ? 1'000 : 900'000));
      for (uint64_t k = 1 + random_() % (random_() % 5 == 0 ? 60 : 3); k > 0; --k) {
        points.push_back({labels_[index], t, AddSample(index, t, &batch)});
        t += static_cast<int64_t>(random_() % 3) * 500;
      }
    }
    time_ms_ += static_cast<int64_t>(random_() % 8'000);
    const auto admission = head_->Admit(batch, log_.sink());
    CHECK_OK(admission.status());
    if (admission->last_lsn.number == 0) return;
    // From the back, so that the indexes stay right.
    for (size_t i = admission->summary.rejected.size(); i-- > 0;) {
      points.erase(points.begin() + admission->summary.rejected[i].sample_index);
    }
    requests_.push_back(std::move(points));
  }

  // The same sample whenever it comes, but sometimes another. Some series have histograms, some
  // alternate, some have start timestamps. Returns its fingerprint.
  uint64_t AddSample(size_t index, TimestampMs t, WriteBatch* batch) {
    const bool other = random_() % 20 == 0;
    const TimestampMs start_ms = index % 4 == 1 ? FloorTo(t, kMinuteMs) - 1 : 0;
    if (index % 3 == 1 || (index % 3 == 2 && t / 4000 % 2 == 0)) {
      const Histogram h = HistogramStream(static_cast<uint64_t>(t) * 40 + index + other).Next();
      batch->AddHistogram(t, h, start_ms);
      return Fingerprint(h.sum, &h, start_ms);
    }
    double v = static_cast<double>(t % 1000) + static_cast<double>(index);
    if (other) v = static_cast<double>(random_() % 3);
    batch->AddSample(t, v, start_ms);
    return Fingerprint(v, nullptr, start_ms);
  }

  void Settle(size_t count, const Status& outcome) {
    count = std::min(count, log_.pending());
    log_.Settle(*head_, count, outcome);
    for (size_t i = 0; i < count; ++i) {
      if (outcome.ok()) {
        for (const Point& p : requests_.front()) settled_[p.labels].emplace(p.time_ms, p.bits);
      }
      requests_.pop_front();
    }
  }

  void Seal() {
    std::vector<TimeRange> ranges;
    for (const HeadRange& range : head_->Ranges()) {
      if (random_() % 3 > 0) ranges.push_back(range.range);
    }
    auto sealed = head_->Seal(ranges);
    if (sealed.status().code() == Code::kAlreadyExists) return;
    CHECK_OK(sealed.status());
    sealed_.push_back({std::move(sealed).value(), ranges});
  }

  void FinishSeal() {
    if (sealed_.empty()) return;
    auto [sealed, ranges] = std::move(sealed_.front());
    sealed_.pop_front();
    if (random_() % 4 == 0) return head_->Unseal(sealed.token);
    AddContent(*sealed.series, &cold_);
    for (const TimeRange& range : ranges) flushed_.push_back({range, sealed.sealed_through});
    head_->Drop(sealed.token);
  }

  void Truncate() {
    const auto oldest = head_->OldestNeeded(log_.sink());
    CHECK_OK(oldest.status());
    log_.TruncateBefore(*oldest);
  }

  void Restart() {
    if (random_() % 2 == 0) Settle(log_.pending(), Status::Ok());
    log_.LosePending();
    requests_.clear();
    readers_.clear();
    sealed_.clear();
    Open();
    head_->SkipFlushed(flushed_);
    CHECK_OK(log_.ReplayInto(*head_));
  }

  void OpenReader() {
    if (readers_.size() > 3) return;
    SelectRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    auto set = head_->Select(request);
    CHECK_OK(set.status());
    readers_.push_back({std::move(set).value(), ReadAll(*head_)});
  }
  void CheckReader() {
    if (readers_.empty()) return;
    Content seen;
    AddContent(*readers_.front().first, &seen);
    CHECK(seen == readers_.front().second);
    readers_.pop_front();
  }

  std::mt19937_64 random_;
  HeadOptions options_;
  SimulatedEnv env_;
  RecordingLog log_;
  std::unique_ptr<Head> head_;
  std::vector<Labels> labels_;
  TimestampMs time_ms_ = kNow;
  std::deque<Request> requests_;
  Content settled_;
  Content cold_;
  std::vector<Head::Flushed> flushed_;
  std::deque<std::pair<Head::Sealed, std::vector<TimeRange>>> sealed_;
  std::deque<std::pair<std::unique_ptr<SeriesSet>, Content>> readers_;
};

TEST(HeadAgainstMap, AgreesAfterEverything) {
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    for (int step = 0; step < 300; ++step) {
      world.Step();
      if (step % 10 != 0) continue;
      SCOPED_TRACE("step " + std::to_string(step));
      ASSERT_NO_FATAL_FAILURE(world.Compare());
    }
  }
}

}  // namespace
}  // namespace thermocline
