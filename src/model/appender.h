// Appender: the contract of everything that stores samples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/write_batch.h"

namespace thermocline {

enum class RejectReason : uint8_t {
  kOutOfOrder,   // older than the newest sample, out-of-order window off
  kTooOld,       // outside the out-of-order window
  kDuplicate,    // same timestamp, other value
  kOutOfBounds,  // before the head's lower border
  kTooFarInFuture
};
// Prometheus' text for the reason, e.g. "out of order sample".
std::string_view RejectReasonText(RejectReason reason);

struct RejectedSample {
  uint32_t series_index = 0;
  uint32_t sample_index = 0;  // into WriteBatch::samples
  RejectReason reason = RejectReason::kOutOfOrder;
  double existing = 0;  // of a kDuplicate: the value that stays, of a histogram its sum
  bool existing_is_histogram = false;
};

struct AppendSummary {
  uint64_t accepted_samples = 0;     // with exact duplicates (same timestamp and value), which are
                                     // accepted and not stored again
  uint64_t accepted_histograms = 0;  // of the accepted samples
  uint64_t created_series = 0;
  std::vector<RejectedSample> rejected;  // at most 1,000 are listed; rejected_count has all
  uint64_t rejected_count = 0;
  bool rolled_back = false;  // kWholeBatch and something was rejected: nothing was stored
};

class Appender {
 public:
  virtual ~Appender() = default;
  // Stores the acceptable samples of `batch` and returns once they are durable as configured.
  // Shape: series may repeat; timestamps in ms, any order; out-of-order samples must lie in the
  // window. Threads: safe to call concurrently. `batch` is borrowed for the call only. Errors:
  // InvalidArgument (bad label), ResourceExhausted (series limit), Unavailable (overload,
  // read-only, log closed to
  //   writes). On error readers see nothing of the batch.
  virtual Result<AppendSummary> Append(const WriteBatch& batch) = 0;
};

}  // namespace thermocline
