// Selectors of the naive evaluator (promql-semantics 1.2, 1.10).
#include <algorithm>
#include <cmath>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

// The newest sample in (at - lookback, at], unless it is a stale marker.
const Point* NewestAt(const Series& series, TimestampMs at_ms, int64_t lookback_ms) {
  const Point* newest = nullptr;
  for (const Point& point : series.points) {
    if (point.t_ms <= at_ms && point.t_ms > at_ms - lookback_ms) newest = &point;
  }
  return newest == nullptr || newest->stale() ? nullptr : newest;
}

// Of histograms only schema, count and sum; an unknown hint is found out by comparing with the
// histogram before, which is one that is looked at too.
void KeepStatistics(TimestampMs from_ms, TimestampMs to_ms, Series* series) {
  HistogramPtr before;
  for (Point& point : series->points) {
    if (point.histogram == nullptr || point.t_ms <= from_ms || point.t_ms > to_ms) continue;
    const HistogramPtr whole = point.histogram;
    auto kept = std::make_shared<FloatHistogram>();
    kept->reset_hint = whole->reset_hint;
    kept->schema = whole->schema;
    kept->count = whole->count;
    kept->sum = whole->sum;
    if (!point.stale()) {
      if (kept->reset_hint == CounterResetHint::kUnknown && before != nullptr) {
        kept->reset_hint =
            DetectReset(*whole, *before) ? CounterResetHint::kReset : CounterResetHint::kNotReset;
      }
      before = whole;
    }
    point.histogram = std::move(kept);
  }
}

}  // namespace

Result<Matrix> Evaluator::Stored(const std::vector<Matcher>& matchers) {
  SelectRequest request;
  request.matchers = matchers;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> set, source_.Select(request));
  Matrix stored;
  for (uint32_t i = 0; i < set->series_count(); ++i) {
    SeriesBatch batch;
    RETURN_IF_ERROR(set->Read(std::span(&i, 1), &batch));
    Series series;
    series.labels = set->labels(i);
    for (size_t j = 0; j < batch.values.size(); ++j) {
      Point point{batch.timestamps_ms[j], batch.values[j], nullptr, 0};
      if (const Histogram* histogram = batch.histogram(j)) {
        point.histogram = std::make_shared<FloatHistogram>(ToFloat(*histogram));
      }
      if (!batch.start_timestamps_ms.empty()) point.start_ms = batch.start_timestamps_ms[j];
      series.points.push_back(std::move(point));
    }
    stored.push_back(std::move(series));
  }
  return stored;
}

// Below histogram_count, _sum or _avg, and not below what needs buckets.
bool Evaluator::WantsStatistics() const {
  bool wants = false;
  for (auto node = path_.rbegin(); node != path_.rend(); ++node) {
    const Expr& expr = **node;
    if (expr.kind == ExprKind::kSubquery) return false;
    if (expr.kind == ExprKind::kBinary) {
      const BinaryOp op = As<BinaryExpr>(expr).op;
      if (op == BinaryOp::kTrimLower || op == BinaryOp::kTrimUpper) return false;
    }
    if (expr.kind != ExprKind::kCall) continue;
    switch (As<Call>(expr).function->function) {
      case Function::kHistogramCount:
      case Function::kHistogramSum:
      case Function::kHistogramAvg: wants = true; break;
      case Function::kHistogramQuantile:
      case Function::kHistogramQuantiles:
      case Function::kHistogramFraction: return false;
      default: break;
    }
  }
  return wants;
}

Result<Matrix> Evaluator::Selected(const VectorSelector& selector, const Grid& grid,
                                   int64_t back_ms, int64_t ahead_ms) {
  if (!stored_.contains(&selector)) {
    ASSIGN_OR_RETURN(stored_[&selector], Stored(selector.matchers));
  }
  Matrix selected = stored_[&selector];
  if (!WantsStatistics()) return selected;
  ASSIGN_OR_RETURN(const TimestampMs first_ms, Shifted(selector.time, grid.start_ms));
  ASSIGN_OR_RETURN(const TimestampMs last_ms, Shifted(selector.time, grid.Times().back()));
  for (Series& series : selected) {
    KeepStatistics(first_ms - back_ms, last_ms + ahead_ms, &series);
  }
  return selected;
}

Result<Vector> Evaluator::InstantElements(const VectorSelector& selector, const Matrix& stored,
                                          TimestampMs t_ms) {
  ASSIGN_OR_RETURN(const TimestampMs at_ms, Shifted(selector.time, t_ms));
  Vector elements;
  for (const Series& series : stored) {
    const Point* newest = NewestAt(series, at_ms, options_.lookback_delta_ms);
    if (newest == nullptr) continue;
    elements.push_back(
        {series.labels, newest->value, newest->histogram, false, newest->t_ms, newest->start_ms});
  }
  return elements;
}

