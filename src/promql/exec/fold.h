// Aggregations that fold: sum, avg, count, min, max, group, stddev, stdvar. Series stream through;
// what is kept is one accumulator per group and step.
#pragma once

#include "promql/exec/operator.h"

namespace thermocline::promql {

bool IsFold(AggregateOp op);
Result<VectorPtr> BuildFold(QueryContext& context, const PlanNode& node, const StepGrid& grid);

// The info about histograms that `op` leaves out.
std::string IgnoredHistogramText(AggregateOp op);

// Which label sets fall into one group.
class Grouping {
 public:
  Grouping() = default;
  explicit Grouping(const AggregateExpr& aggregate);
  // Everything is one group without labels.
  bool single() const { return !without_ && names_.empty(); }
  // Replaces `packed` with the group's labels in packed form.
  void Key(LabelsView labels, std::string* packed) const;

 private:
  bool without_ = false;
  std::vector<std::string> names_;  // sorted, distinct
};

}  // namespace thermocline::promql
