// Operators: what a plan becomes to be executed. A tree of operators is built for one step grid.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/queryable.h"
#include "promql/exec/context.h"
#include "promql/exec/range_batch.h"
#include "promql/exec/step_block.h"
#include "promql/plan/plan.h"

namespace thermocline::promql {

// Answers an instant vector at every step of its grid, for any run of its series.
class VectorOperator {
 public:
  virtual ~VectorOperator() = default;
  // Fixes the list of series and does what needs all of them; called once, before anything else,
  // never concurrently.
  virtual Status Open() = 0;
  // Series in the operator's own order; some may turn out to have no value at all.
  virtual size_t series_count() const = 0;
  virtual Labels labels(size_t series) const = 0;
  // The name is to go at the end of the query (delayed name removal).
  virtual bool drops_name(size_t series) const {
    (void)series;
    return false;
  }
  // Replaces `out` with `count` rows from series `first` on. Threads: safe.
  virtual Status Read(size_t first, size_t count, StepBlock* out) const = 0;
};
using VectorPtr = std::unique_ptr<VectorOperator>;

// (start_ms, end_ms]
struct WindowBounds {
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
};

// Answers a range vector: series with samples, and the window of each step.
class RangeOperator {
 public:
  virtual ~RangeOperator() = default;
  virtual Status Open() = 0;
  virtual size_t series_count() const = 0;
  virtual Labels labels(size_t series) const = 0;
  virtual bool drops_name(size_t series) const {
    (void)series;
    return false;
  }
  // Replaces `out` with the samples of `count` series that any window needs, stale markers left
  // out. Threads: safe.
  virtual Status Read(size_t first, size_t count, RangeBatch* out) const = 0;
  virtual WindowBounds Window(size_t step) const = 0;
  // anchored and smoothed windows see samples beyond their bounds.
  virtual Extension extension() const { return Extension::kNone; }
  // The samples that belong to the step: the window, or with an extension more.
  virtual WindowBounds SampleWindow(size_t step) const { return Window(step); }
  virtual int64_t range_ms() const = 0;
  // How many series to read at once so that their samples stay in a cache.
  virtual size_t read_run() const { return kMorselSeries; }
};
using RangePtr = std::unique_ptr<RangeOperator>;

// The operator of a plan node of type vector. Errors: Unimplemented for a function that the engine
// does not know.
Result<VectorPtr> BuildVector(QueryContext& context, const PlanNode& node, const StepGrid& grid);
// The operator of a kWindow or kSubquery node.
Result<RangePtr> BuildRange(QueryContext& context, const PlanNode& node, const StepGrid& grid);
// A scalar's value at every step; evaluates what it depends on.
Result<std::vector<double>> EvaluateScalar(QueryContext& context, const PlanNode& node,
                                           const StepGrid& grid);

}  // namespace thermocline::promql
