// Plans as trees of names.
#pragma once

#include <functional>

#include "promql/explain.h"
#include "promql/plan/plan.h"

namespace thermocline::promql {

// `record_of` (may be empty) finds what a node took.
using FindRecord = std::function<std::shared_ptr<const NodeRecord>(const PlanNode&)>;
ExplainedNode ExplainPlan(const PlanNode& plan, const FindRecord& record_of);

}  // namespace thermocline::promql
