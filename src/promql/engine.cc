#include "promql/engine.h"

#include <fmt/core.h>

#include <algorithm>

#include "promql/exec/analysis.h"
#include "promql/exec/evaluation.h"
#include "promql/exec/sample_statistics.h"
#include "promql/exec/shared.h"
#include "promql/exec/subquery.h"
#include "promql/explain.h"
#include "promql/parser.h"
#include "promql/plan/explain_plan.h"
#include "promql/printer.h"

namespace thermocline::promql {
namespace {

Status CheckRangeType(const Expr& expr) {
  const ValueType type = TypeOf(expr);
  if (type == ValueType::kScalar || type == ValueType::kVector) return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("invalid expression type \"{}\" for range query, must be Scalar or instant "
                  "Vector",
                  ValueTypePhrase(type)));
}

Status CheckTimes(TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms) {
  if (step_ms <= 0) return Status::InvalidArgument("zero or negative query resolution step");
  if (end_ms < start_ms) return Status::InvalidArgument("end timestamp must not be before start");
  return Status::Ok();
}

// The steps of a range query.
Result<StepGrid> RangeSteps(const Expr& expr, const EngineOptions& options, TimestampMs start_ms,
                            TimestampMs end_ms, int64_t step_ms) {
  RETURN_IF_ERROR(CheckRangeType(expr));
  const size_t steps = static_cast<size_t>((end_ms - start_ms) / step_ms) + 1;
  if (options.max_steps != 0 && steps > options.max_steps) {
    return Status::InvalidArgument(fmt::format(
        "query of {} steps exceeds the maximum of {} per series", steps, options.max_steps));
  }
  return StepGrid{start_ms, step_ms, steps, start_ms == end_ms};
}

Result<PlanPtr> PlanQuery(const QueryContext& context, const Expr& expr, const StepGrid& grid) {
  const QueryTimes times{context.start_ms(), context.end_ms(), context.step_ms(),
                         context.engine().default_step_ms};
  ASSIGN_OR_RETURN(PlanPtr plan, MakePlan(expr, times));
  EngineOptions engine = context.engine();
  // Prometheus' counts are those of every node as it stands in the query.
  if (context.query().count_samples) engine.rewrites = RewriteOptions::None();
  RewritePlan(plan, times, engine);
  RETURN_IF_ERROR(CheckSubquerySteps(*plan, grid, context.engine().max_subquery_steps));
  return plan;
}

Result<QueryResult> RunPlan(QueryContext& context, const PlanNode& plan, std::string_view query,
                            const StepGrid& grid, ResultSink* sink) {
  if (context.query().count_samples) context.CountSamplesOf(plan);
  const int64_t started_ns = context.clock().SteadyNs();
  auto evaluated = EvaluatePlan(context, plan, grid, sink);
  // What was kept for users that never came must not outlive the plan.
  context.shared() = SharedTable();
  ASSIGN_OR_RETURN(QueryResult result, std::move(evaluated));
  result.timings.evaluation_ns = context.clock().SteadyNs() - started_ns - result.timings.sort_ns;
  if (context.tallies() != nullptr) {
    result.statistics = CountAsPrometheus(plan, grid, *context.tallies());
  }
  result.warnings = context.annotations().Warnings(query);
  result.infos = context.annotations().Infos(query);
  return result;
}

Result<QueryResult> Evaluate(QueryContext& context, const Expr& expr, std::string_view query,
                             const StepGrid& grid, ResultSink* sink) {
  const int64_t started_ns = context.clock().SteadyNs();
  ASSIGN_OR_RETURN(const PlanPtr plan, PlanQuery(context, expr, grid));
  const int64_t planned_ns = context.clock().SteadyNs();
  ASSIGN_OR_RETURN(QueryResult result, RunPlan(context, *plan, query, grid, sink));
  result.timings.preparation_ns = planned_ns - started_ns;
  return result;
}

class CountingSink : public ResultSink {
 public:
  explicit CountingSink(Explanation* counted) : counted_(counted) {}
  Status Begin(ResultKind) override { return Status::Ok(); }
  Status Add(ResultSeries series) override {
    ++counted_->series;
    counted_->samples += series.values.size();
    return Status::Ok();
  }

 private:
  Explanation* counted_;
};

}  // namespace

ParseOptions ParseOptionsOf(const EngineOptions& options) {
  ParseOptions parse;
  parse.experimental_functions = options.enable_experimental;
  parse.extended_range_selectors = options.extended_range_selectors;
  parse.fill_modifiers = options.fill_modifiers;
  return parse;
}

Status EngineOptions::Validate() const {
  if (lookback_delta_ms <= 0) {
    return Status::InvalidArgument(
        fmt::format("query lookback delta must be positive, got {} ms", lookback_delta_ms));
  }
  if (default_step_ms <= 0) {
    return Status::InvalidArgument(
        fmt::format("evaluation interval must be positive, got {} ms", default_step_ms));
  }
  if (tile_bytes == 0) return Status::InvalidArgument("query tile bytes must be positive");
  if (max_samples == 0) return Status::InvalidArgument("query max samples must be positive");
  return Status::Ok();
}

