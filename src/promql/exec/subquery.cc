#include "promql/exec/subquery.h"

#include <fmt/core.h>

namespace thermocline::promql {
namespace {

constexpr size_t kStepsPerCheck = 256 * 1024;

}  // namespace

StepGrid SubqueryGrid(const PlanNode& node, const StepGrid& grid) {
  const TimestampMs first_start_ms = node.ReferenceMs(grid.At(0)) - node.range_ms;
  const TimestampMs last_ms = node.ReferenceMs(grid.last_ms());
  StepGrid inner;
  inner.step_ms = node.step_ms;
  inner.start_ms = FloorTo(first_start_ms, node.step_ms) + node.step_ms;
  inner.count = inner.start_ms > last_ms
                    ? 0
                    : static_cast<size_t>((last_ms - inner.start_ms) / inner.step_ms) + 1;
  inner.alone = inner.start_ms == last_ms;
  return inner;
}

Status CheckSubquerySteps(const PlanNode& plan, const StepGrid& grid, uint64_t max_steps) {
  if (max_steps == 0) return Status::Ok();
  StepGrid inner = grid;
  if (plan.kind == PlanKind::kOnce) inner.count = 1;
  if (plan.kind == PlanKind::kSubquery) {
    inner = SubqueryGrid(plan, grid);
    if (inner.count == 0) return Status::Ok();
    if (inner.count > max_steps) {
      return Status::InvalidArgument(
          fmt::format("subquery of {} steps exceeds the maximum of {} per series: use a larger "
                      "resolution, <range>:<resolution> (--query.max-subquery-points)",
                      inner.count, max_steps));
    }
  }
  for (const PlanPtr& child : plan.children) {
    RETURN_IF_ERROR(CheckSubquerySteps(*child, inner, max_steps));
  }
  return Status::Ok();
}

Status SubqueryOperator::Open() {
  inner_grid_ = SubqueryGrid(node_, grid_);
  if (inner_grid_.count == 0) return Status::Ok();
  RETURN_IF_ERROR(context_.CheckSteps(inner_grid_.count));
  // What operators of the inner grid keep per step whatever the series: windows, scalars.
  constexpr uint64_t kBytesPerStep = 64;
  RETURN_IF_ERROR(context_.ChargeBytes(inner_grid_.count * kBytesPerStep));
  charged_bytes_ = inner_grid_.count * kBytesPerStep;
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context_, *node_.children[0], inner_grid_));
  RETURN_IF_ERROR(source->Open());
  ASSIGN_OR_RETURN(Matrix matrix, Materialize(context_, *source, inner_grid_.count));
  inner_.emplace(std::move(matrix));
  return ForgetResets();
}

// A hint about a reset speaks of the sample directly before in storage, which need not be the one
// before on the grid.
Status SubqueryOperator::ForgetResets() {
  for (Matrix::Row& row : inner_->rows()) {
    if (row.histograms() == nullptr) continue;
    RETURN_IF_ERROR(context_.Check());
    for (size_t step = 0; step < inner_grid_.count; ++step) {
      const FloatHistogram* const histogram = row.histogram(step);
      if (histogram == nullptr || histogram->reset_hint == CounterResetHint::kUnknown ||
          histogram->reset_hint == CounterResetHint::kGauge) {
        continue;
      }
      auto unhinted = std::make_shared<FloatHistogram>(*histogram);
      unhinted->reset_hint = CounterResetHint::kUnknown;
      row.SetHistogram(step, std::move(unhinted));
    }
  }
  return Status::Ok();
}

Status SubqueryOperator::Read(size_t first, size_t count, RangeBatch* out) const {
  out->Clear();
  size_t work = 0;
  for (size_t i = 0; i < count; ++i) {
    work += inner_grid_.count;
    if (work >= kStepsPerCheck) {
      RETURN_IF_ERROR(context_.Check());
      work = 0;
    }
    const Matrix::Row& row = inner_->rows()[first + i];
    for (size_t step = 0; step < inner_grid_.count; ++step) {
      if (row.kinds[step] == StepKind::kFloat) {
        out->AddFloat(inner_grid_.At(step), row.values[step]);
      } else if (const FloatHistogram* const histogram = row.histogram(step)) {
        out->AddHistogram(inner_grid_.At(step), histogram);
      }
    }
    out->EndSeries();
  }
  return Status::Ok();
}

}  // namespace thermocline::promql
