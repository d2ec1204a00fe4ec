#include "promql/engine.h"

#include <fmt/core.h>

#include <algorithm>

#include "promql/exec/evaluation.h"
#include "promql/exec/subquery.h"
#include "promql/parser.h"

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

Result<QueryResult> Evaluate(QueryContext& context, const Expr& expr, std::string_view query,
                             const StepGrid& grid, ResultSink* sink) {
  const QueryTimes times{context.start_ms(), context.end_ms(), context.step_ms(),
                         context.engine().default_step_ms};
  ASSIGN_OR_RETURN(PlanPtr plan, MakePlan(expr, times));
  FoldConstants(plan, times);
  if (grid.count > 1) EvaluateOnce(plan);
  RETURN_IF_ERROR(CheckSubquerySteps(*plan, grid, context.engine().max_subquery_steps));
  NameFunctions(*plan);
  ShortenHistograms(*plan);
  AskInResultOrder(*plan, context.is_instant());
  ASSIGN_OR_RETURN(QueryResult result, EvaluatePlan(context, *plan, grid, sink));
  result.warnings = context.annotations().Warnings(query);
  result.infos = context.annotations().Infos(query);
  return result;
}

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
  QueryContext context(source, executor_, options_, options, at_ms, at_ms, 0);
  ASSIGN_OR_RETURN(QueryResult result,
                   Evaluate(context, *expr, query, StepGrid{at_ms, 1, 1}, sink));
  result.elapsed_ns = clock_.SteadyNs() - started_ns;
  return result;
}

Result<QueryResult> Engine::RunRange(const Queryable& source, std::string_view query,
                                     TimestampMs start_ms, TimestampMs end_ms, int64_t step_ms,
                                     const QueryOptions& options, ResultSink* sink) const {
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
                   Evaluate(context, *expr, query, StepGrid{start_ms, step_ms, steps}, sink));
  result.elapsed_ns = clock_.SteadyNs() - started_ns;
  return result;
}

}  // namespace thermocline::promql
