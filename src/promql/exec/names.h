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

// What becomes of a float and a histogram of one time once their series are equal. The answer of a
// range query has both, that of an instant query the histogram; operators see the float.
JoinRule RuleOfMeetings(const QueryContext& context, const PlanNode& node);

// The end of a query: drops the names of marked rows and joins rows that are equal, as
// RuleOfMeetings has it for the answer.
Status DropMarkedNames(const QueryContext& context, Matrix& matrix);

}  // namespace thermocline::promql
