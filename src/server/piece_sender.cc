#include "server/piece_sender.h"

#include <algorithm>
#include <utility>

namespace thermocline {

Status PieceSender::Offer(std::string* text) {
  if (!call_.stream || text->size() < (writer_ == nullptr ? kHeldBackBytes : kPieceBytes)) {
    return Status::Ok();
  }
  if (writer_ == nullptr) writer_ = call_.stream(std::move(head_));
  const Clock& clock = call_.context.env.clock;
  const int64_t started_ns = clock.SteadyNs();
  RETURN_IF_ERROR(writer_->Write(*text));
  sending_ns_ += clock.SteadyNs() - started_ns;
  sent_bytes_ += text->size();
  const auto most_ns = static_cast<int64_t>(sent_bytes_ >> 10) * (kExcusedNsPerMiB >> 10);
  excused_ns_.store(std::min(sending_ns_, most_ns), std::memory_order_relaxed);
  text->clear();
  return Status::Ok();
}

Response PieceSender::Finish(std::string rest) {
  if (writer_ == nullptr) {
    head_.body = std::move(rest);
    return std::move(head_);
  }
  // A client that is gone is found out by the connection.
  Response response;
  response.sent = writer_->Write(rest).ok() && writer_->Finish().ok();
  return response.sent ? response : Fail(std::move(response));
}

Response PieceSender::Fail(Response failure) {
  // What was sent is not whole: the writer goes without its end.
  failure.sent = writer_ != nullptr;
  writer_.reset();
  return failure;
}

}  // namespace thermocline
