#include "model/appender.h"

namespace thermocline {

std::string_view RejectReasonText(RejectReason reason) {
  switch (reason) {
    case RejectReason::kOutOfOrder: return "out of order sample";
    case RejectReason::kTooOld: return "too old sample";
    case RejectReason::kDuplicate: return "duplicate sample for timestamp";
    case RejectReason::kOutOfBounds: return "out of bounds";
    case RejectReason::kTooFarInFuture: return "out of bounds: timestamp is too far in the future";
  }
  return "rejected sample";
}

}  // namespace thermocline
