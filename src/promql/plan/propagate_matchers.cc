// Tells one operand of a binary operator what the other one's series are like: in
// `a{job="x"} / b` only series of b with that job can meet one of a.
//
// Left alone is everything that shows more of an operand than what meets a partner: filled-in
// values, `or`, the left side of `unless`, errors about duplicates (so the "one" side must be
// unique by itself), and annotations. Functions that annotate, or that refuse series which differ
// only in their name, look at all their series and are not narrowed.
#include <algorithm>

#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

using Matchers = std::vector<Matcher>;

// What is told of an operand at most: a longer list would cost more than it spares.
constexpr size_t kMostKnown = 16;

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Functions and operators that drop names drop these.
bool IsNameLabel(const std::string& name) {
  return name == kMetricNameLabel || name == "__type__" || name == "__unit__";
}

// Functions whose series have labels that the series of their argument had not.
bool ChangesLabels(Function function) {
  switch (function) {
    case Function::kAbsent:
    case Function::kAbsentOverTime:
    case Function::kHistogramFraction:
    case Function::kHistogramQuantile:
    case Function::kHistogramQuantiles:
    case Function::kInfo:
    case Function::kLabelJoin:
    case Function::kLabelReplace:
    case Function::kScalar:
    case Function::kVector: return true;
    default: return false;
  }
}

bool IsSeries(const PlanNode& node) {
  return node.type == ValueType::kVector || node.type == ValueType::kMatrix;
}

bool IsVectorPair(const PlanNode& node) {
  return node.kind == PlanKind::kBinary && IsSeries(*node.children[0]) &&
         IsSeries(*node.children[1]);
}

bool IsMatchLabel(const VectorMatching& matching, const std::string& name) {
  return Contains(matching.labels, name) == matching.on;
}

template <typename Test>
Matchers Keep(Matchers matchers, const Test& test) {
  std::erase_if(matchers, [&](const Matcher& matcher) { return !test(matcher.name()); });
  return matchers;
}

void Append(Matchers from, Matchers* to) {
  for (Matcher& matcher : from) {
    if (to->size() >= kMostKnown) return;
    if (std::find(to->begin(), to->end(), matcher) == to->end()) to->push_back(std::move(matcher));
  }
}

// What is known of the series of an aggregation, from what is known of its operand's.
Matchers KnownOfAggregate(const PlanNode& node, Matchers known) {
  const auto& aggregate = As<AggregateExpr>(*node.expr);
  switch (aggregate.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio: return known;
    default: break;
  }
  std::string added;  // a label that the operand has not
  if (aggregate.op == AggregateOp::kCountValues) {
    added = As<StringLiteral>(*node.children[1]->expr).value;
  }
  return Keep(std::move(known), [&](const std::string& name) {
    return name != added && Contains(aggregate.grouping, name) != aggregate.without;
  });
}

Matchers KnownOfPair(const BinaryExpr& binary, Matchers left, Matchers right) {
  const VectorMatching& matching = binary.matching;
  if (binary.op == BinaryOp::kOr || matching.fill_left || matching.fill_right) return {};
  if (binary.op == BinaryOp::kUnless) return left;
  const auto is_match = [&](const std::string& name) { return IsMatchLabel(matching, name); };
  const bool one_is_left = matching.card == Cardinality::kOneToMany;
  Matchers known = std::move(one_is_left ? right : left);
  Append(Keep(std::move(one_is_left ? left : right), is_match), &known);
  // One-to-one operations answer the match labels alone; others may overwrite some.
  if (matching.card == Cardinality::kOneToOne) return Keep(std::move(known), is_match);
  return Keep(std::move(known),
              [&](const std::string& name) { return !Contains(matching.include, name); });
}

bool PinsName(const PlanNode& selector) {
  return std::any_of(selector.matchers.begin(), selector.matchers.end(), [](const Matcher& m) {
    return m.name() == kMetricNameLabel && m.type() == MatchType::kEqual && !m.value().empty();
  });
}

