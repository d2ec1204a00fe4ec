// How well a text matches a term, from 0 (not at all) to 1. The scores are Prometheus' to the bit.
#pragma once

#include <optional>
#include <string_view>

namespace thermocline {

// 1 at the start, less the later the first occurrence of `term` begins, at least 0.1; nullopt when
// there is none. An empty term scores 1.
// Source: Prometheus' web/api/v1/search_filters.go (SubstringFilter).
std::optional<double> SubstringScore(std::string_view term, std::string_view text);

// Whether the characters of `pattern` occur in `text` in order: long runs score, gaps cost. Greedy
// from each start, so not always the best way to place them. 0 when they do not occur, 1 only for
// equal texts.
// Source: Prometheus' util/strutil/subsequence.go.
double SubsequenceScore(std::string_view pattern, std::string_view text);

// The Jaro-Winkler similarity, prefix scale 0.1 and up to four characters of it. O(length²) time.
// Source: Prometheus' util/strutil/jarowinkler.go.
double JaroWinklerScore(std::string_view a, std::string_view b);

}  // namespace thermocline