// Between samples the line from one to the next, after the last sample the last.
std::optional<Point> Evaluator::SmoothedPoint(const VectorSelector& selector, const Series& series,
                                              TimestampMs at_ms) {
  const int64_t lookback_ms = options_.lookback_delta_ms;
  const std::string metric(series.labels.metric_name());
  const int32_t position = selector.span.start;
  std::vector<Point> around;
  size_t histograms = 0;
  for (const Point& point : series.points) {
    const bool inside = point.t_ms > at_ms - lookback_ms && point.t_ms <= at_ms + lookback_ms;
    if (!inside || point.stale()) continue;
    around.push_back(point);
    histograms += point.histogram != nullptr;
  }
  if (histograms != 0 && histograms != around.size()) {
    notes_.Warn(MixedFloats(metric), position);
    return std::nullopt;
  }
  const auto after = std::find_if(around.begin(), around.end(),
                                  [at_ms](const Point& p) { return p.t_ms >= at_ms; });
  if (after != around.end() && after->t_ms == at_ms) return *after;
  if (after == around.begin()) return std::nullopt;
  Point before = *(after - 1);
  if (after == around.end()) {
    if (before.histogram == nullptr) return before;
    auto carried = CopyOf(before.histogram);
    carried->reset_hint = CounterResetHint::kUnknown;
    before.histogram = std::move(carried);
    return before;
  }
  if (before.histogram == nullptr) {
    return Point{at_ms, Interpolated(before, *after, at_ms, false), nullptr, 0};
  }
  const bool counter = !IsGauge(before.histogram) || !IsGauge(after->histogram);
  WindowNotes found;
  std::shared_ptr<FloatHistogram> between;
  if (before.histogram->uses_custom_bounds() == after->histogram->uses_custom_bounds()) {
    between = InterpolatedHistogram(before, *after, at_ms, counter, metric, &found);
  } else {
    found.warnings.push_back(MixedBuckets(metric));
  }
  for (const std::string& text : found.warnings) notes_.Warn(text, position);
  for (const std::string& text : found.infos) notes_.Info(text, position);
  if (between == nullptr) return std::nullopt;
  return Point{at_ms, 0, between, 0};
}

Result<Value> Evaluator::EvalSelector(const VectorSelector& selector, const Grid& grid) {
  const bool smoothed = selector.extension == Extension::kSmoothed;
  ASSIGN_OR_RETURN(const Matrix stored, Selected(selector, grid, options_.lookback_delta_ms,
                                                 smoothed ? options_.lookback_delta_ms : 0));
  Value value;
  for (const Series& series : stored) {
    Series out{series.labels, false, {}};
    for (const TimestampMs t_ms : grid.Times()) {
      ASSIGN_OR_RETURN(const TimestampMs at_ms, Shifted(selector.time, t_ms));
      std::optional<Point> point;
      if (smoothed) {
        point = SmoothedPoint(selector, series, at_ms);
      } else if (const Point* newest = NewestAt(series, at_ms, options_.lookback_delta_ms)) {
        point = *newest;
      }
      if (!point) continue;
      point->t_ms = t_ms;
      point->start_ms = 0;
      out.points.push_back(std::move(*point));
    }
    if (!out.points.empty()) value.matrix.push_back(std::move(out));
  }
  return value;
}

namespace {

// Anchored and smoothed range vectors begin and end exactly at the edges of their range.
std::vector<Point> WithEdges(const Window& window) {
  const std::vector<Point>& floats = window.floats;
  const bool smoothed = window.extension == Extension::kSmoothed;
  size_t last = floats.size() - 1;
  size_t first = 0;
  while (first < last && floats[first].t_ms <= window.start_ms) ++first;
  if (first > 0) --first;
  if (smoothed) {
    last = 0;
    while (last + 1 < floats.size() && floats[last].t_ms < window.end_ms) ++last;
  }
  if (floats[last].t_ms <= window.start_ms) return {};
  double left = floats[first].value;
  double right = floats[last].value;
  if (smoothed && floats[first].t_ms < window.start_ms) {
    left = Interpolated(floats[first], floats[first + 1], window.start_ms, false);
  }
  if (smoothed && last > 0 && floats[last].t_ms > window.end_ms) {
    right = Interpolated(floats[last - 1], floats[last], window.end_ms, false);
  }
  std::vector<Point> out = {{window.start_ms, left, nullptr, 0}};
  for (const Point& point : floats) {
    if (point.t_ms > window.start_ms && point.t_ms < window.end_ms) out.push_back(point);
  }
  out.push_back({window.end_ms, right, nullptr, 0});
  return out;
}

}  // namespace

// The whole answer of an instant query.
Result<Value> Evaluator::EvalMatrix(const MatrixSelector& matrix, const Grid& grid) {
  ASSIGN_OR_RETURN(const RangeArgument range, SelectRange(matrix, grid));
  ASSIGN_OR_RETURN(const TimestampMs end_ms, Shifted(*range.time, grid.start_ms));
  Value value;
  for (const Series& series : range.series) {
    const Window window = WindowOf(range, series, end_ms);
    Series out{series.labels, false, window.all()};
    if (range.extension != Extension::kNone) {
      if (!window.histograms.empty()) {
        return Status::OutOfRange(range.extension == Extension::kAnchored
                                      ? "anchored modifier is not supported with histograms"
                                      : "smoothed modifier is not supported with histograms");
      }
      // Upstream fails for a series without a sample (promql-semantics 10); it has no points.
      out.points.clear();
      if (!window.floats.empty()) out.points = WithEdges(window);
    }
    if (!out.points.empty()) value.matrix.push_back(std::move(out));
  }
  return value;
}

}  // namespace thermocline::promql::naive
