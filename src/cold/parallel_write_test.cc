// Row groups encoded on several threads: the same bytes as on one, errors in their place, and no
// need of the executor to go on.
#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "bucket/local_bucket.h"
#include "cold/block_writer.h"
#include "cold/ordered_jobs.h"
#include "cold/test_series.h"
#include "env/posix/thread_pool.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr TimestampMs kDay = 19'700 * kDayMs;

// Claims threads that never come: it refuses tasks, or keeps them for later.
class BusyExecutor final : public Executor {
 public:
  explicit BusyExecutor(bool refuse) : refuse_(refuse) {}
  Status Submit(std::function<void()> task) override {
    if (refuse_) return Status::ResourceExhausted("full");
    tasks_.push_back(std::move(task));
    return Status::Ok();
  }
  int parallelism() const override { return 3; }
  void RunAll() {
    for (const auto& task : tasks_) task();
  }

 private:
  const bool refuse_;
  std::vector<std::function<void()>> tasks_;
};

std::vector<TestSeries> ManySeries(bool starts) {
  constexpr uint64_t kSeed = 17;
  std::mt19937_64 random(kSeed);
  std::vector<TestSeries> series;
  for (int s = 0; s < 150; ++s) {
    TestSeries one{Labels{{"__name__", "m" + std::to_string(s % 5)},
                          {"instance", "i" + std::to_string(s)},
                          {"zone", s % 3 == 0 ? "a" : "b"}}};
    const size_t count = 1 + random() % 120;
    for (size_t k = 0; k < count; ++k) {
      const double value =
          s % 2 == 0 ? static_cast<double>(random() % 100) : std::bit_cast<double>(random() >> 2);
      one.Add(kDay + static_cast<int64_t>(k) * 15'000, value);
      if (starts) one.starts.push_back(kDay);
    }
    series.push_back(std::move(one));
  }
  return series;
}

struct Outcome {
  Status status;
  std::map<std::string, std::string> files;
  uint64_t calls = 0;  // that changed the disk
};

// Ids are the same in every run, so that files are.
Outcome WriteWith(Executor& executor, uint32_t threads, bool starts, uint64_t fail_at = 0) {
  SimulatedEnv env;
  LocalBucket bucket(env.files, "cold");
  LabelColumns columns;
  BlockWriterOptions options;
  options.page_rows = 64;
  options.series_page_rows = 64;
  options.row_group_rows = 128;
  options.threads = threads;
  if (fail_at > 0) env.files.CutPowerAfter(fail_at);
  const TestSeriesSet source(ManySeries(starts));
  uint16_t next = 0;
  const auto new_id = [&next] { return BlockId::Make(kDay, ++next, 7); };
  const auto reserve = [&columns](const std::vector<std::string>& names) {
    for (const std::string& name : names) columns.FindOrAdd(name);
    return columns;
  };
  const auto entries = WriteBlocks(source, {}, options, new_id, executor, bucket, reserve);
  Outcome outcome;
  outcome.status = entries.status();
  outcome.calls = env.files.mutating_calls();
  if (!entries.ok()) return outcome;
  for (const BlockEntry& entry : *entries) {
    for (const BlockFile& file : entry.files) {
      auto bytes = env.files.ReadFile(JoinPath("cold", file.key));
      EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
      if (bytes.ok()) outcome.files[file.key] = *std::move(bytes);
    }
  }
  return outcome;
}

TEST(ParallelWrite, TheBytesDoNotDependOnTheNumberOfThreads) {
  for (const bool starts : {false, true}) {
    SeededExecutor inline_tasks;
    const Outcome one = WriteWith(inline_tasks, 4, starts);
    ASSERT_TRUE(one.status.ok()) << one.status.ToString();
    ASSERT_GE(one.files.size(), 3u);
    SimulatedEnv env;
    ThreadPool pool("worker", 4, 64, env.logger);
    for (const uint32_t threads : {1u, 2u, 3u, 4u, 64u}) {
      const Outcome more = WriteWith(pool, threads, starts);
      ASSERT_TRUE(more.status.ok()) << more.status.ToString();
      EXPECT_TRUE(more.files == one.files) << threads << " threads";
    }
  }
}

TEST(ParallelWrite, AnExecutorWithoutRoomOnlyMeansLessHelp) {
  SeededExecutor inline_tasks;
  const Outcome one = WriteWith(inline_tasks, 1, false);
  for (const bool refuse : {true, false}) {
    BusyExecutor busy(refuse);
    const Outcome alone = WriteWith(busy, 3, false);
    ASSERT_TRUE(alone.status.ok()) << alone.status.ToString();
    EXPECT_TRUE(alone.files == one.files);
    busy.RunAll();  // tasks that begin after the end find nothing to do
  }
}

TEST(ParallelWrite, AFailingDiskEndsTheWriteWithItsError) {
  SimulatedEnv env;
  ThreadPool pool("worker", 3, 64, env.logger);
  const uint64_t calls = WriteWith(pool, 3, false).calls;
  ASSERT_GT(calls, 3u);
  for (uint64_t at = 1; at < calls; ++at) {
    EXPECT_FALSE(WriteWith(pool, 3, false, at).status.ok()) << at;
  }
}

TEST(OrderedJobs, AreFinishedInOrderWhateverTheyReturn) {
  SimulatedEnv env;
  ThreadPool pool("worker", 4, 8, env.logger);
  for (int round = 0; round < 200; ++round) {
    OrderedJobs jobs(pool, 4);
    std::atomic<int> ran{0};
    int finished = 0;
    for (int i = 0; i < 20; ++i) {
      jobs.Start([i, &ran] {
        ran.fetch_add(1);
        return i % 7 == 3 ? Status::Internal(std::to_string(i)) : Status::Ok();
      });
      if (jobs.size() < 5) continue;
      const Status status = jobs.FinishOldest();
      EXPECT_EQ(status.ok() ? "" : status.message(),
                finished % 7 == 3 ? std::to_string(finished) : "");
      ++finished;
    }
    if (round % 2 == 0) continue;  // the rest is dropped or waited for
    while (jobs.size() > 0) {
      EXPECT_EQ(jobs.FinishOldest().ok(), finished % 7 != 3);
      ++finished;
    }
    EXPECT_EQ(ran.load(), 20);
  }
}

TEST(OrderedJobs, StayOnTheCallingThreadWhenOneTaskRunsAtATime) {
  SeededExecutor kept(1);  // would keep whatever is submitted
  OrderedJobs jobs(kept, 4);
  int order = 0;
  for (int i = 0; i < 3; ++i) {
    jobs.Start([i, &order] {
      EXPECT_EQ(order++, i);
      return Status::Ok();
    });
  }
  EXPECT_EQ(order, 0);
  while (jobs.size() > 0) EXPECT_TRUE(jobs.FinishOldest().ok());
  EXPECT_EQ(order, 3);
  EXPECT_FALSE(kept.RunOne());
}

}  // namespace
}  // namespace thermocline
