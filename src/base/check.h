// CHECK: invariants of our own, on in release. Never for what came from disk, network or user.
#pragma once

#include <string>
#include <string_view>

namespace thermocline {

// Prints the place and the text to standard error and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              std::string_view detail = {});

#define CHECK(condition)                                          \
  do {                                                            \
    if (!(condition)) [[unlikely]] {                              \
      ::thermocline::CheckFailed(__FILE__, __LINE__, #condition); \
    }                                                             \
  } while (false)

// `expr` yields a Status; its text is part of the report. Copied, so that it may come from a
// temporary Result; copying an OK Status costs nothing.
#define CHECK_OK(expr)                                                             \
  do {                                                                             \
    if (const auto tc_check_ = (expr); !tc_check_.ok()) [[unlikely]] {             \
      ::thermocline::CheckFailed(__FILE__, __LINE__, #expr, tc_check_.ToString()); \
    }                                                                              \
  } while (false)

}  // namespace thermocline
