#include "promql/engine.h"

#include <fmt/core.h>

#include <algorithm>

#include "promql/exec/matrix.h"
#include "promql/exec/names.h"
#include "promql/functions/window_extended.h"
#include "promql/parser.h"

namespace thermocline::promql {
namespace {

class Evaluation {
 public:
  Evaluation(QueryContext& context, const PlanNode& plan, const StepGrid& grid)
      : context_(context), plan_(plan), grid_(grid) {}

  Result<QueryResult> Run() {
    RETURN_IF_ERROR(AtStart());
    switch (plan_.type) {
      case ValueType::kString:
        result_.kind = ResultKind::kString;
        result_.text = As<StringLiteral>(*plan_.expr).value;
        break;
      case ValueType::kScalar: RETURN_IF_ERROR(RunScalar()); break;
      case ValueType::kMatrix: RETURN_IF_ERROR(RunRangeVector()); break;
      default: RETURN_IF_ERROR(RunVector()); break;
    }
    result_.at_ms = context_.start_ms();
    result_.samples_scanned = context_.scanned();
    result_.peak_samples = context_.peak();
    return std::move(result_);
  }

 private:
  Status AtStart() const {
    const Status status = context_.Check();
    if (status.code() == Code::kCancelled) {
      return Status::Cancelled("query was canceled in query execution");
    }
    if (status.code() == Code::kDeadlineExceeded) {
      return Status::DeadlineExceeded("query timed out in query execution");
    }
    return status;
  }

  Status RunScalar() {
    ASSIGN_OR_RETURN(std::vector<double> values, EvaluateScalar(context_, plan_, grid_));
    ResultSeries series;
    for (size_t step = 0; step < grid_.count; ++step) {
      series.timestamps_ms.push_back(grid_.At(step));
    }
    series.values = std::move(values);
    result_.kind = context_.is_instant() ? ResultKind::kScalar : ResultKind::kMatrix;
    result_.series.push_back(std::move(series));
    return Status::Ok();
  }

  Status RunVector() {
    ASSIGN_OR_RETURN(VectorPtr root, BuildVector(context_, plan_, grid_));
    RETURN_IF_ERROR(root->Open());
    ASSIGN_OR_RETURN(Matrix matrix, Materialize(context_, *root, grid_.count));
    RETURN_IF_ERROR(DropMarkedNames(matrix));
    result_.kind = context_.is_instant() ? ResultKind::kVector : ResultKind::kMatrix;
    result_.series.reserve(matrix.rows().size());
    for (Matrix::Row& row : matrix.rows()) {
      ResultSeries series;
      series.labels = std::move(row.labels);
      for (size_t step = 0; step < grid_.count; ++step) {
        if (row.kinds[step] != StepKind::kFloat) continue;
        series.timestamps_ms.push_back(grid_.At(step));
        series.values.push_back(row.values[step]);
      }
      result_.series.push_back(std::move(series));
    }
    if (!context_.is_instant()) SortByLabels();
    return Status::Ok();
  }

  Status RunRangeVector() {
    ASSIGN_OR_RETURN(RangePtr root, BuildRange(context_, plan_, grid_));
    RETURN_IF_ERROR(root->Open());
    result_.kind = ResultKind::kMatrix;
    SeriesBatch batch;
    for (size_t first = 0; first < root->series_count(); first += root->read_run()) {
      const size_t run = std::min(root->read_run(), root->series_count() - first);
      RETURN_IF_ERROR(root->Read(first, run, &batch));
      for (size_t i = 0; i < run; ++i) {
        ResultSeries series;
        for (const Sample& sample : SamplesOf(*root, batch.times(i), batch.floats(i))) {
          series.timestamps_ms.push_back(sample.timestamp_ms);
          series.values.push_back(sample.value);
        }
        if (series.values.empty()) continue;
        RETURN_IF_ERROR(context_.HoldSamples(series.values.size()));
        const Labels labels = root->labels(first + i);
        series.labels = root->drops_name(first + i) ? WithoutName(labels) : labels;
        result_.series.push_back(std::move(series));
      }
    }
    SortByLabels();
    return CheckDistinct();
  }

  // What a range vector shows of a series.
  static std::vector<Sample> SamplesOf(const RangeOperator& root,
                                       std::span<const TimestampMs> times,
                                       std::span<const double> values) {
    const WindowBounds inside = root.SampleWindow(0);
    WindowView window;
    const auto begin = std::upper_bound(times.begin(), times.end(), inside.start_ms);
    const auto end = std::upper_bound(begin, times.end(), inside.end_ms);
    window.times = times.data() + (begin - times.begin());
    window.values = values.data() + (begin - times.begin());
    window.count = static_cast<size_t>(end - begin);
    window.start_ms = root.Window(0).start_ms;
    window.end_ms = root.Window(0).end_ms;
    if (root.extension() != Extension::kNone) return ExtendSamples(root.extension(), window);
    std::vector<Sample> samples;
    for (size_t i = 0; i < window.count; ++i) {
      samples.push_back({window.times[i], window.values[i]});
    }
    return samples;
  }

