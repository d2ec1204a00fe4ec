// A body that is kept until it is large and sent in pieces from then on.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "server/router.h"

namespace thermocline {

// The first MiB is held back: an error until then has its own status. Later the body is sent as it
// comes, and an error breaks it off in the middle.
class PieceSender {
 public:
  // `call` is borrowed; `head` is the response without its body.
  PieceSender(const RouteCall& call, Response head) : call_(call), head_(std::move(head)) {}

  // Sends `text` and empties it, when it is enough for a piece.
  Status Offer(std::string* text);
  bool sent_some() const { return writer_ != nullptr; }

  // Time that sending took and the request's deadline does not count: as long as the client takes a
  // MiB a second. Threads: safe.
  int64_t excused_ns() const { return excused_ns_.load(std::memory_order_relaxed); }

  // Time that sending took so far, all of it.
  int64_t sending_ns() const { return sending_ns_; }

  // The response to return from the route, at the end. `rest` is what was not sent.
  Response Finish(std::string rest);
  Response Fail(Response failure);

 private:
  static constexpr size_t kHeldBackBytes = size_t{1} << 20;
  static constexpr int64_t kExcusedNsPerMiB = 1'000'000'000;
  static constexpr size_t kPieceBytes = size_t{256} << 10;

  const RouteCall& call_;
  Response head_;
  std::unique_ptr<BodyWriter> writer_;
  int64_t sending_ns_ = 0;
  uint64_t sent_bytes_ = 0;  // before compression
  std::atomic<int64_t> excused_ns_{0};
};

}  // namespace thermocline
