#include "env/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>

#include "base/check.h"
#include "env/posix/thread_pool.h"
#include "env/simulated/capturing_logger.h"
#include "env/simulated/seeded_executor.h"
#include "env/ticker.h"

namespace thermocline {
namespace {

TEST(ParallelFor, RunsEveryIndexOnce) {
  CapturingLogger logger;
  ThreadPool pool("test", 4, 100, logger);
  std::vector<std::atomic<int>> runs(1000);
  ASSERT_TRUE(ParallelFor(pool, runs.size(), [&](size_t i) {
                ++runs[i];
                return Status::Ok();
              }).ok());
  for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
}

TEST(ParallelFor, ReturnsTheFirstErrorAndStartsNoMore) {
  SeededExecutor executor;
  std::set<size_t> started;
  const Status status = ParallelFor(executor, 10, [&](size_t i) {
    started.insert(i);
    return i >= 3 ? Status::Io("index " + std::to_string(i)) : Status::Ok();
  });
  EXPECT_EQ(status.message(), "index 3");
  EXPECT_EQ(started.size(), 4u);
}

TEST(ParallelFor, WorksInsideItsOwnPoolAndWithAFullQueue) {
  CapturingLogger logger;
  ThreadPool pool("test", 2, 1, logger);
  std::atomic<int> inner{0};
  ASSERT_TRUE(ParallelFor(pool, 8, [&](size_t) {
                return ParallelFor(pool, 8, [&](size_t) {
                  ++inner;
                  return Status::Ok();
                });
              }).ok());
  EXPECT_EQ(inner.load(), 64);
}

TEST(ThreadPool, RefusesWhatTheQueueCannotHold) {
  CapturingLogger logger;
  Mutex gate;
  gate.Lock();
  std::atomic<bool> started{false};
  ThreadPool pool("test", 1, 1, logger);
  ASSERT_TRUE(pool.Submit([&] {
                    started = true;
                    gate.Lock();
                    gate.Unlock();
                  })
                  .ok());
  while (!started) {
  }
  EXPECT_TRUE(pool.Submit([] {}).ok());
  EXPECT_EQ(pool.Submit([] {}).code(), Code::kResourceExhausted);
  gate.Unlock();
}

TEST(ThreadPool, CatchesWhatATaskThrowsAndRunsTheRest) {
  CapturingLogger logger;
  std::atomic<int> ran{0};
  {
    ThreadPool pool("test", 1, 10, logger);
    ASSERT_TRUE(pool.Submit([] { throw std::runtime_error("planted"); }).ok());
    ASSERT_TRUE(pool.Submit([&] { ++ran; }).ok());
  }
  EXPECT_EQ(ran.load(), 1);
  EXPECT_TRUE(logger.Contains("a task threw", LogLevel::kError));
}

TEST(SeededExecutor, TheSeedDecidesTheOrder) {
  const auto order_of = [](uint64_t seed) {
    SeededExecutor executor(seed);
    std::string order;
    for (char c = 'a'; c < 'k'; ++c) CHECK_OK(executor.Submit([&order, c] { order += c; }));
    executor.RunAll();
    return order;
  };
  EXPECT_EQ(order_of(1), order_of(1));
  EXPECT_NE(order_of(1), order_of(2));
  EXPECT_EQ(order_of(3).size(), 10u);
}

TEST(Ticker, TicksUntilDestroyed) {
  std::atomic<int> ticks{0};
  {
    Ticker ticker("test", 1, [&] { ++ticks; });
    while (ticks < 3) {
    }
  }
  const int after = ticks;
  EXPECT_GE(after, 3);
  Ticker slow("test", 1'000'000, [&] { ++ticks; });
  slow.TickNow();
  while (ticks == after) {
  }
}

}  // namespace
}  // namespace thermocline
