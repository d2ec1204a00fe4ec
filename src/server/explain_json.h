// Explained plans as JSON.
#pragma once

#include <string>

#include "promql/explain.h"

namespace thermocline {

// The `data` of /api/v1/query_explain: {"query":...,"rewrites":[...],"plan":{...}}, and "analysis"
// when the query was analysed. A node is {"name":...,"kind":...}, then "notes", "rewrites",
// "analysis" and "children" where there are any. Times are seconds; the objects "head" and "cold"
// are those of stats.tiers.
std::string ExplanationJson(const promql::Explanation& explanation);

}  // namespace thermocline