// Whether no two samples of a step can have the same match labels.
bool IsUnique(const PlanNode& node, const VectorMatching& matching) {
  if (node.kind == PlanKind::kOnce) return IsUnique(*node.children[0], matching);
  if (node.kind == PlanKind::kSelector) {
    return !matching.on && matching.labels.empty() && PinsName(node);
  }
  if (node.kind != PlanKind::kAggregate) return false;
  const auto& aggregate = As<AggregateExpr>(*node.expr);
  if (HasParameter(aggregate.op) || aggregate.without) return false;
  return std::all_of(
      aggregate.grouping.begin(), aggregate.grouping.end(), [&](const std::string& name) {
        return IsMatchLabel(matching, name) && (matching.on || name != kMetricNameLabel);
      });
}

// Adds `matcher` where it takes nothing from `node` but series that do not pass it.
void Narrow(PlanNode& node, const Matcher& matcher) {
  if (node.kind == PlanKind::kOnce) return Narrow(*node.children[0], matcher);
  if (node.kind == PlanKind::kSelector) {
    // A smoothed one annotates what it interpolates.
    if (As<VectorSelector>(*node.expr).extension == Extension::kSmoothed) return;
    if (std::find(node.matchers.begin(), node.matchers.end(), matcher) != node.matchers.end()) {
      return;
    }
    node.matchers.push_back(matcher);
    node.Mark(Rewrite::kPropagateMatchers);
    return;
  }
  if (node.kind != PlanKind::kAggregate) return;
  const auto& aggregate = As<AggregateExpr>(*node.expr);
  // These count histograms as they count floats; others have something to say about them.
  if (aggregate.op != AggregateOp::kCount && aggregate.op != AggregateOp::kGroup) return;
  if (Contains(aggregate.grouping, matcher.name()) != aggregate.without) {
    Narrow(*node.children[0], matcher);
  }
}

void NarrowPair(PlanNode& node, const Matchers& known_left, const Matchers& known_right) {
  const auto& binary = As<BinaryExpr>(*node.expr);
  const VectorMatching& matching = binary.matching;
  if (binary.op == BinaryOp::kOr || matching.fill_left || matching.fill_right) return;
  PlanNode& left = *node.children[0];
  PlanNode& right = *node.children[1];
  if (!IsSetOperator(binary.op)) {
    const bool one_is_left = matching.card == Cardinality::kOneToMany;
    if (!IsUnique(one_is_left ? left : right, matching)) return;
  }
  for (const Matcher& matcher : known_left) {
    if (IsMatchLabel(matching, matcher.name())) Narrow(right, matcher);
  }
  if (binary.op == BinaryOp::kUnless) return;
  for (const Matcher& matcher : known_right) {
    if (IsMatchLabel(matching, matcher.name())) Narrow(left, matcher);
  }
}

// Answers matchers that every series of `node` passes, whatever the data; not on name labels.
Matchers Visit(PlanNode& node) {
  if (node.kind == PlanKind::kSelector || node.kind == PlanKind::kWindow) {
    Matchers known;
    Append(Keep(node.matchers, [](const std::string& name) { return !IsNameLabel(name); }), &known);
    return known;
  }
  std::vector<Matchers> known;  // of the operands that are series
  for (const PlanPtr& child : node.children) {
    Matchers one = Visit(*child);
    if (IsSeries(*child)) known.push_back(std::move(one));
  }
  if (known.empty()) return {};
  if (IsVectorPair(node)) {
    NarrowPair(node, known[0], known[1]);
    return KnownOfPair(As<BinaryExpr>(*node.expr), std::move(known[0]), std::move(known[1]));
  }
  if (node.kind == PlanKind::kAggregate) return KnownOfAggregate(node, std::move(known[0]));
  if (node.kind == PlanKind::kCall && ChangesLabels(As<Call>(*node.expr).function->function)) {
    return {};
  }
  return std::move(known[0]);
}

}  // namespace

void PropagateMatchers(PlanNode& plan) { Visit(plan); }

}  // namespace thermocline::promql
