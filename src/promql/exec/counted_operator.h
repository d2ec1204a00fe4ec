// Operators that count what passes through them, for a query's statistics. Each is the operator
// itself when the query does not count, or the node is of no plan.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "promql/exec/operator.h"
#include "promql/exec/sample_tally.h"

namespace thermocline::promql {

// Which series were counted: an operator may be read again. Threads: safe once opened.
class SeenSeries {
 public:
  void Open(size_t series) { seen_ = std::make_unique<std::atomic<bool>[]>(series); }
  // Whether this is the first call for the series.
  bool IsNew(size_t series) const {
    return !seen_[series].exchange(true, std::memory_order_relaxed);
  }

 private:
  std::unique_ptr<std::atomic<bool>[]> seen_;
};

// Counts what `source` answers for `node`.
VectorPtr CountAnswer(const QueryContext& context, const PlanNode& node, const StepGrid& grid,
                      VectorPtr source);
// Counts series that `node` selects by itself.
VectorPtr CountSelected(const QueryContext& context, const PlanNode& node, const StepGrid& grid,
                        VectorPtr source);
// Counts what a function of windows answers to each series of the range vector `range`.
VectorPtr CountPerSeries(const QueryContext& context, const PlanNode& range, const StepGrid& grid,
                         VectorPtr source);
// Adds the windows that a node's samples are seen through to its tally. Threads: safe once opened.
class WindowScan {
 public:
  WindowScan(NodeTally* tally, const PlanNode& node, const StepGrid& grid)
      : tally_(tally), node_(node), grid_(grid) {}
  // `bounds`: the samples that each step sees.
  void Open(size_t series, std::vector<WindowBounds> bounds);
  // All the samples of the series from `first` on.
  void Count(const RangeBatch& batch, size_t first) const;
  const std::vector<WindowBounds>& bounds() const { return bounds_; }

 private:
  SeriesWindows CountSeries(const RangeBatch& batch, size_t i, StepCounts* counts) const;

  NodeTally* const tally_;
  const PlanNode& node_;
  StepGrid grid_;
  std::vector<WindowBounds> bounds_;
  StepTally::Part part_;
  SeenSeries seen_;
};
// Null when the query does not count, or the node is of no plan.
NodeTally* TallyOf(const QueryContext& context, const PlanNode& node);

// Counts the windows of a range vector.
RangePtr CountWindows(const QueryContext& context, const PlanNode& node, const StepGrid& grid,
                      RangePtr source);

}  // namespace thermocline::promql
