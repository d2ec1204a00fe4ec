// The insides of the naive evaluator: Eval(expression, time) by recursion.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/queryable.h"
#include "model/sample.h"
#include "promql/ast.h"
#include "promql/engine.h"

namespace thermocline::promql::naive {

struct Element {
  Labels labels;
  double value = 0;
  bool drop_name = false;     // the name goes at the very end
  TimestampMs sample_ms = 0;  // of a selector's element: when the sample was taken
};
using Vector = std::vector<Element>;

// The samples of one series in a range vector's window (start_ms, end_ms].
struct Window {
  Labels labels;
  std::vector<Sample> samples;
  bool drop_name = false;
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
};

struct Value {
  ValueType type = ValueType::kNone;
  double scalar = 0;
  std::string text;
  Vector vector;
  std::vector<Window> matrix;

  static Value Scalar(double value);
  static Value Of(Vector vector);
};

struct QueryTimes {
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  int64_t step_ms = 0;  // 0 for instant queries
};

class Evaluator {
 public:
  Evaluator(const Queryable& source, const QueryTimes& times, const EngineOptions& options)
      : source_(source), times_(times), options_(options) {}

  Result<Value> Eval(const Expr& expr, TimestampMs t_ms);

 private:
  using SeriesList = std::vector<Window>;

  // All samples of the selector's series, read once per selector.
  Result<const SeriesList*> AllSamples(const VectorSelector& selector);
  // The time that offset and @ make of `t_ms`.
  Result<TimestampMs> Shifted(const TimeModifiers& time, TimestampMs t_ms);
  Result<double> DurationSeconds(const Expr& expr);
  Result<int64_t> DurationMs(int64_t literal_ms, const Expr* expr, bool positive);

  Result<Value> EvalSelector(const VectorSelector& selector, TimestampMs t_ms);
  Result<Value> EvalMatrix(const MatrixSelector& matrix, TimestampMs t_ms);
  Result<Value> EvalSubquery(const SubqueryExpr& subquery, TimestampMs t_ms);
  Result<Value> EvalUnary(const UnaryExpr& unary, TimestampMs t_ms);
  Result<Value> EvalBinary(const BinaryExpr& binary, TimestampMs t_ms);
  Result<Value> EvalAggregate(const AggregateExpr& aggregate, TimestampMs t_ms);
  Result<Value> EvalCall(const Call& call, TimestampMs t_ms);
  Result<Value> EvalWindowCall(const Call& call, const std::vector<Value>& args, TimestampMs t_ms);
  double ContextNumber(Function function, TimestampMs t_ms) const;

  const Queryable& source_;
  const QueryTimes times_;
  const EngineOptions& options_;
  std::map<const VectorSelector*, SeriesList> cache_;
};

// Kahan's compensated sum in Neumaier's form.
class KahanSum {
 public:
  void Add(double value);
  double sum() const { return sum_; }
  double value() const;

 private:
  double sum_ = 0;
  double lost_ = 0;
};

double MeanOf(const std::vector<double>& values);
double VarianceOf(const std::vector<double>& values);
double QuantileOf(double q, std::vector<double> values);
// What an aggregation or a comparison makes of the name labels.
Labels WithoutName(const Labels& labels);
// Removes the name labels at once, or notes that they go at the end.
void DropName(bool delayed, Element* element);
// OutOfRange "vector cannot contain metrics with the same labelset" if two elements are equal.
Status CheckDistinct(const Vector& vector);

// functions.cc: element-wise functions; nullopt for a function that is not one of them.
std::optional<double> MathFunction(Function function, double value);
std::optional<double> CalendarFunction(Function function, double seconds);
// window_functions.cc: nullopt when the window gives no value.
std::optional<double> WindowFunction(Function function, const Window& window,
                                     const std::vector<Value>& args, TimestampMs t_ms);
// buckets.cc
Vector ClassicQuantile(double q, const Vector& buckets);
Vector ClassicFraction(double lower, double upper, const Vector& buckets);
// labels.cc: absent, sorts, label_join.
Value Absent(const Expr& argument, bool has_elements);
Result<Value> LabelFunction(Function function, const std::vector<Value>& args);
bool NaturalLess(std::string_view a, std::string_view b);

// binary.cc
double Arithmetic(BinaryOp op, double a, double b);
bool Compare(BinaryOp op, double a, double b);
Result<Vector> JoinVectors(const BinaryExpr& binary, const Vector& lhs, const Vector& rhs,
                           bool delayed);
Vector VectorScalar(const BinaryExpr& binary, const Vector& vector, double scalar, bool scalar_left,
                    bool delayed);
// aggregate.cc
Result<Vector> Aggregate(const AggregateExpr& aggregate, const Vector& vector, const Value& param);

}  // namespace thermocline::promql::naive
