// How calls fail: a Status, or a Result with a value or the Status that says why there is none. The
// library throws nothing of its own; out of memory ends the process.
#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <thermocline/export.h>

namespace thermocline::api {

enum class Code {
  kOk = 0,
  kInvalidArgument = 1,
  kNotFound = 2,
  kAlreadyExists = 3,
  kOutOfOrder = 4,
  kOutOfRange = 5,
  kCorruption = 6,  // bytes that are not as their format says
  kIo = 7,
  kResourceExhausted = 8,
  kDeadlineExceeded = 9,
  kCancelled = 10,
  kUnavailable = 11,  // another process has it open
  kUnimplemented = 12,
  kPermissionDenied = 13,
  kInternal = 14,
};

// OK, or a code and a message that ends with the facts: file, offset, expected, found.
class [[nodiscard]] THERMOCLINE_API Status {
 public:
  Status() = default;
  Status(Code code, std::string message);
  static Status Ok() { return {}; }

  bool ok() const { return state_ == nullptr; }
  Code code() const;
  std::string_view message() const;  // empty when ok
  std::string ToString() const;      // "Corruption: message", or "OK"

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

// Reading the value of a failed Result ends the process: ask ok() first.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  T& operator*() & { return Checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->Checked(); }
  T&& operator*() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->Checked(); }

 private:
  T& Checked() {
    if (!value_.has_value()) std::abort();
    return *value_;
  }

  std::optional<T> value_;
  Status status_;
};

}  // namespace thermocline::api
