// The wall to Arrow and Parquet: what they throw or return becomes our Status here and nowhere
// else.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace thermocline::columnar {

// Runs `work` (returning Status). What it throws becomes `code` with `what` and the exception's
// text.
template <typename Work>
Status AtWall(Code code, std::string_view what, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::exception& error) {
    return Status(code, std::string(what) + ": " + error.what());
  }
}

inline Status FromArrow(Code code, std::string_view what, const ::arrow::Status& status) {
  if (status.ok()) return Status::Ok();
  return Status(code, std::string(what) + ": " + status.message());
}

}  // namespace thermocline::columnar
