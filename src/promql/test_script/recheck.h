// The further queries by which promqltest checks an instant case again.
// Source: Prometheus' promql/promqltest/test.go, atModifierTestCases and runInstantQuery.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "promql/engine.h"

namespace thermocline::promql {

struct PinnedQuery {
  std::string query;  // its selectors have @ at the case's time
  TimestampMs at_ms = 0;
};

// `query`, pinned to `at_ms`, at five other times, where it must answer the same. None when it has
// a function whose result varies with the time of the query all the same, or does not parse.
std::vector<PinnedQuery> PinQuery(std::string_view query, TimestampMs at_ms);

// Whether a call of start(), end(), range() or step() makes a range query another question.
bool AsksForItsTimes(std::string_view query);

// The step at `at_ms` of a range query's answer, as the answer to an instant query of `kind`.
QueryResult StepOf(const QueryResult& range, ResultKind kind, TimestampMs at_ms);

}  // namespace thermocline::promql
