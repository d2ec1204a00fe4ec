// The syntax tree of a PromQL expression: plain structs, owned by unique_ptr from the root.
//
// A tree that left the parser has at most kMaxTreeDepth levels and kMaxTreeNodes nodes, so walking
// or destroying it by recursion is safe on a small stack. Durations are milliseconds, truncated
// towards zero as the engine uses them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/matcher.h"
#include "promql/signatures.h"

namespace thermocline::promql {

inline constexpr int kMaxTreeDepth = 256;
inline constexpr int kMaxTreeNodes = 20'000;

// Bytes [start, end) of the query text.
struct Span {
  int32_t start = 0;
  int32_t end = 0;
  bool operator==(const Span&) const = default;
};

enum class ExprKind : uint8_t {
  kNumber,
  kString,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kUnary,
  kBinary,
  kAggregate,
  kCall,
  kParen,
  kDuration
};

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kGreater,
  kLess,
  kGreaterOrEqual,
  kLessOrEqual,
  kTrimUpper,  // </
  kTrimLower,  // >/
  kAnd,
  kOr,
  kUnless
};
std::string_view BinaryOpText(BinaryOp op);
// == != > < >= <=; the trims are not among them.
bool IsComparison(BinaryOp op);
// and or unless
bool IsSetOperator(BinaryOp op);

enum class AggregateOp : uint8_t {
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
  kLimitk,
  kLimitRatio
};
std::string_view AggregateOpText(AggregateOp op);
// topk bottomk count_values quantile limitk limit_ratio
bool HasParameter(AggregateOp op);

// Base of all nodes. Down-cast by `kind` with As<T>.
struct Expr {
  ExprKind kind;
  // Where the node stands; errors and annotations point at span.start (promql-semantics 5.3).
  Span span;

  virtual ~Expr() = default;

 protected:
  explicit Expr(ExprKind k) : kind(k) {}
};
using ExprPtr = std::unique_ptr<Expr>;

template <typename T>
T& As(Expr& expr) {
  return static_cast<T&>(expr);
}
template <typename T>
const T& As(const Expr& expr) {
  return static_cast<const T&>(expr);
}

// The type the node evaluates to; trusts the node's shape, as Prometheus' Expr.Type does.
ValueType TypeOf(const Expr& expr);
// `expr` without the parentheses around it.
const Expr& StripParens(const Expr& expr);

struct NumberLiteral : Expr {
  NumberLiteral() : Expr(ExprKind::kNumber) {}
  double value = 0;
  bool is_duration = false;  // written as 5m; the value is then seconds
};

struct StringLiteral : Expr {
  StringLiteral() : Expr(ExprKind::kString) {}
  std::string value;  // bytes; \x escapes can make them invalid UTF-8
};

// Arithmetic inside [...], after offset or after @ (experimental). Leaves are NumberLiteral
// (seconds) or DurationExpr of kStep or kRange.
enum class DurationOp : uint8_t {
  kAdd,  // unary when lhs is null
  kSub,  // unary when lhs is null
  kMul,
  kDiv,
  kMod,
  kPow,
  kMinOf,
  kMaxOf,
  kStep,  // step()
  kRange  // range()
};
struct DurationExpr : Expr {
  DurationExpr() : Expr(ExprKind::kDuration) {}
  DurationOp op = DurationOp::kAdd;
  bool wrapped = false;  // in parentheses
  ExprPtr lhs;           // null for unary forms and leaves
  ExprPtr rhs;           // null for leaves
};

enum class AtKind : uint8_t { kNone, kTimestamp, kStart, kEnd };

// offset and @, in whichever order they were written.
struct TimeModifiers {
  int64_t offset_ms = 0;              // as written; 0 when offset_expr is set
  std::unique_ptr<Expr> offset_expr;  // a DurationExpr that depends on the query, or null
  AtKind at = AtKind::kNone;
  TimestampMs at_ms = 0;  // kTimestamp only
};

// How a selector looks past the edges of its window (experimental).
enum class Extension : uint8_t { kNone, kAnchored, kSmoothed };

struct VectorSelector : Expr {
  VectorSelector() : Expr(ExprKind::kVectorSelector) {}
  std::string name;  // written before the braces; "" when absent or written inside them
  std::vector<Matcher> matchers;  // in query order; one for __name__ = `name` comes last
  TimeModifiers time;
  Extension extension = Extension::kNone;
  bool allow_empty_matchers = false;  // second argument of info()
};

struct MatrixSelector : Expr {
  MatrixSelector() : Expr(ExprKind::kMatrixSelector) {}
  ExprPtr selector;      // a VectorSelector; it holds offset, @ and extension
  int64_t range_ms = 0;  // 0 when range_expr is set
  ExprPtr range_expr;    // a DurationExpr, or null

  VectorSelector& vector() { return As<VectorSelector>(*selector); }
  const VectorSelector& vector() const { return As<VectorSelector>(*selector); }
};

struct SubqueryExpr : Expr {
  SubqueryExpr() : Expr(ExprKind::kSubquery) {}
  ExprPtr expr;
  int64_t range_ms = 0;
  ExprPtr range_expr;   // a DurationExpr, or null
  int64_t step_ms = 0;  // 0: the default evaluation interval
  bool has_step = false;
  ExprPtr step_expr;  // a DurationExpr, or null
  TimeModifiers time;
};

struct UnaryExpr : Expr {
  UnaryExpr() : Expr(ExprKind::kUnary) {}
  bool negative = false;  // else a plus sign
  ExprPtr expr;
};

enum class Cardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

struct VectorMatching {
  Cardinality card = Cardinality::kOneToOne;  // kManyToOne is group_left; sets are kManyToMany
  bool on = false;                            // else ignoring
  std::vector<std::string> labels;
  std::vector<std::string> include;  // the labels of group_left or group_right
  std::optional<double> fill_left;
  std::optional<double> fill_right;
};

struct BinaryExpr : Expr {
  BinaryExpr() : Expr(ExprKind::kBinary) {}
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr lhs;
  ExprPtr rhs;
  bool return_bool = false;
  VectorMatching matching;  // meaningful only when both operands are instant vectors
};

struct AggregateExpr : Expr {
  AggregateExpr() : Expr(ExprKind::kAggregate) {}
  AggregateOp op = AggregateOp::kSum;
  ExprPtr expr;
  ExprPtr param;  // null unless HasParameter(op)
  // by (grouping), or without (grouping)
  bool without = false;
  std::vector<std::string> grouping;
};

struct Call : Expr {
  Call() : Expr(ExprKind::kCall) {}
  const Signature* function = nullptr;  // static data
  std::vector<ExprPtr> args;
};

struct ParenExpr : Expr {
  ParenExpr() : Expr(ExprKind::kParen) {}
  ExprPtr expr;
};

// Visits the direct children in evaluation order: operands, parameters before aggregated
// expressions, a range's selector. Durations are not visited.
void ForEachChild(const Expr& expr, const std::function<void(const Expr&)>& visit);

}  // namespace thermocline::promql
