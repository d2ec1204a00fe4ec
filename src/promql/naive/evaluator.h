// The insides of the naive evaluator: Eval(expression, steps) by recursion, node after node over
// all steps, everything recomputed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/queryable.h"
#include "promql/ast.h"
#include "promql/engine.h"
#include "promql/naive/buckets.h"
#include "promql/naive/elements.h"
#include "promql/naive/notes.h"
#include "promql/naive/values.h"
#include "promql/naive/window.h"

namespace thermocline::promql::naive {

class Evaluator {
 public:
  // `steps` are the query's. Everything is borrowed.
  Evaluator(const Queryable& source, const Grid& steps, bool is_instant,
            const EngineOptions& options, Notes* notes)
      : source_(source),
        query_(steps),
        is_instant_(is_instant),
        options_(options),
        notes_(*notes) {}

  // Errors of durations, which come before all others.
  Status CheckDurations(const Expr& expr);

  Result<Value> Eval(const Expr& expr, const Grid& grid);

 private:
  // The arguments of a call at one step.
  struct Arguments {
    TimestampMs t_ms = 0;
    std::vector<Vector> vectors;  // a scalar is one element
    std::vector<std::string> texts;

    double scalar(size_t i) const { return vectors[i][0].value; }
  };

  Result<Value> EvalHere(const Expr& expr, const Grid& grid);
  Result<Value> EvalOnce(const Expr& expr, const Grid& grid);
  Result<Value> EvalUnary(const UnaryExpr& unary, const Grid& grid);
  Value Constant(double value, const Grid& grid) const;

  // --- times.cc ---
  Result<double> DurationSeconds(const Expr& expr);
  // `expr` (a DurationExpr) when given, else the literal.
  Result<int64_t> DurationMs(int64_t literal_ms, const Expr* expr, bool positive);
  // The time that offset and @ make of `t_ms`.
  Result<TimestampMs> Shifted(const TimeModifiers& time, TimestampMs t_ms);
  double ContextNumber(Function function, TimestampMs t_ms) const;

  // --- selectors.cc ---
  // All samples of the matching series, stale markers included.
  Result<Matrix> Stored(const std::vector<Matcher>& matchers);
  // The same of a selector; where only count and sum of histograms are wanted, these alone.
  // `back_ms` and `ahead_ms`: how far it looks around its steps.
  Result<Matrix> Selected(const VectorSelector& selector, const Grid& grid, int64_t back_ms,
                          int64_t ahead_ms);
  bool WantsStatistics() const;
  Result<Value> EvalSelector(const VectorSelector& selector, const Grid& grid);
  Result<Value> EvalMatrix(const MatrixSelector& matrix, const Grid& grid);
  Result<Vector> InstantElements(const VectorSelector& selector, const Matrix& stored,
                                 TimestampMs t_ms);
  std::optional<Point> SmoothedPoint(const VectorSelector& selector, const Series& series,
                                     TimestampMs at_ms);

  // --- range_calls.cc ---
  Result<Matrix> RunSubquery(const SubqueryExpr& subquery, const Grid& grid);
  // What a range function of a selector or of a subquery looks at.
  struct RangeArgument {
    Matrix series;
    const TimeModifiers* time = nullptr;
    int64_t range_ms = 0;
    Extension extension = Extension::kNone;
    int32_t position = 0;
  };
  Result<RangeArgument> SelectRange(const MatrixSelector& matrix, const Grid& grid);
  Result<RangeArgument> RangeOf(const SubqueryExpr& subquery, const Grid& grid);
  Window WindowOf(const RangeArgument& range, const Series& series, TimestampMs end_ms) const;
  Result<Value> EvalRangeCall(const Call& call, size_t range_index, const Grid& grid);
  Result<Series> RunOverSeries(const Call& call, const RangeArgument& range, const Series& series,
                               const std::vector<Value>& args, const Grid& grid);
  void NoteWindow(const WindowNotes& found, const Call& call, size_t range_index,
                  const RangeArgument& range);
  void NotePossibleNonCounter(const Labels& labels, int32_t position);

