#include "promql/test_script/reset_hints.h"

#include <utility>

#include "model/sample.h"

namespace thermocline::promql {
namespace {

constexpr int64_t kChunkRangeMs = 24 * kHourMs;  // of Prometheus' test storage

bool IsGauge(const FloatHistogram& h) { return h.reset_hint == CounterResetHint::kGauge; }

}  // namespace

bool ResetHints::Continues(TimestampMs t_ms, const FloatHistogram& h) const {
  if (last_ == nullptr || IsGauge(*last_) != IsGauge(h)) return false;
  if (t_ms / kChunkRangeMs != chunk_start_ms_ / kChunkRangeMs) return false;
  if (h.reset_hint == CounterResetHint::kReset) return false;
  if (IsStale(h.sum)) return true;
  if (IsStale(last_->sum) || h.schema != last_->schema ||
      h.zero_threshold != last_->zero_threshold || h.custom_bounds != last_->custom_bounds) {
    return false;
  }
  if (IsGauge(h)) return true;
  FloatHistogram unhinted = h;
  unhinted.reset_hint = CounterResetHint::kUnknown;
  return !DetectReset(unhinted, *last_);
}

CounterResetHint ResetHints::Next(TimestampMs t_ms, std::shared_ptr<const FloatHistogram> h) {
  const bool continues = Continues(t_ms, *h);
  if (!continues) chunk_start_ms_ = t_ms;
  last_ = std::move(h);
  if (IsStale(last_->sum)) return CounterResetHint::kUnknown;
  if (IsGauge(*last_)) return CounterResetHint::kGauge;
  return continues ? CounterResetHint::kNotReset : CounterResetHint::kUnknown;
}

}  // namespace thermocline::promql
