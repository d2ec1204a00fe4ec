#include "promql/exec/context.h"

#include <algorithm>

namespace thermocline::promql {
namespace {

Status TooManySamples() {
  return Status::ResourceExhausted(
      "query processing would load too many samples into memory in query execution");
}

}  // namespace

Status QueryContext::Check() const {
  if (query_.budget == nullptr) return Status::Ok();
  Status status = query_.budget->Check();
  if (status.code() == Code::kCancelled) {
    return Status::Cancelled("query was canceled in expression evaluation");
  }
  if (status.code() == Code::kDeadlineExceeded) {
    return Status::DeadlineExceeded("query timed out in expression evaluation");
  }
  return status;
}

Status QueryContext::ChargeBytes(uint64_t bytes) {
  return query_.budget == nullptr ? Status::Ok() : query_.budget->Charge(bytes);
}

void QueryContext::ReleaseBytes(uint64_t bytes) {
  if (query_.budget != nullptr) query_.budget->Release(bytes);
}

Status QueryContext::CheckSteps(uint64_t steps) const {
  return steps > engine_.max_samples ? TooManySamples() : Status::Ok();
}

Status QueryContext::HoldSamples(uint64_t samples) {
  const uint64_t now = held_.fetch_add(samples, std::memory_order_relaxed) + samples;
  if (now > engine_.max_samples) {
    ReleaseSamples(samples);
    return TooManySamples();
  }
  uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (peak < now && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return Status::Ok();
}

size_t MorselWindow(const QueryContext& context) {
  return static_cast<size_t>(std::max(1, context.executor().parallelism())) * 2;
}

Status ForEachMorsel(QueryContext& context, size_t series,
                     const std::function<Status(MorselRange, size_t slot)>& work,
                     const std::function<Status(MorselRange, size_t slot)>& merge) {
  const size_t window = MorselWindow(context);
  const size_t morsels = (series + kMorselSeries - 1) / kMorselSeries;
  const auto range = [&](size_t morsel) {
    const size_t first = morsel * kMorselSeries;
    return MorselRange{first, std::min(kMorselSeries, series - first)};
  };
  for (size_t begin = 0; begin < morsels; begin += window) {
    const size_t wave = std::min(window, morsels - begin);
    const auto run = [&](size_t slot) {
      RETURN_IF_ERROR(context.Check());
      return work(range(begin + slot), slot);
    };
    if (wave == 1) {
      RETURN_IF_ERROR(run(0));
    } else {
      RETURN_IF_ERROR(ParallelFor(context.executor(), wave, run));
    }
    for (size_t slot = 0; slot < wave; ++slot) RETURN_IF_ERROR(merge(range(begin + slot), slot));
  }
  return Status::Ok();
}

}  // namespace thermocline::promql
