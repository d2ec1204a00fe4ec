// A query's answer as JSON, sent while it is computed.
#pragma once

#include <string>

#include "promql/engine.h"
#include "server/piece_sender.h"

namespace thermocline {

// As PieceSender has it.
class ResultStream final : public promql::ResultSink {
 public:
  // `limit` series at most; 0 = all. `call` is borrowed.
  ResultStream(const RouteCall& call, uint64_t limit) : limit_(limit), sender_(call, Response()) {}

  // See PieceSender. Threads: safe.
  int64_t excused_ns() const { return sender_.excused_ns(); }

  Status Begin(promql::ResultKind kind) override;
  Status Add(promql::ResultSeries series) override;

  int64_t sending_ns() const { return sender_.sending_ns(); }

  // The response to return from the route, after the query has ended. `stats` and `trace` are JSON
  // or empty.
  Response Succeed(promql::QueryResult& result, std::string_view stats,
                   std::string_view trace = {});
  Response Fail(Response failure) { return sender_.Fail(std::move(failure)); }

 private:
  bool truncated() const {
    return limit_ != 0 && series_ > limit_ && kind_ != promql::ResultKind::kScalar;
  }

  const uint64_t limit_;
  promql::ResultKind kind_ = promql::ResultKind::kVector;
  uint64_t series_ = 0;  // also those beyond the limit
  std::string text_;     // not sent yet
  PieceSender sender_;
};

}  // namespace thermocline
