// Writers, a committer, readers and a flusher at once. Run it under ThreadSanitizer, too.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <set>

#include "env/background_thread.h"
#include "env/simulated/simulated_env.h"
#include "head/recording_log.h"

namespace thermocline {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;
constexpr int kWriters = 2;
constexpr int kSeries = 12;  // of each writer
constexpr int kRequests = 400;

// A log whose committer settles from a thread of its own, and fails every 7th record if asked.
class CommittedLog {
 public:
  CommittedLog(Head& head, bool with_failures) : head_(head), with_failures_(with_failures) {}

  RecordSink sink() {
    return [this](HeadRecord) -> Result<Lsn> {
      MutexLock lock(mutex_);
      return Lsn(++queued_);
    };
  }
  // Settles what is queued; false when there was nothing.
  bool Commit() {
    uint64_t last;
    {
      MutexLock lock(mutex_);
      last = queued_;
    }
    if (last == settled_) return false;
    while (settled_ < last) {
      const Lsn lsn(++settled_);
      const bool failed = with_failures_ && lsn.number % 7 == 0;
      head_.Settle(lsn, lsn, failed ? Status::Io("disk") : Status::Ok());
    }
    return true;
  }

 private:
  Head& head_;
  const bool with_failures_;
  Mutex mutex_;
  uint64_t queued_ GUARDED_BY(mutex_) = 0;
  uint64_t settled_ = 0;  // of the committer's thread
};

Labels SeriesOf(int writer, int i) {
  return Labels{{"__name__", "m"}, {"i", std::to_string(i)}, {"writer", std::to_string(writer)}};
}

std::unique_ptr<Head> OpenHead(SimulatedEnv& env) {
  HeadOptions options;
  options.range_ms = kMinuteMs;
  env.clock.SetNowMs(kNow + kDayMs);
  auto head = Head::Create(options, env.env());
  CHECK_OK(head.status());
  return std::move(head).value();
}

void Write(Head& head, CommittedLog& log, int writer) {
  for (int r = 0; r < kRequests; ++r) {
    WriteBatch batch;
    batch.on_reject = RejectPolicy::kSampleOnly;
    for (int i = 0; i < kSeries; ++i) {
      batch.AddSeries(SeriesOf(writer, i));
      batch.AddSample(kNow + r * 500, r);
    }
    const auto admission = head.Admit(batch, log.sink());
    CHECK_OK(admission.status());
  }
}

// Every series of a writer holds the same samples: a request is seen whole or not at all.
void ExpectWholeRequests(const Head& head) {
  std::vector<std::set<std::map<TimestampMs, uint64_t>>> of_writer(kWriters);
  std::vector<int> counts(kWriters);
  for (const auto& [labels, samples] : ReadAll(head)) {
    const int writer = labels.Get("writer")[0] - '0';
    of_writer[static_cast<size_t>(writer)].insert(samples);
    ++counts[static_cast<size_t>(writer)];
  }
  for (int w = 0; w < kWriters; ++w) {
    const auto at = static_cast<size_t>(w);
    ASSERT_LE(of_writer[at].size(), 1u) << "writer " << w;
    ASSERT_TRUE(counts[at] == 0 || counts[at] == kSeries) << "writer " << w;
  }
}

struct Crew {
  explicit Crew(bool with_failures) : head(OpenHead(env)), log(*head, with_failures) {
    committer = std::make_unique<BackgroundThread>("commit", [this] {
      while (!stop.load() || log.Commit()) log.Commit();
    });
    for (int w = 0; w < kWriters; ++w) {
      writers.push_back(std::make_unique<BackgroundThread>("write", [this, w] {
        Write(*head, log, w);
        ++done;
      }));
    }
  }
  bool writing() const { return done.load() < kWriters; }
  void Finish() {
    writers.clear();
    stop = true;
    committer.reset();
  }

  SimulatedEnv env;
  std::unique_ptr<Head> head;
  CommittedLog log;
  std::atomic<int> done{0};
  std::atomic<bool> stop{false};
  std::unique_ptr<BackgroundThread> committer;
  std::vector<std::unique_ptr<BackgroundThread>> writers;
};

std::vector<TimeRange> AllRanges(const Head& head) {
  std::vector<TimeRange> out;
  for (const HeadRange& range : head.Ranges()) out.push_back(range.range);
  return out;
}

TEST(HeadThreads, ReadersSeeWholeRequestsWhileRangesAreSealed) {
  for (const bool with_failures : {false, true}) {
    Crew crew(with_failures);
    BackgroundThread reader("read", [&] {
      while (crew.writing()) {
        LabelRequest request;
        request.range = {kMinTimestampMs, kMaxTimestampMs};
        const auto values = crew.head->LabelValues("i", request);
        CHECK(values->empty() || values->size() == kSeries);
        (void)crew.head->GetStatus(5);
        (void)crew.head->TryCount({}, kNow + 100'000, 60'000).ok();
      }
    });
    while (crew.writing()) {
      ExpectWholeRequests(*crew.head);
      auto sealed = crew.head->Seal(AllRanges(*crew.head));
      ASSERT_TRUE(sealed.ok());
      ExpectWholeRequests(*crew.head);
      crew.head->Unseal(sealed->token);
    }
    crew.Finish();
    ExpectWholeRequests(*crew.head);
    const Content content = ReadAll(*crew.head);
    ASSERT_EQ(content.size(), size_t{kWriters * kSeries});
    const size_t settled = content.begin()->second.size();
    EXPECT_EQ(settled == size_t{kRequests}, !with_failures) << settled;
  }
}

TEST(HeadThreads, NothingIsLostOrDoubledBetweenTheHeadAndWhatItHandedOut) {
  Crew crew(false);
  BackgroundThread reader("read", [&] {
    while (crew.writing()) {
      SelectRequest request;
      request.range = {kMinTimestampMs, kMaxTimestampMs};
      auto set = *crew.head->Select(request);
      Content content;
      AddContent(*set, &content);
    }
  });
  Content cold;
  size_t handed_out = 0;
  while (crew.writing()) {
    auto sealed = crew.head->Seal(AllRanges(*crew.head));
    ASSERT_TRUE(sealed.ok());
    Content content;
    AddContent(*sealed->series, &content);
    for (const auto& [labels, samples] : content) {
      handed_out += samples.size();
      cold[labels].insert(samples.begin(), samples.end());
    }
    crew.head->Drop(sealed->token);
    ASSERT_TRUE(crew.head->OldestNeeded(crew.log.sink()).ok());
  }
  crew.Finish();
  for (const auto& [labels, samples] : ReadAll(*crew.head)) {
    handed_out += samples.size();
    cold[labels].insert(samples.begin(), samples.end());
  }
  EXPECT_EQ(handed_out, size_t{kWriters * kSeries * kRequests});
  for (const auto& [labels, samples] : cold) EXPECT_EQ(samples.size(), size_t{kRequests});
}

}  // namespace
}  // namespace thermocline
