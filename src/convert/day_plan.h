// Which stretches of time a conversion writes one after another.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/queryable.h"

namespace thermocline {

// The UTC days of `data` within `range`, ascending, each cut to the time that may hold samples.
// `known` covers all samples; where it has no ends, or very many days, all samples are read once to
// find the days that have some.
Result<std::vector<TimeRange>> PlanDays(const Queryable& data, TimeRange known, TimeRange range);
// From the first of these days' times to the last; empty without days.
TimeRange Cover(const std::vector<TimeRange>& days);

// The UTC days of `piece` within `range`: where exemplars of its samples may lie.
TimeRange WholeDays(TimeRange piece, TimeRange range);

}  // namespace thermocline
