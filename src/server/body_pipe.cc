#include "server/body_pipe.h"

#include <utility>

namespace thermocline {

std::function<void()> BodyPipe::TakeReady() {
  if (!HasNews()) return nullptr;
  return std::exchange(ready_, nullptr);
}

Status BodyPipe::Write(std::string piece) {
  std::function<void()> ready;
  {
    MutexLock lock(mutex_);
    while (size_bytes_ >= capacity_bytes_ && !dropped_) {
      const uint64_t before_bytes = size_bytes_;
      if (!taken_.WaitFor(mutex_, timeout_ms_) && size_bytes_ == before_bytes && !dropped_) {
        return Status::DeadlineExceeded("the client does not take the answer");
      }
    }
    if (dropped_) return Status::Cancelled("the client went away");
    size_bytes_ += piece.size();
    if (!piece.empty()) pieces_.push_back(std::move(piece));
    ready = TakeReady();
  }
  if (ready) ready();
  return Status::Ok();
}

void BodyPipe::End(bool whole) {
  std::function<void()> ready;
  {
    MutexLock lock(mutex_);
    if (std::exchange(ended_, true)) return;
    whole_ = whole;
    ready = TakeReady();
  }
  if (ready) ready();
}

BodyPipe::Next BodyPipe::Take(std::string* piece) {
  MutexLock lock(mutex_);
  if (dropped_) return Next::kBroken;
  if (!pieces_.empty()) {
    *piece = std::move(pieces_.front());
    pieces_.pop_front();
    size_bytes_ -= piece->size();
    taken_.NotifyAll();
    return Next::kPiece;
  }
  if (!ended_) return Next::kLater;
  return whole_ ? Next::kWhole : Next::kBroken;
}

void BodyPipe::WhenReady(std::function<void()> ready) {
  {
    MutexLock lock(mutex_);
    if (!HasNews()) {
      ready_ = std::move(ready);
      return;
    }
  }
  ready();
}

void BodyPipe::Drop() {
  std::function<void()> ready;
  {
    MutexLock lock(mutex_);
    dropped_ = true;
    pieces_.clear();
    size_bytes_ = 0;
    taken_.NotifyAll();
    ready = TakeReady();
  }
  if (ready) ready();
}

}  // namespace thermocline
