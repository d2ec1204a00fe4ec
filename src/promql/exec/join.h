// Binary operators between two instant vectors.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "promql/exec/matrix.h"

namespace thermocline::promql {

// Arithmetic and comparisons, matched one-to-one or many-to-one.
Result<VectorPtr> BuildJoin(QueryContext& context, const PlanNode& node, const StepGrid& grid);
// and, or, unless.
Result<VectorPtr> BuildSetOperator(QueryContext& context, const PlanNode& node,
                                   const StepGrid& grid);

// Numbers the label sets that samples are matched by; both operands share the numbers.
class MatchTable {
 public:
  explicit MatchTable(const VectorMatching& matching);
  // The number of each row's match labels. Errors: what the query's check says.
  Result<std::vector<uint32_t>> Assign(const Matrix& matrix);
  size_t size() const { return labels_.size(); }
  // The match labels themselves: those listed after `on`, else all but the ignored and the name.
  const Labels& labels(uint32_t match) const { return labels_[match]; }

 private:
  bool on_;
  std::vector<std::string> names_;  // sorted
  std::unordered_map<std::string, uint32_t> ids_;
  std::vector<Labels> labels_;
};

}  // namespace thermocline::promql
