#include "server/lane_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>

#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

// Tasks that hold their thread until they are let go.
class Gate {
 public:
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  void Pass() {
    MutexLock lock(mutex_);
    ++arrived_;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(mutex_);
  }
  void AwaitArrivals(int count) {
    MutexLock lock(mutex_);
    while (arrived_ < count) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ GUARDED_BY(mutex_) = false;
  int arrived_ GUARDED_BY(mutex_) = 0;
};

class LanePoolTest : public testing::Test {
 protected:
  LaneTask Task(std::function<void()> work, std::stop_token stop = {}) {
    return {[this, work = std::move(work)] {
              work();
              ++ran_;
            },
            [this] { ++refused_; }, std::move(stop)};
  }
  double Figure(std::string_view name) {
    return machine_.metrics.GetGauge(name, "", {{"lane", "test"}}).value();
  }

  SimulatedEnv machine_;
  std::atomic<int> ran_{0};
  std::atomic<int> refused_{0};
};

TEST_F(LanePoolTest, RefusesAtOnceWhatNeitherRunsNorFitsTheQueue) {
  Gate gate;
  {
    LanePool lane("test", {2, 3, 1000}, machine_.env());
    for (int i = 0; i < 2; ++i) lane.Submit(Task([&] { gate.Pass(); }));
    gate.AwaitArrivals(2);
    for (int i = 0; i < 3; ++i) lane.Submit(Task([] {}));
    EXPECT_EQ(refused_, 0);
    EXPECT_EQ(Figure("thermocline_http_requests_running"), 2);
    EXPECT_EQ(Figure("thermocline_http_requests_waiting"), 3);
    for (int i = 0; i < 4; ++i) lane.Submit(Task([] {}));
    EXPECT_EQ(refused_, 4);
    gate.Open();
    while (ran_ < 5) lane.Expire();
  }
  EXPECT_EQ(ran_, 5);
  EXPECT_EQ(refused_, 4);
  EXPECT_EQ(Figure("thermocline_http_requests_running"), 0);
}

TEST_F(LanePoolTest, RefusesWhatWaitedTooLongThoughNoThreadIsFree) {
  Gate gate;
  LanePool lane("test", {1, 2, 1000}, machine_.env());
  lane.Submit(Task([&] { gate.Pass(); }));
  gate.AwaitArrivals(1);
  lane.Submit(Task([] {}));
  machine_.clock.Advance(600);
  lane.Submit(Task([] {}));
  machine_.clock.Advance(500);
  lane.Expire();
  EXPECT_EQ(refused_, 1);
  // Its place is free again.
  lane.Submit(Task([] {}));
  EXPECT_EQ(refused_, 1);
  gate.Open();
  while (ran_ < 3) lane.Expire();
}

TEST_F(LanePoolTest, LetsGoOfWhatNobodyWaitsFor) {
  Gate gate;
  LanePool lane("test", {1, 2, 1000}, machine_.env());
  lane.Submit(Task([&] { gate.Pass(); }));
  gate.AwaitArrivals(1);
  std::stop_source gone;
  lane.Submit(Task([] { FAIL() << "ran for nobody"; }, gone.get_token()));
  gone.request_stop();
  lane.Expire();
  EXPECT_EQ(refused_, 1);
  gate.Open();
}

TEST_F(LanePoolTest, TheDestructorRefusesWhatWaitsAndJoinsWhatRuns) {
  Gate gate;
  auto lane = std::make_unique<LanePool>("test", LaneOptions{1, 4, 1000}, machine_.env());
  lane->Submit(Task([&] { gate.Pass(); }));
  gate.AwaitArrivals(1);
  for (int i = 0; i < 4; ++i) {
    lane->Submit({[] { FAIL() << "ran after the end began"; },
                  [&] {
                    ++refused_;
                    gate.Open();
                  },
                  {}});
  }
  lane.reset();
  EXPECT_EQ(refused_, 4);
  EXPECT_EQ(ran_, 1);
}

TEST_F(LanePoolTest, GoesOnAfterATaskThatThrows) {
  LanePool lane("test", {1, 8, 1000}, machine_.env());
  for (int i = 0; i < 4; ++i) {
    lane.Submit(Task([] { throw std::runtime_error("planted"); }));
    const int before = ran_;
    // The throw ends one drain: the next task starts another.
    while (ran_ == before) lane.Submit(Task([] {}));
  }
  EXPECT_GE(ran_, 4);
}

TEST_F(LanePoolTest, UnderAStormEachTaskRunsOrIsRefusedOnce) {
  constexpr int kPerThread = 2000;
  int submitted = 4 * kPerThread;
  {
    LanePool lane("test", {3, 5, 1000}, machine_.env());
    std::vector<std::unique_ptr<BackgroundThread>> clients;
    for (int c = 0; c < 4; ++c) {
      clients.push_back(std::make_unique<BackgroundThread>("client", [&] {
        for (int i = 0; i < kPerThread; ++i) {
          lane.Submit(Task([] {}));
          if (i % 7 == 0) lane.Expire();
        }
      }));
    }
    clients.clear();
    // The clients may have been done before a thread of the lane began.
    for (; ran_ == 0; ++submitted) {
      lane.Submit(Task([] {}));
      std::this_thread::yield();
    }
  }
  EXPECT_EQ(ran_ + refused_, submitted);
}

}  // namespace
}  // namespace thermocline
