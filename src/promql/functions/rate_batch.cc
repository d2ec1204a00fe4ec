#include "promql/functions/rate_batch.h"

namespace thermocline::promql {
namespace {

// Without branches, so that it is done several windows at a time.
template <bool kCounter, bool kPerSecond>
[[gnu::always_inline]] inline void Stretch(const RateBatch& batch, double* out) {
  for (size_t i = 0; i < batch.count; ++i) {
    const double sampled = batch.sampled_ms[i] / 1000;
    const double average = sampled / batch.gaps[i];
    const double threshold = average * 1.1;
    const double half = average / 2;
    const double change = batch.change[i];
    const double first = batch.first[i];
    double to_start = batch.to_start_ms[i] / 1000;
    double to_end = batch.to_end_ms[i] / 1000;
    to_start = to_start >= threshold ? half : to_start;
    if (kCounter) {
      // A counter cannot have been below zero.
      const double to_zero = sampled * (first / change);
      const double least = to_zero < to_start ? to_zero : to_start;
      const double of_rising = change > 0 ? least : to_start;
      to_start = first >= 0 ? of_rising : to_start;
    }
    to_end = to_end >= threshold ? half : to_end;
    const double stretched = (sampled + to_start + to_end) / sampled;
    double factor = sampled == 0 ? 1 : stretched;
    if (kPerSecond) factor /= batch.window_ms[i] / 1000;
    out[i] = change * factor;
  }
}

[[gnu::always_inline]] inline void StretchAll(RateKind kind, const RateBatch& batch, double* out) {
  switch (kind) {
    case RateKind::kRate: return Stretch<true, true>(batch, out);
    case RateKind::kIncrease: return Stretch<true, false>(batch, out);
    case RateKind::kDelta: return Stretch<false, false>(batch, out);
  }
}

// Not with fused multiply-add, which rounds once where Prometheus rounds twice.
#if defined(__x86_64__)
__attribute__((target("avx2"))) void StretchAvx2(RateKind kind, const RateBatch& batch,
                                                 double* out) {
  StretchAll(kind, batch, out);
}
#endif

}  // namespace

void ExtrapolateBatch(RateKind kind, const RateBatch& batch, double* out) {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2");
  if (wide) return StretchAvx2(kind, batch, out);
#endif
  StretchAll(kind, batch, out);
}

}  // namespace thermocline::promql
