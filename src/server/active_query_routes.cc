// The queries that run: their list, and how one is ended.
#include <fmt/core.h>

#include "server/active_queries.h"
#include "server/reply.h"
#include "server/router.h"

namespace thermocline {
namespace {

Response List(const RouteCall& call) {
  return Success(R"({"queries":)" +
                 call.context.active_queries->ToJson(call.context.env.clock.SteadyNs()) + '}');
}

Response Cancel(const RouteCall& call) {
  if (!call.context.options.enable_admin_api) return AdminDisabled();
  const std::string_view text = call.parameters.Get("id");
  if (text.empty()) return Failure(400, "bad_data", "no id parameter: the query's in the list");
  const auto id = LimitParameter(call.parameters, "id");
  if (!id.ok()) return Failure(id.status(), false);
  if (!call.context.active_queries->Cancel(*id)) {
    return Failure(404, "not_found", fmt::format("no query with id {} runs", *id));
  }
  return Success(fmt::format(R"({{"id":{}}})", *id));
}

// In the lane of the others, which no query and no flush fills.
constexpr Route kRoutes[] = {
    {"/api/v1/status/active_queries", "GET", Lane::kOther, &List},
    {"/api/v1/admin/cancel_query", "POST PUT", Lane::kOther, &Cancel},
};

}  // namespace

std::span<const Route> ActiveQueryRoutes() { return kRoutes; }

}  // namespace thermocline
