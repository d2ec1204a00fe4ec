// The plan: what a syntax tree means once the query's times are known. Parentheses are gone,
// durations are numbers, @ start() and @ end() are timestamps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "promql/ast.h"

namespace thermocline::promql {

enum class PlanKind : uint8_t {
  kNumber,     // `number` at every step
  kString,     // StringLiteral
  kSelector,   // VectorSelector
  kWindow,     // MatrixSelector
  kSubquery,   // SubqueryExpr; children: the inner expression
  kNegate,     // UnaryExpr with a minus; children: the operand
  kBinary,     // BinaryExpr; children: left, right
  kAggregate,  // AggregateExpr; children: the operand, then the parameter if any
  kCall,       // Call; children: the arguments
  kOnce,       // evaluates its child at the first step and repeats the answer
  kShared      // answers what `source` answers, which is evaluated once
};

// Times and durations of a plan stay within +-kFarMs (36 million years), so that sums of a few of
// them cannot overflow.
inline constexpr int64_t kFarMs = int64_t{1} << 60;
constexpr int64_t ClampMs(int64_t t_ms) { return std::clamp(t_ms, -kFarMs, kFarMs); }

// What may change a plan, in the order in which it is done.
enum class Rewrite : uint8_t {
  kFoldConstants,
  kEvaluateOnce,
  kPropagateMatchers,
  kSortMatchers,
  kShortenHistograms,
  kShareSubexpressions,
  kShareSelectors
};
inline constexpr size_t kRewrites = 7;
// fold_constants, evaluate_once, ...
std::string_view RewriteName(Rewrite rewrite);

struct PlanNode;
using PlanPtr = std::unique_ptr<PlanNode>;

// Borrows the syntax tree, which outlives it.
struct PlanNode {
  PlanKind kind = PlanKind::kNumber;
  ValueType type = ValueType::kNone;
  // Where annotations about this node point (promql-semantics 5.3), in bytes of the query.
  int32_t position = 0;
  // Nodes in the order they are evaluated; of two equal annotations the later node's position wins.
  uint32_t order = 0;
  const Expr* expr = nullptr;
  std::vector<PlanPtr> children;

  double number = 0;  // kNumber
  // kSelector, kWindow, kSubquery: the evaluated time is (at_ms, else the step) - offset_ms.
  std::optional<TimestampMs> at_ms;
  int64_t offset_ms = 0;
  int64_t range_ms = 0;  // kWindow, kSubquery
  int64_t step_ms = 0;   // kSubquery: its resolution
  // kSelector, kWindow: what is asked of the source; all of them have to match.
  std::vector<Matcher> matchers;
  bool is_answer = false;  // its series are the answer of the query (MarkAnswer)
  // kSelector, kWindow: list series in label order, and for what (SelectHints::function).
  bool sorted = false;
  std::string_view function;
  // kSelector, kWindow: of histograms only count and sum are wanted (plan/histogram_statistics.cc).
  bool statistics = false;

  // kShared: the node that answers for it. kSelector, kWindow: the one whose list of series it
  // reads; null: its own.
  const PlanNode* source = nullptr;
  // Of a node that others have for a source: how many use it, itself included; else 0.
  uint32_t uses = 0;

  // The rewrites that changed this node, as bits.
  uint32_t rewrites = 0;
  void Mark(Rewrite rewrite) { rewrites |= 1u << static_cast<uint32_t>(rewrite); }
  bool IsMarked(Rewrite rewrite) const {
    return (rewrites >> static_cast<uint32_t>(rewrite) & 1u) != 0;
  }

  TimestampMs ReferenceMs(TimestampMs step_time_ms) const {
    return ClampMs(at_ms.value_or(step_time_ms) - offset_ms);
  }
};

// The times a plan is made for.
struct QueryTimes {
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  int64_t step_ms = 0;  // 0 for an instant query
  int64_t default_step_ms = kMinuteMs;

  bool is_instant() const { return step_ms == 0; }
};

// Errors: InvalidArgument for durations that come out zero, negative or out of range, with
// Prometheus' "start:end: text".
Result<PlanPtr> MakePlan(const Expr& expr, const QueryTimes& times);

// Seconds of a duration expression (promql-semantics 1.5). Errors as MakePlan.
Result<double> EvaluateDuration(const Expr& expr, const QueryTimes& times);

struct EngineOptions;  // promql/engine.h
// All of the below, as the query needs them.
void RewritePlan(PlanPtr& plan, const QueryTimes& times, const EngineOptions& engine);

// --- rewrites, each in its own file; they keep the answer and mark the nodes that they change ---

// Operators and calls on constants become kNumber; start(), end(), step() and range() too.
void FoldConstants(PlanPtr& plan, const QueryTimes& times);
// Tells every selector what it is selected for.
void NameFunctions(PlanNode& plan);
// Marks selectors below histogram_count, _sum and _avg, whose histograms need no buckets. Visible
// in answers, so it is not a choice (promql-semantics 1.10).
void ShortenHistograms(PlanNode& plan);
// Marks the selector that decides the order of the answer, so that the answer comes out in label
// order by itself. An instant vector may come in any order.
void AskInResultOrder(PlanNode& plan, bool instant);
// Marks the root, and what hands its series to the root without looking at steps.
void MarkAnswer(PlanNode& plan);
// Puts kOnce above the largest subtrees that answer the same at every step.
void EvaluateOnce(PlanPtr& plan);
// Orders the matchers of each selector and drops those that stand twice.
void SortMatchers(PlanNode& plan);
// Adds to selectors what their series have to be like to meet one of the other operand.
void PropagateMatchers(PlanNode& plan);
// Replaces subexpressions that stand in the plan several times, but for the last, by kShared.
void ShareSubexpressions(PlanPtr& plan, const EngineOptions& engine);
// Makes selectors that ask for the same read one list. After it the plan must not change.
void ShareSelectors(PlanNode& plan);

}  // namespace thermocline::promql
