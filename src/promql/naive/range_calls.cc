// Subqueries, and functions of range vectors, in the naive evaluator: series after series, for
// each all steps (promql-semantics 1.4, 2.3).
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

using F = Function;

bool KeepsName(F function) { return function == F::kLastOverTime || function == F::kFirstOverTime; }

Status CheckExtension(Extension extension, const Signature& function) {
  const F f = function.function;
  const bool both = f == F::kDelta || f == F::kIncrease || f == F::kRate;
  if (extension == Extension::kAnchored && !both && f != F::kChanges && f != F::kResets) {
    return Status::OutOfRange(
        fmt::format("anchored modifier can only be used with: changes, delta, increase, rate, "
                    "resets - not with {}",
                    function.name));
  }
  if (extension == Extension::kSmoothed && !both) {
    return Status::OutOfRange(
        fmt::format("smoothed modifier can only be used with: delta, increase, rate - not with {}",
                    function.name));
  }
  return Status::Ok();
}

// One at the steps at which no series has a sample.
Matrix AbsentOverTime(const Expr& argument, const Matrix& present, const Grid& grid) {
  std::set<TimestampMs> seen;
  for (const Series& series : present) {
    for (const Point& point : series.points) seen.insert(point.t_ms);
  }
  Series absent{LabelsForAbsent(argument), true, {}};
  for (const TimestampMs t_ms : grid.Times()) {
    if (!seen.contains(t_ms)) absent.points.push_back({t_ms, 1, nullptr, 0});
  }
  return absent.points.empty() ? Matrix() : Matrix{absent};
}

}  // namespace

// The inner expression at every multiple of the resolution from the first window's start to the
// last one's end.
Result<Matrix> Evaluator::RunSubquery(const SubqueryExpr& subquery, const Grid& grid) {
  ASSIGN_OR_RETURN(const int64_t range_ms,
                   DurationMs(subquery.range_ms, subquery.range_expr.get(), true));
  ASSIGN_OR_RETURN(int64_t step_ms, DurationMs(subquery.step_ms, subquery.step_expr.get(), true));
  if (!subquery.has_step || step_ms <= 0) step_ms = options_.default_step_ms;
  ASSIGN_OR_RETURN(const TimestampMs first_ms, Shifted(subquery.time, grid.start_ms));
  ASSIGN_OR_RETURN(const TimestampMs last_ms, Shifted(subquery.time, grid.Times().back()));
  const Grid inner{FloorTo(first_ms - range_ms, step_ms) + step_ms, last_ms, step_ms};
  ASSIGN_OR_RETURN(Value value, Eval(*subquery.expr, inner));
  for (Series& series : value.matrix) {
    KeepOneOfTwo(true, &series);
    for (Point& point : series.points) {
      point.start_ms = 0;
      if (point.histogram == nullptr || IsGauge(point.histogram)) continue;
      auto unhinted = CopyOf(point.histogram);
      unhinted->reset_hint = CounterResetHint::kUnknown;
      point.histogram = std::move(unhinted);
    }
  }
  return std::move(value.matrix);
}

Result<Evaluator::RangeArgument> Evaluator::RangeOf(const SubqueryExpr& subquery,
                                                    const Grid& grid) {
  RangeArgument range;
  path_.push_back(&subquery);
  Result<Matrix> series = RunSubquery(subquery, grid);
  path_.pop_back();
  ASSIGN_OR_RETURN(range.series, std::move(series));
  range.time = &subquery.time;
  ASSIGN_OR_RETURN(range.range_ms, DurationMs(subquery.range_ms, subquery.range_expr.get(), true));
  return range;
}

Result<Evaluator::RangeArgument> Evaluator::SelectRange(const MatrixSelector& matrix,
                                                        const Grid& grid) {
  const VectorSelector& selector = matrix.vector();
  RangeArgument range;
  range.time = &selector.time;
  range.extension = selector.extension;
  ASSIGN_OR_RETURN(range.range_ms, DurationMs(matrix.range_ms, matrix.range_expr.get(), true));
  const int64_t lookback_ms = options_.lookback_delta_ms;
  const int64_t back_ms = range.range_ms + (range.extension == Extension::kNone ? 0 : lookback_ms);
  const int64_t ahead_ms = range.extension == Extension::kSmoothed ? lookback_ms : 0;
  ASSIGN_OR_RETURN(range.series, Selected(selector, grid, back_ms, ahead_ms));
  return range;
}

Window Evaluator::WindowOf(const RangeArgument& range, const Series& series,
                           TimestampMs end_ms) const {
  Window window;
  window.labels = series.labels;
  window.start_ms = end_ms - range.range_ms;
  window.end_ms = end_ms;
  window.range_ms = range.range_ms;
  window.extension = range.extension;
  TimestampMs from_ms = window.start_ms;
  TimestampMs to_ms = window.end_ms;
  if (range.extension != Extension::kNone) from_ms -= options_.lookback_delta_ms;
  if (range.extension == Extension::kSmoothed) to_ms += options_.lookback_delta_ms;
  for (const Point& point : series.points) {
    if (point.t_ms <= from_ms || point.t_ms > to_ms || point.stale()) continue;
    (point.histogram == nullptr ? window.floats : window.histograms).push_back(point);
  }
  return window;
}

