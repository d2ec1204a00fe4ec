// What can be read off a regular expression without running it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thermocline {

// The finite set of strings that `pattern` (valid, anchored) matches, ascending and distinct:
// literals, groups, alternations, small character classes and `?`. nullopt when it has anything
// else in it or the set is larger than 256.
std::optional<std::vector<std::string>> ExpandLiterals(std::string_view pattern);

// Text that every match of `pattern` (valid, anchored) starts with; "" when none is evident.
std::string LiteralPrefix(std::string_view pattern);

}  // namespace thermocline
