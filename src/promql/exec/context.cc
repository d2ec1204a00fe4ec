#include "promql/exec/context.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "promql/exec/analysis.h"
#include "promql/exec/shared.h"
#include "promql/exec/step_block.h"

namespace thermocline::promql {
namespace {

// Prometheus' words, then what the limit is.
Status TooManySamples(uint64_t most) {
  return Status::ResourceExhausted(
      "query processing would load too many samples into memory in query execution: more than " +
      std::to_string(most) + " at once (--query.max-samples)");
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

NodeRecord* QueryContext::RecordOf(const PlanNode& node) const {
  return analysis_ == nullptr ? nullptr : analysis_->Find(node);
}

SharedTable& QueryContext::shared() {
  if (shared_ == nullptr) shared_ = std::make_shared<SharedTable>();
  return *shared_;
}

Status QueryContext::ChargeBytes(uint64_t bytes) {
  return query_.budget == nullptr ? Status::Ok() : query_.budget->Charge(bytes);
}

void QueryContext::ReleaseBytes(uint64_t bytes) {
  if (query_.budget != nullptr) query_.budget->Release(bytes);
}

Status QueryContext::CheckSteps(uint64_t steps) const {
  return steps > engine_.max_samples ? TooManySamples(engine_.max_samples) : Status::Ok();
}

Status QueryContext::HoldSamples(uint64_t samples) {
  const uint64_t now = held_.fetch_add(samples, std::memory_order_relaxed) + samples;
  if (now > engine_.max_samples) {
    ReleaseSamples(samples);
    return TooManySamples(engine_.max_samples);
  }
  uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (peak < now && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return Status::Ok();
}

size_t MorselWindow(const QueryContext& context) {
  return static_cast<size_t>(std::max(1, context.executor().parallelism())) * 2;
}

Status ForEachMorsel(QueryContext& context, size_t series, size_t steps,
                     const std::function<Status(MorselRange, size_t slot)>& work,
                     const std::function<Status(MorselRange, size_t slot)>& merge, size_t rows) {
  const size_t window = MorselWindow(context);
  if (rows == 0) rows = MorselSeries(steps);
  const size_t morsels = (series + rows - 1) / rows;
  const auto range = [&](size_t morsel) {
    const size_t first = morsel * rows;
    return MorselRange{first, std::min(rows, series - first)};
  };
  std::vector<uint64_t> charged(window, 0);
  Status status;
  for (size_t begin = 0; begin < morsels && status.ok(); begin += window) {
    const size_t wave = std::min(window, morsels - begin);
    const auto run = [&](size_t slot) {
      RETURN_IF_ERROR(context.Check());
      const uint64_t bytes = range(begin + slot).count * steps * StepBlock::kBytesPerStep;
      RETURN_IF_ERROR(context.ChargeBytes(bytes));
      charged[slot] = bytes;
      return work(range(begin + slot), slot);
    };
    status = wave == 1 ? run(0) : ParallelFor(context.executor(), wave, run);
    for (size_t slot = 0; slot < wave; ++slot) {
      if (status.ok()) status = merge(range(begin + slot), slot);
      context.ReleaseBytes(std::exchange(charged[slot], 0));
    }
  }
  return status;
}

}  // namespace thermocline::promql