  // --- calls.cc ---
  Result<Value> EvalCall(const Call& call, const Grid& grid);
  Result<Value> EvalSampleTimes(const Call& call, const Grid& grid);
  Result<Vector> CallAt(const Call& call, const Arguments& args);
  // Functions of each float of the first argument.
  Vector MapFloats(const Call& call, const Arguments& args) const;
  // Removes the name labels at once, or notes that they go at the end.
  void DropName(Element* element) const;

  // --- labels.cc ---
  Result<Value> EvalLabelReplace(const Call& call, const Grid& grid);
  Result<Value> EvalLabelJoin(const Call& call, const Grid& grid);
  Result<Value> Relabelled(
      const Expr& operand, const Grid& grid, const std::string& target,
      const std::function<std::optional<std::string>(const Labels&)>& new_value);

  // --- info.cc ---
  Result<Value> EvalInfo(const Call& call, const Grid& grid);
  Result<Matrix> InfoSeries(const Matrix& stored, const Grid& grid);

  // --- histogram_calls.cc ---
  Vector HistogramNumbers(Function function, const Vector& vector) const;
  Vector HistogramQuantile(const Call& call, const Arguments& args);
  Vector HistogramQuantiles(const Call& call, const Arguments& args);
  Vector HistogramFractions(const Call& call, const Arguments& args);
  // Native and classic histograms of a vector, without those that stand in each other's way.
  struct Histograms {
    Vector natives;
    std::vector<ClassicHistogram> classics;
  };
  Histograms SortOut(const Vector& vector, int32_t position);
  struct QuantilePlaces {
    int32_t native = 0;   // of notes about native histograms
    int32_t classic = 0;  // of notes about buckets
  };
  Vector QuantilesOf(double q, const Histograms& histograms, TimestampMs t_ms,
                     const QuantilePlaces& places);

  // --- binary.cc ---
  Result<Value> EvalBinary(const BinaryExpr& binary, const Grid& grid);
  Result<Vector> JoinAt(const BinaryExpr& binary, const Vector& lhs, const Vector& rhs);
  void NoteOutcome(const Outcome& outcome, const BinaryExpr& binary);
  Vector WithScalar(const BinaryExpr& binary, const Vector& vector, double scalar,
                    bool scalar_left);

  // --- aggregate.cc, ranked.cc ---
  struct Group {
    Labels labels;
    std::vector<const Series*> members;
  };
  Result<Value> EvalAggregate(const AggregateExpr& aggregate, const Grid& grid);
  static std::vector<Group> GroupsOf(const AggregateExpr& aggregate, const Matrix& operand);
  Matrix Fold(const AggregateExpr& aggregate, const Matrix& operand,
              const std::vector<double>& params, const Grid& grid);
  Result<Value> EvalCountValues(const AggregateExpr& aggregate, const Grid& grid);
  // Whether there is anything to be done with parameters like these; errors and warnings.
  Result<bool> CheckParameters(const AggregateExpr& aggregate, const std::vector<double>& params);
  Result<Matrix> Choose(const AggregateExpr& aggregate, const Matrix& operand,
                        const std::vector<double>& params, const Grid& grid);

  const Queryable& source_;
  const Grid query_;
  const bool is_instant_;
  const EngineOptions& options_;
  Notes& notes_;
  std::map<const VectorSelector*, Matrix> stored_;
  std::vector<const Expr*> path_;  // from the root to the node that is evaluated
};

// Where annotations about `expr` as an argument or operand point.
int32_t PositionOf(const Expr& expr);
// The answer is the same at every step (promql-semantics 1.3, without its quirks).
bool IsInvariant(const Expr& expr);

// math_functions.cc: functions of one number; nullopt for other functions.
std::optional<double> MathFunction(Function function, double value);
std::optional<double> CalendarFunction(Function function, double seconds);
// labels.cc
Labels LabelsForAbsent(const Expr& argument);
Vector SortedByValue(const Vector& vector, bool descending);
Vector SortedByLabels(const Vector& vector, const std::vector<std::string>& labels,
                      bool descending);
bool NaturalLess(std::string_view a, std::string_view b);

}  // namespace thermocline::promql::naive
