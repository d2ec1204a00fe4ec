// Admin endpoints: off unless --web.enable-admin-api.
#include <fmt/core.h>

#include "server/reply.h"
#include "server/router.h"

namespace thermocline {
namespace {

Response Flush(const RouteCall& call) {
  if (!call.context.options.enable_admin_api) return AdminDisabled();
  auto summary = call.context.admin.FlushAll();
  if (!summary.ok()) return Failure(summary.status(), false);
  return Success(fmt::format(R"({{"blocks":{},"series":{},"samples":{},"bytes":{}}})",
                             summary->blocks, summary->series, summary->samples, summary->bytes));
}

constexpr Route kRoutes[] = {
    {"/api/v1/admin/tsdb/flush", "POST PUT", Lane::kAdmin, &Flush},
};

}  // namespace

std::span<const Route> AdminRoutes() { return kRoutes; }

}  // namespace thermocline