Engine::Engine(EngineOptions options, Executor& executor, const Clock& clock)
    : options_(options), executor_(executor), clock_(clock) {
  CHECK_OK(options_.Validate());
}

Result<QueryResult> Engine::Instant(const Queryable& source, std::string_view query,
                                    TimestampMs at_ms, const QueryOptions& options) const {
  return RunInstant(source, query, at_ms, options, nullptr);
}

Result<QueryResult> Engine::Range(const Queryable& source, std::string_view query,
                                  TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                                  const QueryOptions& options) const {
  return RunRange(source, query, start_ms, end_ms, step_ms, options, nullptr);
}

Result<QueryResult> Engine::StreamInstant(const Queryable& source, std::string_view query,
                                          TimestampMs at_ms, const QueryOptions& options,
                                          ResultSink& sink) const {
  return RunInstant(source, query, at_ms, options, &sink);
}

Result<QueryResult> Engine::StreamRange(const Queryable& source, std::string_view query,
                                        TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                                        const QueryOptions& options, ResultSink& sink) const {
  return RunRange(source, query, start_ms, end_ms, step_ms, options, &sink);
}

Result<QueryResult> Engine::RunInstant(const Queryable& source, std::string_view query,
                                       TimestampMs at_ms, const QueryOptions& options,
                                       ResultSink* sink) const {
  const int64_t started_ns = clock_.SteadyNs();
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(query, ParseOptionsOf(options_)));
  at_ms = ClampMs(at_ms);
  QueryContext context(source, executor_, clock_, options_, options, at_ms, at_ms, 0);
  ASSIGN_OR_RETURN(QueryResult result,
                   Evaluate(context, *expr, query, StepGrid{at_ms, 1, 1, true}, sink));
  result.elapsed_ns = clock_.SteadyNs() - started_ns;
  return result;
}

Result<QueryResult> Engine::RunRange(const Queryable& source, std::string_view query,
                                     TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                                     const QueryOptions& options, ResultSink* sink) const {
  const int64_t started_ns = clock_.SteadyNs();
  start_ms = ClampMs(start_ms);
  end_ms = ClampMs(end_ms);
  RETURN_IF_ERROR(CheckTimes(start_ms, end_ms, step_ms));
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(query, ParseOptionsOf(options_)));
  ASSIGN_OR_RETURN(const StepGrid grid, RangeSteps(*expr, options_, start_ms, end_ms, step_ms));
  QueryContext context(source, executor_, clock_, options_, options, start_ms, end_ms, step_ms);
  RETURN_IF_ERROR(context.CheckSteps(grid.count));
  ASSIGN_OR_RETURN(QueryResult result, Evaluate(context, *expr, query, grid, sink));
  result.elapsed_ns = clock_.SteadyNs() - started_ns;
  return result;
}

Result<Explanation> Engine::Explain(const Queryable& source, const ExplainRequest& request,
                                    const QueryOptions& options) const {
  const int64_t started_ns = clock_.SteadyNs();
  const bool instant = request.step_ms == 0;
  const TimestampMs start_ms = ClampMs(request.start_ms);
  const TimestampMs end_ms = instant ? start_ms : ClampMs(request.end_ms);
  if (!instant) RETURN_IF_ERROR(CheckTimes(start_ms, end_ms, request.step_ms));
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(request.query, ParseOptionsOf(options_)));
  StepGrid grid{start_ms, 1, 1, true};
  if (!instant) {
    ASSIGN_OR_RETURN(grid, RangeSteps(*expr, options_, start_ms, end_ms, request.step_ms));
  }
  Explanation explanation;
  explanation.query = Print(*expr);
  const auto total = std::make_shared<NodeRecord>();
  QueryOptions measured = options;
  measured.counters = &total->read;
  QueryContext context(source, executor_, clock_, options_, measured, start_ms, end_ms,
                       request.step_ms);
  RETURN_IF_ERROR(context.CheckSteps(grid.count));
  ASSIGN_OR_RETURN(const PlanPtr plan, PlanQuery(context, *expr, grid));
  if (!request.analyze) {
    explanation.plan = ExplainPlan(*plan, nullptr);
    return explanation;
  }
  const PlanAnalysis analysis(*plan, clock_);
  context.set_analysis(&analysis);
  CountingSink sink(&explanation);
  ASSIGN_OR_RETURN(explanation.result, RunPlan(context, *plan, request.query, grid, &sink));
  explanation.result.elapsed_ns = clock_.SteadyNs() - started_ns;
  analysis.AddReads(&total->read);
  if (options.counters != nullptr) options.counters->Add(total->read);
  explanation.total = total;
  explanation.plan =
      ExplainPlan(*plan, [&analysis](const PlanNode& node) { return analysis.Share(node); });
  return explanation;
}

}  // namespace thermocline::promql
