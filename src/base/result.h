// Result<T>: a value or the Status that says why there is none.
#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/status.h"

namespace thermocline {

// Holds a T or a non-OK Status. Reading the value of a failed Result is a broken invariant and ends
// the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTBEGIN(google-explicit-constructor): `return value;` and `return status;` are the point.
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) { CHECK(!status_.ok()); }
  // NOLINTEND(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  T& value() & {
    CHECK_OK(status_);
    return *value_;
  }
  const T& value() const& {
    CHECK_OK(status_);
    return *value_;
  }
  T&& value() && {
    CHECK_OK(status_);
    return *std::move(value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::optional<T> value_;
  Status status_;
};

// ASSIGN_OR_RETURN(auto file, Open(path)): declares or assigns `lhs`, or returns the Status. `lhs`
// must not contain a bare comma.
#define ASSIGN_OR_RETURN(lhs, expr) \
  TC_ASSIGN_OR_RETURN_INNER(TC_CONCAT(tc_result_, __LINE__), lhs, expr)
#define TC_ASSIGN_OR_RETURN_INNER(result, lhs, expr) \
  auto result = (expr);                              \
  if (!result.ok()) return result.status();          \
  lhs = std::move(result).value()

}  // namespace thermocline
