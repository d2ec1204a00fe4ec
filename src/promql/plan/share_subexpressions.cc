// Evaluates once what stands in a query several times: of the equal subexpressions whose operators
// hold their answer anyway, all but the last become references to it.
//
// The last one is evaluated because of equal annotations the later node's position is told.
// Annotations that are counted or that name their first position are not the same when they are
// made once: what may make one is left alone.
#include <algorithm>
#include <unordered_map>

#include "promql/engine.h"
#include "promql/plan/node_numbers.h"

namespace thermocline::promql {
namespace {

struct Occurrences {
  uint32_t count = 0;
  PlanNode* last = nullptr;  // in the order in which nodes are evaluated
};

class Sharing {
 public:
  Sharing(const PlanNode& plan, const EngineOptions& engine) : numbers_(plan), engine_(engine) {}

  void Run(PlanPtr& plan) {
    Find(*plan);
    Replace(plan);
    // What only stands in what was replaced is alone again.
    for (auto& [number, found] : found_) {
      if (found.last->uses == 1) found.last->uses = 0;
    }
  }

 private:
  // Whether `node` selects anything and may be evaluated once; notes where it stands.
  struct Traits {
    bool selects = false;
    bool counts_annotations = false;
  };
  Traits Find(PlanNode& node) {
    Traits traits;
    traits.selects = node.kind == PlanKind::kSelector || node.kind == PlanKind::kWindow;
    traits.counts_annotations = CountsAnnotations(node);
    for (const PlanPtr& child : node.children) {
      const Traits below = Find(*child);
      traits.selects = traits.selects || below.selects;
      traits.counts_annotations = traits.counts_annotations || below.counts_annotations;
    }
    if (HoldsAnswer(node) && traits.selects && !traits.counts_annotations) {
      Occurrences& found = found_[numbers_.of(node)];
      ++found.count;
      if (found.last == nullptr || found.last->order < node.order) found.last = &node;
    }
    return traits;
  }

  bool CountsAnnotations(const PlanNode& node) const {
    if (node.kind != PlanKind::kCall) return false;
    switch (As<Call>(*node.expr).function->function) {
      case Function::kHistogramQuantile:
      case Function::kHistogramQuantiles: return true;
      case Function::kIncrease:
      case Function::kIrate:
      case Function::kRate:
      case Function::kResets: return engine_.use_start_timestamps;
      default: return false;
    }
  }

  // Operators that compute their whole answer when they are opened.
  static bool HoldsAnswer(const PlanNode& node) {
    switch (node.kind) {
      case PlanKind::kSubquery:
      case PlanKind::kAggregate: return true;
      case PlanKind::kBinary:
        return node.children[0]->type == ValueType::kVector &&
               node.children[1]->type == ValueType::kVector;
      case PlanKind::kCall:
        switch (As<Call>(*node.expr).function->function) {
          case Function::kAbsent:
          case Function::kAbsentOverTime:
          case Function::kHistogramFraction:
          case Function::kInfo:
          case Function::kLabelJoin:
          case Function::kLabelReplace: return true;
          default: return false;
        }
      default: return false;
    }
  }

  void Replace(PlanPtr& node) {
    const auto found = found_.find(numbers_.of(*node));
    if (found != found_.end() && found->second.count > 1) {
      PlanNode& last = *found->second.last;
      ++last.uses;
      if (node.get() != &last) {
        Refer(last, node);
        return;
      }
    }
    for (PlanPtr& child : node->children) Replace(child);
  }

  // The reference keeps its place in the query, which the annotations of its parent point at.
  static void Refer(const PlanNode& source, PlanPtr& node) {
    auto reference = std::make_unique<PlanNode>();
    reference->kind = PlanKind::kShared;
    reference->type = node->type;
    reference->position = node->position;
    reference->order = node->order;
    reference->expr = node->expr;
    reference->source = &source;
    reference->Mark(Rewrite::kShareSubexpressions);
    node = std::move(reference);
  }

  NodeNumbers numbers_;
  const EngineOptions& engine_;
  std::unordered_map<uint32_t, Occurrences> found_;
};

}  // namespace

void ShareSubexpressions(PlanPtr& plan, const EngineOptions& engine) {
  Sharing(*plan, engine).Run(plan);
}

}  // namespace thermocline::promql
