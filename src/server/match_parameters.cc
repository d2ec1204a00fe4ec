#include "server/match_parameters.h"

#include <algorithm>

#include "promql/parser.h"

namespace thermocline {

Result<std::vector<std::vector<Matcher>>> MatcherSetsOf(const Parameters& parameters) {
  std::vector<std::vector<Matcher>> sets;
  for (const std::string_view text : parameters.GetAll("match[]")) {
    ASSIGN_OR_RETURN(sets.emplace_back(), promql::ParseMetricSelector(text));
  }
  for (const std::vector<Matcher>& matchers : sets) {
    if (std::ranges::all_of(matchers, &Matcher::MatchesEmpty)) {
      return Status::InvalidArgument("match[] must contain at least one non-empty matcher");
    }
  }
  return sets;
}

}  // namespace thermocline