void Evaluator::NoteWindow(const WindowNotes& found, const Call& call, size_t range_index,
                           const RangeArgument& range) {
  // The text speaks of the range, but points at the first argument.
  const int32_t position = range_index == 0 ? range.position : PositionOf(*call.args[0]);
  for (const std::string& text : found.warnings) notes_.Warn(text, position);
  for (const std::string& text : found.infos) notes_.Info(text, position);
}

void Evaluator::NotePossibleNonCounter(const Labels& labels, int32_t position) {
  const std::string name(labels.metric_name());
  if (name.empty()) return;
  if (options_.type_and_unit_labels) {
    const std::string_view type = labels.Get("__type__");
    if (type == "counter" || type == "histogram") return;
    notes_.Info(
        fmt::format("metric might not be a counter, __type__ label is not set to \"counter\" or "
                    "\"histogram\", got {}: {}",
                    GoQuote(type), GoQuote(name)),
        position);
    return;
  }
  for (const std::string_view ending : {"_total", "_sum", "_count", "_bucket"}) {
    if (name.ends_with(ending)) return;
  }
  notes_.Info("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
                  GoQuote(name),
              position);
}

Result<Series> Evaluator::RunOverSeries(const Call& call, const RangeArgument& range,
                                        const Series& series, const std::vector<Value>& args,
                                        const Grid& grid) {
  const F function = call.function->function;
  Series out{series.labels, !KeepsName(function) || series.drop_name, {}};
  if (!options_.delayed_name_removal && out.drop_name) out.labels = WithoutName(series.labels);
  size_t step = 0;
  for (const TimestampMs t_ms : grid.Times()) {
    ASSIGN_OR_RETURN(const TimestampMs end_ms, Shifted(*range.time, t_ms));
    Window window = WindowOf(range, series, end_ms);
    window.step_ms = t_ms;
    window.use_starts = options_.use_start_timestamps;
    size_t range_index = 0;
    for (size_t i = 0; i < args.size(); ++i) {
      if (StripParens(*call.args[i]).kind == ExprKind::kMatrixSelector ||
          StripParens(*call.args[i]).kind == ExprKind::kSubquery) {
        range_index = i;
      } else {
        window.scalars.push_back(args[i].matrix[0].points[step].value);
      }
    }
    ++step;
    if (window.empty()) continue;
    WindowNotes found;
    ASSIGN_OR_RETURN(const MaybeAnswer answer, WindowFunction(function, window, &found));
    if (found.invalid_quantile) found.warnings.push_back(InvalidQuantile(window.scalars[0]));
    NoteWindow(found, call, range_index, range);
    if (found.start_overlap) notes_.StartOverlap(window.metric(), range.position);
    if (answer) out.points.push_back({t_ms, answer->value, answer->histogram, 0});
  }
  return out;
}

Result<Value> Evaluator::EvalRangeCall(const Call& call, size_t range_index, const Grid& grid) {
  const F function = call.function->function;
  const Expr& argument = StripParens(*call.args[range_index]);
  RangeArgument range;
  if (argument.kind == ExprKind::kSubquery) {
    ASSIGN_OR_RETURN(range, RangeOf(As<SubqueryExpr>(argument), grid));
  }
  std::vector<Value> args(call.args.size());
  for (size_t i = 0; i < args.size(); ++i) {
    if (i == range_index) continue;
    ASSIGN_OR_RETURN(args[i], Eval(*call.args[i], grid));
  }
  if (argument.kind == ExprKind::kMatrixSelector) {
    const auto& matrix = As<MatrixSelector>(argument);
    RETURN_IF_ERROR(CheckExtension(matrix.vector().extension, *call.function));
    ASSIGN_OR_RETURN(range, SelectRange(matrix, grid));
  }
  range.position = PositionOf(argument);
  Value value;
  for (const Series& series : range.series) {
    ASSIGN_OR_RETURN(Series out, RunOverSeries(call, range, series, args, grid));
    const bool counted = function == F::kRate || function == F::kIncrease;
    const bool has_floats = std::any_of(out.points.begin(), out.points.end(),
                                        [](const Point& p) { return p.histogram == nullptr; });
    if (counted && has_floats) NotePossibleNonCounter(series.labels, range.position);
    if (!out.points.empty()) value.matrix.push_back(std::move(out));
  }
  if (function == F::kAbsentOverTime) {
    value.matrix = AbsentOverTime(argument, value.matrix, grid);
    return value;
  }
  if (!options_.delayed_name_removal && HasSameLabels(value.matrix)) return SameLabelsError();
  return value;
}

}  // namespace thermocline::promql::naive
