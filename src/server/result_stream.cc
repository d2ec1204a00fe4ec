#include "server/result_stream.h"

#include <algorithm>

#include "server/reply.h"
#include "server/result_json.h"

namespace thermocline {

Status ResultStream::Begin(promql::ResultKind kind) {
  kind_ = kind;
  text_ = kSuccessBegin;
  AppendResultBegin(kind, &text_);
  return Status::Ok();
}

Status ResultStream::Add(promql::ResultSeries series) {
  ++series_;
  if (truncated()) return Status::Ok();
  if (series_ > 1) text_ += ',';
  AppendResultSeries(kind_, series, &text_);
  return SendPiece();
}

Status ResultStream::SendPiece() {
  if (!call_.stream || text_.size() < (writer_ == nullptr ? kHeldBackBytes : kPieceBytes)) {
    return Status::Ok();
  }
  if (writer_ == nullptr) writer_ = call_.stream(Response());
  const Clock& clock = call_.context.env.clock;
  const int64_t started_ns = clock.SteadyNs();
  RETURN_IF_ERROR(writer_->Write(text_));
  sending_ns_ += clock.SteadyNs() - started_ns;
  sent_bytes_ += text_.size();
  const auto most_ns = static_cast<int64_t>(sent_bytes_ >> 10) * (kExcusedNsPerMiB >> 10);
  excused_ns_.store(std::min(sending_ns_, most_ns), std::memory_order_relaxed);
  text_.clear();
  return Status::Ok();
}

Response ResultStream::Succeed(promql::QueryResult& result, std::string_view stats) {
  if (truncated()) result.warnings.emplace_back("results truncated due to limit");
  AppendResultEnd(result, stats, &text_);
  AppendSuccessEnd(result.warnings, result.infos, &text_);
  Response response;
  if (writer_ == nullptr) {
    response.body = std::move(text_);
    return response;
  }
  // A client that is gone is found out by the connection.
  if (writer_->Write(text_).ok() && writer_->Finish().ok()) {
    response.sent = true;
    return response;
  }
  return Fail(std::move(response));
}

Response ResultStream::Fail(Response failure) {
  // What was sent is not whole: the writer goes without its end.
  failure.sent = writer_ != nullptr;
  writer_.reset();
  return failure;
}

}  // namespace thermocline
