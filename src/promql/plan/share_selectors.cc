// Selectors that ask the source for the same ask once and read from one list of series.
#include <unordered_map>

#include "promql/plan/node_numbers.h"

namespace thermocline::promql {
namespace {

class Sharing {
 public:
  explicit Sharing(const PlanNode& plan) : numbers_(plan) {}

  void Visit(PlanNode& node) {
    if (node.kind == PlanKind::kSelector || node.kind == PlanKind::kWindow) return Join(node);
    const bool info =
        node.kind == PlanKind::kCall && As<Call>(*node.expr).function->function == Function::kInfo;
    for (const PlanPtr& child : node.children) {
      Visit(*child);
      // The second argument of info() only lends its matchers.
      if (info) return;
    }
  }

 private:
  void Join(PlanNode& node) {
    const auto [found, first] = leaders_.try_emplace(numbers_.selection(node), &node);
    if (first) return;
    PlanNode& leader = *found->second;
    leader.uses += leader.uses == 0 ? 2 : 1;
    // The source is told what it is selected for only when that is one thing.
    if (leader.function != node.function) leader.function = {};
    node.source = &leader;
    node.Mark(Rewrite::kShareSelectors);
  }

  NodeNumbers numbers_;
  std::unordered_map<uint32_t, PlanNode*> leaders_;
};

}  // namespace

void ShareSelectors(PlanNode& plan) { Sharing(plan).Visit(plan); }

}  // namespace thermocline::promql
