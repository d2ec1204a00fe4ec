// What the search endpoints are asked.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/matcher.h"
#include "search/name_search.h"
#include "wire/parameters.h"

namespace thermocline {

inline constexpr std::string_view kFuzzAlgorithms[] = {"subsequence", "jarowinkler"};

struct SearchQuery {
  std::vector<std::vector<Matcher>> matcher_sets;
  TimeRange range;
  NameFilterOptions filter;
  NameOrder order = NameOrder::kAscending;
  bool include_score = false;
  uint64_t limit = 100;
  uint64_t batch_size = 100;
};

// Parameters are checked in Prometheus' order. `endpoint` is the last part of the path; `max_limit`
// 0 is none. InvalidArgument with Prometheus' texts.
// Source: Prometheus' web/api/v1/search.go.
Result<SearchQuery> ParseSearch(const Parameters& parameters, std::string_view endpoint,
                                TimestampMs now_ms, uint64_t max_limit);

}  // namespace thermocline
