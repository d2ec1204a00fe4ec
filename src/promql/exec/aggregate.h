// Aggregations that need all samples of a step: topk, bottomk, limitk, limit_ratio, quantile,
// count_values.
#pragma once

#include <string>
#include <vector>

#include "promql/exec/fold.h"
#include "promql/exec/matrix.h"

namespace thermocline::promql {

Result<VectorPtr> BuildAggregate(QueryContext& context, const PlanNode& node, const StepGrid& grid);

// The rows of each group, in row order; groups in the order of their first row.
struct GroupedRows {
  std::vector<Labels> labels;
  std::vector<std::vector<uint32_t>> rows;
  std::vector<bool> drops_name;
};
Result<GroupedRows> GroupRows(const Matrix& matrix, const Grouping& grouping);

// topk, bottomk, limitk, limit_ratio: which samples stay. `parameter` holds a value per step.
// Removes the others from `matrix`; for an instant query of topk and bottomk also orders the rows.
// Errors: OutOfRange for parameters that are NaN or out of range.
Status KeepRanked(QueryContext& context, const PlanNode& node, const std::vector<double>& parameter,
                  const Grouping& grouping, Matrix* matrix);

// Where in [0, 1] limit_ratio places a label set: Prometheus' hash of it.
double RatioOffset(LabelsView labels);

}  // namespace thermocline::promql
