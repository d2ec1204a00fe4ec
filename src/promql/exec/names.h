// Who keeps the metric name, and when it goes (promql-semantics 1.7).
#pragma once

#include <memory>
#include <vector>

#include "promql/exec/matrix.h"

namespace thermocline::promql {

// `labels` without __name__, __type__ and __unit__.
Labels WithoutName(LabelsView labels);

// kNameAlone leaves __type__ and __unit__ when names are dropped at once.
enum class NameLabels { kAll, kNameAlone };

// The same answer with names dropped: at once, joining rows that become equal by `rule`; or, with
// delayed name removal, by marking them.
VectorPtr DropNames(QueryContext& context, VectorPtr source, const StepGrid& grid, JoinRule rule,
                    NameLabels which = NameLabels::kAll);

// The end of a query: drops the names of marked rows and joins rows that become equal.
Status DropMarkedNames(Matrix& matrix);

}  // namespace thermocline::promql
