// Subqueries: an expression over a grid of its own, read as a range vector.
#pragma once

#include <optional>

#include "promql/exec/matrix.h"

namespace thermocline::promql {

// The grid of a kSubquery node under `grid`; `count` is 0 when no step falls into any window.
StepGrid SubqueryGrid(const PlanNode& node, const StepGrid& grid);

// InvalidArgument when a subquery of `plan` has more steps than `max_steps` (0 = unlimited).
Status CheckSubquerySteps(const PlanNode& plan, const StepGrid& grid, uint64_t max_steps);

// The inner grid holds multiples of the resolution on the absolute time axis and serves all steps
// (promql-semantics 1.4).
class SubqueryOperator : public RangeOperator {
 public:
  SubqueryOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid)
      : context_(context), node_(node), grid_(grid) {}
  ~SubqueryOperator() override { context_.ReleaseBytes(charged_bytes_); }
  Status Open() override;
  size_t series_count() const override { return inner_ ? inner_->rows().size() : 0; }
  Labels labels(size_t series) const override { return inner_->rows()[series].labels; }
  bool drops_name(size_t series) const override { return inner_->rows()[series].drops_name; }
  Status Read(size_t first, size_t count, RangeBatch* out) const override;
  WindowBounds Window(size_t step) const override {
    const TimestampMs end_ms = node_.ReferenceMs(grid_.At(step));
    return {end_ms - node_.range_ms, end_ms};
  }
  int64_t range_ms() const override { return node_.range_ms; }

 private:
  Status ForgetResets();

  QueryContext& context_;
  const PlanNode& node_;
  StepGrid grid_;
  StepGrid inner_grid_;
  uint64_t charged_bytes_ = 0;
  std::optional<Matrix> inner_;
};

}  // namespace thermocline::promql
