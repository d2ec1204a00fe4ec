#include "server/listener.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/mutex.h"
#include "env/background_thread.h"
#include "env/posix/http_client.h"
#include "env/posix/posix_clock.h"
#include "env/simulated/capturing_logger.h"

namespace thermocline {
namespace {

class ListenerTest : public testing::Test {
 protected:
  void Start(RequestHandler handler) {
    ListenerOptions options;
    options.cancel_ms = 500;
    auto started =
        Listener::Start(options, {"127.0.0.1:0"}, std::move(handler), clock_, logger_, metrics_);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    listener_ = std::move(*started);
    url_ = "http://" + listener_->addresses().front() + "/";
  }
  Result<HttpResponse> Ask() const {
    HttpRequest request;
    request.url = url_;
    request.timeout_ms = 20'000;
    return Fetch(request);
  }
  int64_t StopMs(int64_t drain_ms, const std::function<bool()>& hurry) {
    const int64_t begun_ns = clock_.SteadyNs();
    listener_->Stop(drain_ms, hurry);
    return (clock_.SteadyNs() - begun_ns) / 1'000'000;
  }

  PosixClock clock_;
  CapturingLogger logger_;
  Metrics metrics_;
  std::unique_ptr<Listener> listener_;
  std::string url_;
};

Response Text(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

// Requests that a test answers when it likes.
class Held {
 public:
  void Add(Request request, std::function<void(Response)> done) {
    MutexLock lock(mutex_);
    request_ = std::move(request);
    done_ = std::move(done);
    changed_.NotifyAll();
  }
  std::function<void(Response)> Take(Request* request) {
    MutexLock lock(mutex_);
    while (!done_) changed_.Wait(mutex_);
    *request = std::move(request_);
    return std::exchange(done_, nullptr);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  Request request_ GUARDED_BY(mutex_);
  std::function<void(Response)> done_ GUARDED_BY(mutex_);
};

TEST_F(ListenerTest, AHandlerThatNeverAnswersGivesA500) {
  Start([](Request, const std::function<void(Response)>&) {});
  for (int i = 0; i < 3; ++i) {
    const auto answer = Ask();
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(answer->status, 500);
  }
}

TEST_F(ListenerTest, OnlyTheFirstAnswerCounts) {
  Start([](Request request, const std::function<void(Response)>& done) {
    done(Text("first " + request.path));
    done(Text("second"));
  });
  EXPECT_EQ(Ask()->body, "first /");
  EXPECT_EQ(Ask()->body, "first /");
}

TEST_F(ListenerTest, StopWaitsForTheRequestInProgress) {
  Held held;
  Start([&](Request request, std::function<void(Response)> done) {
    held.Add(std::move(request), std::move(done));
  });
  std::optional<Result<HttpResponse>> answer;
  auto client = std::make_unique<BackgroundThread>("client", [&] { answer = Ask(); });
  Request request;
  auto done = held.Take(&request);
  int asked = 0;
  const int64_t ms = StopMs(20'000, [&] {
    // Some time into the stop the work ends.
    if (++asked == 5) std::exchange(done, nullptr)(Text("whole"));
    return false;
  });
  EXPECT_GE(asked, 5);
  EXPECT_LT(ms, 10'000);
  EXPECT_FALSE(request.stop.stop_requested());
  client.reset();
  ASSERT_TRUE((*answer).ok()) << (*answer).status().ToString();
  EXPECT_EQ((*answer)->body, "whole");
}

TEST_F(ListenerTest, WhoeverIsInAHurryCancelsTheRequestInProgress) {
  Held held;
  Start([&](Request request, std::function<void(Response)> done) {
    held.Add(std::move(request), std::move(done));
  });
  BackgroundThread client("client", [&] { EXPECT_EQ(Ask()->body, "cancelled"); });
  Request request;
  auto done = held.Take(&request);
  BackgroundThread work("work", [&] {
    while (!request.stop.stop_requested()) clock_.SteadyNs();
    done(Text("cancelled"));
  });
  EXPECT_LT(StopMs(20'000, [] { return true; }), 5'000);
  EXPECT_TRUE(request.stop.stop_requested());
}

TEST_F(ListenerTest, ARequestThatWillNotEndHoldsTheStopUpNoLongerThanAllowed) {
  Held held;
  Start([&](Request request, std::function<void(Response)> done) {
    held.Add(std::move(request), std::move(done));
  });
  BackgroundThread client("client", [&] { EXPECT_FALSE(Ask().ok()); });
  Request request;
  auto done = held.Take(&request);
  const int64_t ms = StopMs(100, {});
  EXPECT_GE(ms, 600);
  EXPECT_LT(ms, 5'000);
  EXPECT_TRUE(request.stop.stop_requested());
  done(Text("too late"));
  done = nullptr;
  listener_.reset();  // closes the client's connection
}

}  // namespace
}  // namespace thermocline
