// A query's answer as JSON, sent while it is computed.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "promql/engine.h"
#include "server/router.h"

namespace thermocline {

// The first MiB is held back: an error until then has its own status. Later the body is sent as it
// comes, and an error breaks it off in the middle.
class ResultStream final : public promql::ResultSink {
 public:
  // `limit` series at most; 0 = all. `call` is borrowed.
  ResultStream(const RouteCall& call, uint64_t limit) : call_(call), limit_(limit) {}

  // Time that sending took and the query's deadline does not count: as long as the client takes a
  // MiB a second. Threads: safe.
  int64_t excused_ns() const { return excused_ns_.load(std::memory_order_relaxed); }

  Status Begin(promql::ResultKind kind) override;
  Status Add(promql::ResultSeries series) override;

  // The response to return from the route, after the query has ended. `stats` is JSON or empty.
  Response Succeed(promql::QueryResult& result, std::string_view stats);
  Response Fail(Response failure);

 private:
  static constexpr size_t kHeldBackBytes = size_t{1} << 20;
  static constexpr int64_t kExcusedNsPerMiB = 1'000'000'000;
  static constexpr size_t kPieceBytes = size_t{256} << 10;
  bool truncated() const {
    return limit_ != 0 && series_ > limit_ && kind_ != promql::ResultKind::kScalar;
  }
  // Sends what has come together when it is enough.
  Status SendPiece();

  const RouteCall& call_;
  const uint64_t limit_;
  promql::ResultKind kind_ = promql::ResultKind::kVector;
  uint64_t series_ = 0;  // also those beyond the limit
  std::string text_;     // not sent yet
  std::unique_ptr<BodyWriter> writer_;
  int64_t sending_ns_ = 0;
  uint64_t sent_bytes_ = 0;  // before compression
  std::atomic<int64_t> excused_ns_{0};
};

}  // namespace thermocline
