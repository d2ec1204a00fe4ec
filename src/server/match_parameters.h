// The selectors of a request's match[] parameters.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/matcher.h"
#include "wire/parameters.h"

namespace thermocline {

// One set of matchers for each match[]. InvalidArgument with the parser's text, or when a selector
// would select every series. Errors do not name the parameter: upstream only /series does.
Result<std::vector<std::vector<Matcher>>> MatcherSetsOf(const Parameters& parameters);

}  // namespace thermocline
