#include "promql/exec/tiling.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "promql/exec/fold.h"
#include "promql/exec/histogram_functions.h"
#include "promql/exec/names.h"
#include "promql/exec/selector.h"
#include "promql/exec/subquery.h"

namespace thermocline::promql {
namespace {

bool IsCallOf(const PlanNode& node, std::initializer_list<Function> functions) {
  return node.kind == PlanKind::kCall &&
         std::count(functions.begin(), functions.end(), As<Call>(*node.expr).function->function);
}
bool IsRelabel(const PlanNode& node) {
  return IsCallOf(node, {Function::kLabelReplace, Function::kLabelJoin});
}
bool IsJoin(const PlanNode& node) {
  return node.kind == PlanKind::kBinary && node.children[0]->type == ValueType::kVector &&
         node.children[1]->type == ValueType::kVector;
}
bool IsOr(const PlanNode& node) {
  return IsJoin(node) && As<BinaryExpr>(*node.expr).op == BinaryOp::kOr;
}
bool IsFoldNode(const PlanNode& node) {
  return node.kind == PlanKind::kAggregate && IsFold(As<AggregateExpr>(*node.expr).op);
}

// Whether the operator of `node` holds its series, or what it makes of them, for all steps.
bool Holds(const PlanNode& node) {
  switch (node.kind) {
    case PlanKind::kSubquery: return true;
    case PlanKind::kBinary: return IsJoin(node);
    case PlanKind::kAggregate: return !IsFoldNode(node);
    case PlanKind::kCall:
      return IsRelabel(node) || IsHistogramFunction(As<Call>(*node.expr).function->function);
    default: return false;
  }
}

template <typename Test>
bool AnyNode(const PlanNode& node, const Test& test) {
  return test(node) || std::any_of(node.children.begin(), node.children.end(),
                                   [&](const PlanPtr& child) { return AnyNode(*child, test); });
}

// Some answers depend on what is there at other steps: parameters that change (their warnings show
// the largest), info(), the warning of sorts, and series that become equal in a subquery.
bool DependsOnOtherSteps(const PlanNode& node) {
  if (IsCallOf(node, {Function::kInfo, Function::kSort, Function::kSortDesc, Function::kSortByLabel,
                      Function::kSortByLabelDesc})) {
    return true;
  }
  if (node.kind == PlanKind::kAggregate && node.children.size() > 1) {
    const PlanKind parameter = node.children[1]->kind;
    return parameter != PlanKind::kNumber && parameter != PlanKind::kString &&
           parameter != PlanKind::kOnce;
  }
  return node.kind == PlanKind::kSubquery &&
         AnyNode(node, [](const PlanNode& n) { return IsOr(n) || IsRelabel(n); });
}

// Estimates what a plan holds per step of the query, from what its selectors list.
class Estimate {
 public:
  Estimate(QueryContext& context, const StepGrid& grid) : context_(context), grid_(grid) {}

  // Values held per step.
  Result<double> PerStep(const PlanNode& plan, bool count_groups) {
    count_groups_ = count_groups;
    held_ = 0;
    RETURN_IF_ERROR(Rows(plan, grid_).status());
    return held_;
  }
  // A tile must not be smaller than a subquery's range, or most of it is evaluated again.
  size_t least_steps() const { return least_steps_; }

 private:
  // An upper bound of the series that `node` answers.
  Result<double> Rows(const PlanNode& node, const StepGrid& grid) {
    switch (node.kind) {
      case PlanKind::kSelector:
      case PlanKind::kWindow: return ListedRows(node, grid);
      case PlanKind::kSubquery: {
        const StepGrid inner = SubqueryGrid(node, grid);
        if (inner.count == 0) return 0.0;
        const auto range_steps = static_cast<size_t>(node.range_ms / grid_.step_ms) + 1;
        least_steps_ = std::max(least_steps_, range_steps);
        ASSIGN_OR_RETURN(const double rows, Rows(*node.children[0], inner));
        Hold(rows, inner);
        return rows;
      }
      case PlanKind::kOnce: {
        StepGrid first = grid;
        first.count = 1;
        first.alone = true;
        return Rows(*node.children[0], first);
      }
      case PlanKind::kShared: {
        // It is held where it is evaluated.
        const double held = held_;
        ASSIGN_OR_RETURN(const double rows, Rows(*node.source, grid));
        held_ = held;
        return rows;
      }
      default: break;
    }
    double most = 0;
    double sum = 0;
    for (const PlanPtr& child : node.children) {
      ASSIGN_OR_RETURN(const double rows, Rows(*child, grid));
      if (child->type == ValueType::kScalar) continue;
      most = std::max(most, rows);
      sum += rows;
    }
    double rows = IsOr(node) ? sum : most;
    if (node.type == ValueType::kScalar) rows = 0;
    if (IsFoldNode(node)) rows = std::min(rows, Groups(node));
    if (Holds(node)) Hold(sum + rows, grid);
    return rows;
  }

