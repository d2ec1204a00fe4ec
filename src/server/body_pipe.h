// A response's body on its way from the thread that makes it to the connection that sends it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "base/mutex.h"
#include "base/status.h"

namespace thermocline {

// One producer, one consumer, a bounded number of bytes between them. Threads: safe.
class BodyPipe {
 public:
  // The producer waits while `capacity_bytes` or more are inside, at most `timeout_ms` for the
  // consumer to take a piece.
  BodyPipe(uint64_t capacity_bytes, int64_t timeout_ms)
      : capacity_bytes_(capacity_bytes), timeout_ms_(timeout_ms) {}

  // Producer. Cancelled when the consumer is gone, DeadlineExceeded when it takes nothing.
  Status Write(std::string piece) EXCLUDES(mutex_);
  // The body ends: `whole`, or broken off. Only the first call counts.
  void End(bool whole) EXCLUDES(mutex_);

  // Consumer.
  enum class Next {
    kPiece,   // `piece` was taken
    kWhole,   // there is no more
    kBroken,  // there is no more, and the body is not whole
    kLater    // ask WhenReady
  };
  Next Take(std::string* piece) EXCLUDES(mutex_);
  // Calls `ready` once, on some thread, as soon as Take has something to say; perhaps at once.
  void WhenReady(std::function<void()> ready) EXCLUDES(mutex_);
  // Either side: nobody will take any more. What is inside is let go.
  void Drop() EXCLUDES(mutex_);

 private:
  bool HasNews() const REQUIRES(mutex_) { return !pieces_.empty() || ended_ || dropped_; }
  // Takes out the call to make, without the lock, after something has changed.
  std::function<void()> TakeReady() REQUIRES(mutex_);

  const uint64_t capacity_bytes_;
  const int64_t timeout_ms_;
  Mutex mutex_;
  CondVar taken_;
  std::deque<std::string> pieces_ GUARDED_BY(mutex_);
  uint64_t size_bytes_ GUARDED_BY(mutex_) = 0;
  bool ended_ GUARDED_BY(mutex_) = false;
  bool whole_ GUARDED_BY(mutex_) = false;
  bool dropped_ GUARDED_BY(mutex_) = false;
  std::function<void()> ready_ GUARDED_BY(mutex_);
};

}  // namespace thermocline
