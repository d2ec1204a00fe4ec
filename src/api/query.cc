#include <thermocline/query.h>

#include <utility>

#include "api/bridge.h"
#include "api/opened.h"
#include "model/float_histogram.h"
#include "promql/engine.h"
#include "promql/parser.h"
#include "promql/printer.h"

namespace thermocline::api {

struct QueryEngine::State {
  std::shared_ptr<PosixEnv> machine;
  std::unique_ptr<const promql::Engine> engine;
};

namespace {

ValueType TypeOf(promql::ResultKind kind) {
  switch (kind) {
    case promql::ResultKind::kScalar: return ValueType::kScalar;
    case promql::ResultKind::kString: return ValueType::kString;
    case promql::ResultKind::kVector: return ValueType::kVector;
    case promql::ResultKind::kMatrix: break;
  }
  return ValueType::kMatrix;
}

ValueType TypeOf(promql::ValueType type) {
  switch (type) {
    case promql::ValueType::kScalar: return ValueType::kScalar;
    case promql::ValueType::kString: return ValueType::kString;
    case promql::ValueType::kMatrix: return ValueType::kMatrix;
    case promql::ValueType::kVector:
    case promql::ValueType::kNone: break;
  }
  return ValueType::kVector;
}

// A tree that was parsed is at most promql::kMaxTreeDepth deep.
void CollectSelectors(const promql::Expr& expr, int64_t range_ms,
                      std::vector<QuerySelector>* selectors) {
  if (expr.kind == promql::ExprKind::kVectorSelector) {
    const auto& selector = promql::As<promql::VectorSelector>(expr);
    selectors->push_back({ToApi(selector.matchers), range_ms, selector.time.offset_ms});
    return;
  }
  if (expr.kind == promql::ExprKind::kMatrixSelector) {
    range_ms = promql::As<promql::MatrixSelector>(expr).range_ms;
  } else {
    range_ms = 0;
  }
  promql::ForEachChild(
      expr, [&](const promql::Expr& child) { CollectSelectors(child, range_ms, selectors); });
}

thermocline::Result<ParsedQuery> Parse(std::string_view query) {
  ASSIGN_OR_RETURN(const promql::ExprPtr expr, promql::Parse(query));
  ParsedQuery parsed;
  parsed.text = promql::Print(*expr);
  parsed.type = TypeOf(promql::TypeOf(*expr));
  CollectSelectors(*expr, 0, &parsed.selectors);
  return parsed;
}

thermocline::Result<std::shared_ptr<const QueryEngine::State>> MakeState(
    const QueryOptions& options) {
  promql::EngineOptions inner;
  inner.lookback_delta_ms = options.lookback_ms;
  inner.max_samples = options.max_samples;
  inner.default_step_ms = options.default_step_ms;
  inner.enable_experimental = options.experimental;
  inner.extended_range_selectors = options.experimental;
  inner.fill_modifiers = options.experimental;
  RETURN_IF_ERROR(inner.Validate());
  auto state = std::make_shared<QueryEngine::State>();
  ASSIGN_OR_RETURN(state->machine, NewMachine(options.threads));
  state->engine = std::make_unique<const promql::Engine>(inner, state->machine->executor,
                                                         state->machine->clock);
  return std::shared_ptr<const QueryEngine::State>(std::move(state));
}

QuerySeries SeriesOf(promql::ResultSeries series) {
  QuerySeries out;
  out.labels = LabelBytes::Of(series.labels);
  out.timestamps_ms = std::move(series.timestamps_ms);
  out.values = std::move(series.values);
  out.histograms.resize(series.histograms.size());
  for (size_t i = 0; i < series.histograms.size(); ++i) {
    if (series.histograms[i] == nullptr) continue;
    out.histograms[i] = std::make_shared<Histogram>(ToApi(ToStored(*series.histograms[i])));
    out.values[i] = series.histograms[i]->sum;
  }
  return out;
}

Result<QueryResult> ResultOf(thermocline::Result<promql::QueryResult> answer) {
  if (!answer.ok()) return ToApi(answer.status());
  QueryResult out;
  out.type = TypeOf(answer->kind);
  for (promql::ResultSeries& series : answer->series) {
    out.series.push_back(SeriesOf(std::move(series)));
  }
  out.text = std::move(answer->text);
  out.warnings = std::move(answer->warnings);
  out.infos = std::move(answer->infos);
  out.samples_scanned = answer->samples_scanned;
  return out;
}

}  // namespace

Result<ParsedQuery> ParseQuery(std::string_view query) { return ToApi(Parse(query)); }

QueryEngine::QueryEngine(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Result<QueryEngine> QueryEngine::Make(const QueryOptions& options) {
  auto state = MakeState(options);
  if (!state.ok()) return ToApi(state.status());
  return QueryEngine(*std::move(state));
}

Result<QueryResult> QueryEngine::Instant(const Source& source, std::string_view query,
                                         int64_t at_ms) const {
  return ResultOf(state_->engine->Instant(*source.state().source, query, at_ms, {}));
}

Result<QueryResult> QueryEngine::Range(const Source& source, std::string_view query,
                                       int64_t start_ms, int64_t end_ms, int64_t step_ms) const {
  if (step_ms <= 0) return Status(Code::kInvalidArgument, "step_ms must be positive");
  return ResultOf(
      state_->engine->Range(*source.state().source, query, start_ms, end_ms, step_ms, {}));
}

}  // namespace thermocline::api