  void SortByLabels() {
    std::sort(result_.series.begin(), result_.series.end(),
              [](const ResultSeries& a, const ResultSeries& b) { return a.labels < b.labels; });
  }

  // Series of a range vector that a dropped name made equal (in label order).
  Status CheckDistinct() const {
    const auto equal = std::adjacent_find(
        result_.series.begin(), result_.series.end(),
        [](const ResultSeries& a, const ResultSeries& b) { return a.labels == b.labels; });
    if (equal == result_.series.end()) return Status::Ok();
    return Status::OutOfRange("vector cannot contain metrics with the same labelset");
  }

  QueryContext& context_;
  const PlanNode& plan_;
  StepGrid grid_;
  QueryResult result_;
};

ParseOptions ParseOptionsOf(const EngineOptions& options) {
  ParseOptions parse;
  parse.experimental_functions = options.enable_experimental;
  parse.extended_range_selectors = options.enable_experimental;
  parse.fill_modifiers = options.enable_experimental;
  return parse;
}

Status CheckRangeType(const Expr& expr) {
  const ValueType type = TypeOf(expr);
  if (type == ValueType::kScalar || type == ValueType::kVector) return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("invalid expression type \"{}\" for range query, must be Scalar or instant "
                  "Vector",
                  ValueTypePhrase(type)));
}

Result<QueryResult> Evaluate(QueryContext& context, const Expr& expr, std::string_view query,
                             const StepGrid& grid) {
  const QueryTimes times{context.start_ms(), context.end_ms(), context.step_ms(),
                         context.engine().default_step_ms};
  ASSIGN_OR_RETURN(PlanPtr plan, MakePlan(expr, times));
  FoldConstants(plan, times);
  if (grid.count > 1) EvaluateOnce(plan);
  ASSIGN_OR_RETURN(QueryResult result, Evaluation(context, *plan, grid).Run());
  result.warnings = context.annotations().Warnings(query);
  result.infos = context.annotations().Infos(query);
  return result;
}

}  // namespace

Status EngineOptions::Validate() const {
  if (lookback_delta_ms <= 0) {
    return Status::InvalidArgument(
        fmt::format("query lookback delta must be positive, got {} ms", lookback_delta_ms));
  }
  if (default_step_ms <= 0) {
    return Status::InvalidArgument(
        fmt::format("evaluation interval must be positive, got {} ms", default_step_ms));
  }
  if (max_samples == 0) return Status::InvalidArgument("query max samples must be positive");
  return Status::Ok();
}

Engine::Engine(EngineOptions options, Executor& executor, const Clock& clock)
    : options_(options), executor_(executor), clock_(clock) {
  CHECK_OK(options_.Validate());
}

Result<QueryResult> Engine::Instant(const Queryable& source, std::string_view query,
                                    TimestampMs at_ms, const QueryOptions& options) const {
  const int64_t started_ns = clock_.SteadyNs();
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(query, ParseOptionsOf(options_)));
  at_ms = ClampMs(at_ms);
  QueryContext context(source, executor_, options_, options, at_ms, at_ms, 0);
  ASSIGN_OR_RETURN(QueryResult result, Evaluate(context, *expr, query, StepGrid{at_ms, 1, 1}));
  result.elapsed_ns = clock_.SteadyNs() - started_ns;
  return result;
}

Result<QueryResult> Engine::Range(const Queryable& source, std::string_view query,
                                  TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                                  const QueryOptions& options) const {
  const int64_t started_ns = clock_.SteadyNs();
  start_ms = ClampMs(start_ms);
  end_ms = ClampMs(end_ms);
  if (step_ms <= 0) return Status::InvalidArgument("zero or negative query resolution step");
  if (end_ms < start_ms) return Status::InvalidArgument("end timestamp must not be before start");
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(query, ParseOptionsOf(options_)));
  RETURN_IF_ERROR(CheckRangeType(*expr));
  const size_t steps = static_cast<size_t>((end_ms - start_ms) / step_ms) + 1;
  if (options_.max_steps != 0 && steps > options_.max_steps) {
    return Status::InvalidArgument(fmt::format(
        "query of {} steps exceeds the maximum of {} per series", steps, options_.max_steps));
  }
  QueryContext context(source, executor_, options_, options, start_ms, end_ms, step_ms);
  RETURN_IF_ERROR(context.CheckSteps(steps));
  ASSIGN_OR_RETURN(QueryResult result,
                   Evaluate(context, *expr, query, StepGrid{start_ms, step_ms, steps}));
  result.elapsed_ns = clock_.SteadyNs() - started_ns;
  return result;
}

}  // namespace thermocline::promql
