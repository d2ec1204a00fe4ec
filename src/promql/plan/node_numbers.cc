#include "promql/plan/node_numbers.h"

#include <algorithm>
#include <bit>

namespace thermocline::promql {
namespace {

// What nodes are told apart by: fields one after another, texts with their length before them.
class Description {
 public:
  explicit Description(char what) : text_(1, what) {}
  Description& Add(int64_t number) {
    text_ += std::to_string(number);
    text_ += ' ';
    return *this;
  }
  Description& Add(std::string_view text) {
    Add(static_cast<int64_t>(text.size()));
    text_ += text;
    return *this;
  }
  Description& AddBits(double number) {
    return Add(static_cast<int64_t>(std::bit_cast<uint64_t>(number)));
  }
  // In which order labels are listed means nothing.
  Description& AddSet(std::vector<std::string> labels) {
    std::sort(labels.begin(), labels.end());
    Add(static_cast<int64_t>(labels.size()));
    for (const std::string& label : labels) Add(label);
    return *this;
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

void AddTimes(const PlanNode& node, Description* out) {
  out->Add(node.at_ms ? 1 : 0).Add(node.at_ms.value_or(0)).Add(node.offset_ms);
  out->Add(node.range_ms).Add(node.step_ms);
}

Extension ExtensionOf(const PlanNode& node) {
  return node.kind == PlanKind::kWindow ? As<MatrixSelector>(*node.expr).vector().extension
                                        : As<VectorSelector>(*node.expr).extension;
}

void AddSelection(const PlanNode& node, Description* out) {
  AddTimes(node, out);
  out->Add(static_cast<int64_t>(node.kind)).Add(static_cast<int64_t>(ExtensionOf(node)));
  out->Add(node.sorted ? 1 : 0).Add(static_cast<int64_t>(node.matchers.size()));
  for (const Matcher& matcher : node.matchers) {
    out->Add(static_cast<int64_t>(matcher.type())).Add(matcher.name()).Add(matcher.value());
  }
}

void AddBinary(const BinaryExpr& binary, Description* out) {
  const VectorMatching& matching = binary.matching;
  out->Add(static_cast<int64_t>(binary.op)).Add(binary.return_bool ? 1 : 0);
  out->Add(static_cast<int64_t>(matching.card)).Add(matching.on ? 1 : 0);
  out->AddSet(matching.labels).AddSet(matching.include);
  for (const std::optional<double>& fill : {matching.fill_left, matching.fill_right}) {
    out->Add(fill ? 1 : 0).AddBits(fill.value_or(0));
  }
}

void AddOwnPart(const PlanNode& node, Description* out) {
  out->Add(static_cast<int64_t>(node.kind));
  switch (node.kind) {
    case PlanKind::kNumber: out->AddBits(node.number); break;
    case PlanKind::kString: out->Add(As<StringLiteral>(*node.expr).value); break;
    case PlanKind::kSelector:
    case PlanKind::kWindow:
      AddSelection(node, out);
      out->Add(node.statistics ? 1 : 0).Add(node.function);
      break;
    case PlanKind::kSubquery: AddTimes(node, out); break;
    case PlanKind::kBinary: AddBinary(As<BinaryExpr>(*node.expr), out); break;
    case PlanKind::kAggregate: {
      const auto& aggregate = As<AggregateExpr>(*node.expr);
      out->Add(static_cast<int64_t>(aggregate.op)).Add(aggregate.without ? 1 : 0);
      out->AddSet(aggregate.grouping);
      break;
    }
    case PlanKind::kCall:
      out->Add(static_cast<int64_t>(As<Call>(*node.expr).function->function));
      break;
    case PlanKind::kNegate:
    case PlanKind::kOnce:
    case PlanKind::kShared: break;
  }
}

}  // namespace

NodeNumbers::NodeNumbers(const PlanNode& plan) { Number(plan, 0); }

uint32_t NodeNumbers::Intern(std::string description) {
  return numbers_.try_emplace(std::move(description), static_cast<uint32_t>(numbers_.size() + 1))
      .first->second;
}

uint32_t NodeNumbers::Number(const PlanNode& node, uint32_t steps) {
  if (node.kind == PlanKind::kShared) {
    // It answers what its source does, and for the same steps.
    return nodes_[&node] = Intern(Description('s').Add(node.source->order).Take());
  }
  uint32_t inner_steps = steps;
  if (node.kind == PlanKind::kOnce) inner_steps = Intern(Description('o').Add(steps).Take());
  if (node.kind == PlanKind::kSubquery) {
    Description inner('q');
    inner.Add(steps);
    AddTimes(node, &inner);
    inner_steps = Intern(inner.Take());
  }
  Description whole('n');
  whole.Add(steps);
  AddOwnPart(node, &whole);
  for (const PlanPtr& child : node.children) whole.Add(Number(*child, inner_steps));
  if (node.kind == PlanKind::kSelector || node.kind == PlanKind::kWindow) {
    Description selection('l');
    selection.Add(steps);
    AddSelection(node, &selection);
    selections_[&node] = Intern(selection.Take());
  }
  return nodes_[&node] = Intern(whole.Take());
}

}  // namespace thermocline::promql
