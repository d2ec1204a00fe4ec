// Status: what a fallible function returns when it has no value.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace thermocline {

enum class Code {
  kOk = 0,
  kInvalidArgument,
  kNotFound,
  kAlreadyExists,
  kOutOfOrder,
  kOutOfRange,
  kCorruption,
  kIo,
  kResourceExhausted,
  kDeadlineExceeded,
  kCancelled,
  kUnavailable,
  kUnimplemented,
  kPermissionDenied,
  kInternal,
};

// The code's name as logs show it, e.g. "Corruption".
std::string_view CodeName(Code code);

// A code and a message that ends with the facts: what was attempted, file, offset, expected, found.
// OK carries no allocation.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message);

  static Status Ok() { return {}; }
  static Status InvalidArgument(std::string m) { return {Code::kInvalidArgument, std::move(m)}; }
  static Status NotFound(std::string m) { return {Code::kNotFound, std::move(m)}; }
  static Status AlreadyExists(std::string m) { return {Code::kAlreadyExists, std::move(m)}; }
  static Status OutOfOrder(std::string m) { return {Code::kOutOfOrder, std::move(m)}; }
  static Status OutOfRange(std::string m) { return {Code::kOutOfRange, std::move(m)}; }
  static Status Corruption(std::string m) { return {Code::kCorruption, std::move(m)}; }
  static Status Io(std::string m) { return {Code::kIo, std::move(m)}; }
  static Status ResourceExhausted(std::string m) {
    return {Code::kResourceExhausted, std::move(m)};
  }
  static Status DeadlineExceeded(std::string m) { return {Code::kDeadlineExceeded, std::move(m)}; }
  static Status Cancelled(std::string m) { return {Code::kCancelled, std::move(m)}; }
  static Status Unavailable(std::string m) { return {Code::kUnavailable, std::move(m)}; }
  static Status Unimplemented(std::string m) { return {Code::kUnimplemented, std::move(m)}; }
  static Status PermissionDenied(std::string m) { return {Code::kPermissionDenied, std::move(m)}; }
  static Status Internal(std::string m) { return {Code::kInternal, std::move(m)}; }

  bool ok() const { return state_ == nullptr; }
  Code code() const { return state_ ? state_->code : Code::kOk; }
  // Empty when ok.
  std::string_view message() const { return state_ ? std::string_view(state_->message) : ""; }
  // "Corruption: message", or "OK".
  std::string ToString() const;
  // The same code with `context` and ": " put before the message. OK stays OK.
  Status WithContext(std::string_view context) const;

 private:
  struct State {
    Code code;
    std::string message;
  };
  std::shared_ptr<const State> state_;
};

#define TC_CONCAT_INNER(a, b) a##b
#define TC_CONCAT(a, b) TC_CONCAT_INNER(a, b)

// Returns the Status of `expr` from the enclosing function unless it is OK.
#define RETURN_IF_ERROR(expr) TC_RETURN_IF_ERROR_INNER(TC_CONCAT(tc_status_, __LINE__), expr)
#define TC_RETURN_IF_ERROR_INNER(status, expr)                 \
  do {                                                         \
    if (::thermocline::Status status = (expr); !status.ok()) { \
      return status;                                           \
    }                                                          \
  } while (false)

}  // namespace thermocline