  void Hold(double rows, const StepGrid& grid) {
    held_ += rows * static_cast<double>(grid.count) / static_cast<double>(grid_.count);
  }

  Result<double> ListedRows(const PlanNode& node, const StepGrid& grid) {
    const SeriesSet* listed = context_.FindListing(node);
    if (listed == nullptr) {
      ASSIGN_OR_RETURN(auto set, SelectSeries(context_, SelectionOf(context_, node, grid)));
      listed = set.get();
      if (set != nullptr) context_.AddListing(node, std::move(set));
    }
    return listed == nullptr ? 0 : static_cast<double>(listed->series_count());
  }

  // The groups of a fold over one selector's series; many when that is not known.
  double Groups(const PlanNode& fold) const {
    const Grouping grouping(As<AggregateExpr>(*fold.expr));
    if (grouping.single()) return 1;
    constexpr double kMany = 1e18;
    if (!count_groups_) return kMany;
    const PlanNode* node = fold.children[0].get();
    while (node->kind == PlanKind::kCall && !IsRelabel(*node)) {
      const auto range =
          std::find_if(node->children.begin(), node->children.end(), [](const PlanPtr& child) {
            return child->kind == PlanKind::kWindow || child->type == ValueType::kVector;
          });
      if (range == node->children.end()) return kMany;
      node = range->get();
    }
    const SeriesSet* const listed = context_.FindListing(*node);
    if (listed == nullptr) return kMany;
    std::unordered_set<std::string> keys;
    std::string key;
    for (size_t i = 0; i < listed->series_count(); ++i) {
      grouping.Key(listed->labels(i), &key);
      keys.insert(key);
    }
    return static_cast<double>(keys.size());
  }

  QueryContext& context_;
  const StepGrid grid_;
  bool count_groups_ = false;
  double held_ = 0;
  size_t least_steps_ = 1;
};

// Whether a function of windows refuses series that differ only in their name may depend on where
// they have samples.
bool NamesMatter(QueryContext& context, const PlanNode& node) {
  if (node.kind == PlanKind::kWindow) {
    const SeriesSet* const listed = context.FindListing(node);
    std::unordered_set<std::string> seen;
    for (size_t i = 0; listed != nullptr && i < listed->series_count(); ++i) {
      if (!seen.emplace(WithoutName(listed->labels(i)).packed()).second) return true;
    }
  }
  return std::any_of(node.children.begin(), node.children.end(),
                     [&](const PlanPtr& child) { return NamesMatter(context, *child); });
}

size_t StepsThatFit(const QueryContext& context, double values_per_step, size_t least) {
  const double values =
      std::min(static_cast<double>(context.engine().tile_bytes) / StepBlock::kBytesPerStep,
               static_cast<double>(context.engine().max_samples) / 2);
  const double steps = values / std::max(values_per_step, 1.0);
  return std::max(least, static_cast<size_t>(std::min(steps, 1e15)));
}

}  // namespace

Result<size_t> PrepareTiles(QueryContext& context, const PlanNode& plan, const StepGrid& grid) {
  if (grid.count == 1 || !AnyNode(plan, Holds) || AnyNode(plan, DependsOnOtherSteps)) {
    return grid.count;
  }
  Estimate estimate(context, grid);
  size_t steps = 0;
  for (const bool count_groups : {false, true}) {
    ASSIGN_OR_RETURN(const double per_step, estimate.PerStep(plan, count_groups));
    steps = StepsThatFit(context, per_step, estimate.least_steps());
    if (steps >= grid.count) return grid.count;
    RETURN_IF_ERROR(context.Check());
  }
  if (NamesMatter(context, plan)) return grid.count;
  context.set_tiled();
  return steps;
}

}  // namespace thermocline::promql
