// Which nodes of a plan are the same.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "promql/plan/plan.h"

namespace thermocline::promql {

// Numbers the nodes of a plan. Two have the same number when they answer the same: equal in
// themselves and in their operands, and evaluated for the same steps. Borrows the plan, which must
// not change meanwhile.
class NodeNumbers {
 public:
  explicit NodeNumbers(const PlanNode& plan);

  uint32_t of(const PlanNode& node) const { return nodes_.at(&node); }
  // Of kSelector and kWindow: the same for nodes that ask the source for the same, whatever they
  // make of the samples and whatever it is selected for.
  uint32_t selection(const PlanNode& node) const { return selections_.at(&node); }

 private:
  // `steps`: the number of the steps that the node is evaluated for.
  uint32_t Number(const PlanNode& node, uint32_t steps);
  uint32_t Intern(std::string description);

  std::unordered_map<std::string, uint32_t> numbers_;
  std::unordered_map<const PlanNode*, uint32_t> nodes_;
  std::unordered_map<const PlanNode*, uint32_t> selections_;
};

}  // namespace thermocline::promql
