// What a request other than a query may use.
#pragma once

#include <functional>

#include "model/queryable.h"
#include "server/router.h"

namespace thermocline {

// The deadline, the memory and the stop token of a request, as for a query. `excused_ns` (may be
// empty): time that the deadline does not count, from the first of it on. Borrows from `call`.
inline QueryBudget BudgetOf(const RouteCall& call, std::function<int64_t()> excused_ns = {}) {
  const Clock* clock = &call.context.env.clock;
  return QueryBudget(
      call.request.stop, clock->SteadyNs() + call.context.options.query_timeout_ms * 1'000'000,
      [clock, excused_ns = std::move(excused_ns)] {
        return clock->SteadyNs() - (excused_ns ? excused_ns() : 0);
      },
      call.context.options.query_memory_bytes, call.context.all_queries);
}

}  // namespace thermocline
