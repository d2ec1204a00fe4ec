// Expressions as texts and trees: nothing is evaluated.
#include "promql/engine.h"
#include "promql/parser.h"
#include "promql/prettier.h"
#include "server/reply.h"
#include "server/router.h"
#include "server/tree_json.h"
#include "wire/json.h"

namespace thermocline {
namespace {

// The parameter "query", read as the engine would read it.
Result<promql::ExprPtr> ParsedQuery(const RouteCall& call) {
  auto tree = promql::Parse(call.parameters.Get("query"),
                            promql::ParseOptionsOf(call.context.engine.options()));
  if (!tree.ok()) return InvalidParameter("query", tree.status().message());
  return tree;
}

Response FormatQuery(const RouteCall& call) {
  const auto tree = ParsedQuery(call);
  if (!tree.ok()) return Failure(tree.status(), false);
  std::string text;
  AppendJsonText(&text, promql::Prettify(**tree));
  return Success(std::move(text));
}

Response ParseQuery(const RouteCall& call) {
  const auto tree = ParsedQuery(call);
  if (!tree.ok()) return Failure(tree.status(), false);
  std::string json;
  AppendTree(**tree, &json);
  return Success(std::move(json));
}

constexpr Route kRoutes[] = {
    {"/api/v1/format_query", "GET POST", Lane::kOther, &FormatQuery},
    {"/api/v1/parse_query", "GET POST", Lane::kOther, &ParseQuery},
};

}  // namespace

std::span<const Route> ExpressionRoutes() { return kRoutes; }

}  // namespace thermocline
