// sort, sort_desc, sort_by_label, sort_by_label_desc: the order of an instant query's result.
#pragma once

#include <string_view>

#include "promql/exec/matrix.h"

namespace thermocline::promql {

// A range query is ordered by labels whatever these functions do: a warning says so.
Result<VectorPtr> BuildSort(QueryContext& context, const PlanNode& call, const StepGrid& grid);

// Digits compare as numbers, everything else byte by byte: a2 before a10.
bool NaturalLess(std::string_view a, std::string_view b);

}  // namespace thermocline::promql
