#include "promql/plan/explain_plan.h"

#include <fmt/core.h>

#include "promql/printer.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

std::string_view KindName(PlanKind kind) {
  switch (kind) {
    case PlanKind::kNumber: return "number";
    case PlanKind::kString: return "string";
    case PlanKind::kSelector: return "selector";
    case PlanKind::kWindow: return "window";
    case PlanKind::kSubquery: return "subquery";
    case PlanKind::kNegate: return "negate";
    case PlanKind::kBinary: return "binary";
    case PlanKind::kAggregate: return "aggregate";
    case PlanKind::kCall: return "call";
    case PlanKind::kOnce: return "once";
    case PlanKind::kShared: return "shared";
  }
  return "";
}

std::string NameOf(const PlanNode& node) {
  switch (node.kind) {
    case PlanKind::kShared: return NameOf(*node.source);
    case PlanKind::kNumber: return FormatPlain(node.number);
    case PlanKind::kString: return Print(*node.expr);
    case PlanKind::kSelector:
    case PlanKind::kWindow: return PrintSelector(*node.expr, node.matchers);
    case PlanKind::kNegate: return "-";
    case PlanKind::kCall: return std::string(As<Call>(*node.expr).function->name);
    case PlanKind::kOnce: return "once";
    default: break;
  }
  std::string name = PrintOwnPart(*node.expr);
  if (name.ends_with(' ')) name.pop_back();
  return name;
}

std::vector<std::string> NotesOf(const PlanNode& node) {
  std::vector<std::string> notes;
  if (node.sorted) notes.emplace_back("lists series in label order");
  if (node.statistics) notes.emplace_back("histograms without buckets");
  const bool selector = node.kind == PlanKind::kSelector || node.kind == PlanKind::kWindow;
  if (node.uses > 0)
    notes.push_back(fmt::format("{} by {}", selector ? "listed" : "used", node.uses));
  if (node.kind == PlanKind::kShared) notes.emplace_back("answered by its last occurrence");
  return notes;
}

}  // namespace

ExplainedNode ExplainPlan(const PlanNode& plan, const FindRecord& record_of) {
  ExplainedNode explained;
  explained.kind = KindName(plan.kind);
  explained.name = NameOf(plan);
  explained.notes = NotesOf(plan);
  for (size_t i = 0; i < kRewrites; ++i) {
    const auto rewrite = static_cast<Rewrite>(i);
    if (plan.IsMarked(rewrite)) explained.rewrites.push_back(RewriteName(rewrite));
  }
  if (record_of) explained.record = record_of(plan);
  for (const PlanPtr& child : plan.children) {
    explained.children.push_back(ExplainPlan(*child, record_of));
  }
  return explained;
}

}  // namespace thermocline::promql
