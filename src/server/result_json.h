// Query results as the `data` of the API's envelope.
#pragma once

#include <string>

#include "promql/engine.h"

namespace thermocline {

// {"resultType":...,"result":...}. As in Prometheus, scalars and strings print their time with as
// few decimals as tell it, and scalars never use an exponent; vectors and matrices differ in both.
// `stats` is JSON to add as "stats", or empty.
std::string EncodeResult(const promql::QueryResult& result, std::string_view stats = {});

// The same in pieces: what stands before the first series, a series (a scalar has exactly one),
// and what stands after the last. Commas between series are the caller's.
void AppendResultBegin(promql::ResultKind kind, std::string* out);
void AppendResultSeries(promql::ResultKind kind, const promql::ResultSeries& series,
                        std::string* out);
void AppendResultEnd(const promql::QueryResult& result, std::string_view stats, std::string* out);

}  // namespace thermocline
