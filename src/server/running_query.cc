#include "server/running_query.h"

#include <fmt/core.h>

#include "base/duration.h"
#include "server/query_log.h"
#include "server/query_statistics.h"
#include "server/reply.h"
#include "wire/json.h"

namespace thermocline {

RunningQuery::RunningQuery(const RouteCall& call, const QuerySettings& settings)
    : call_(call),
      settings_(settings),
      text_(call.parameters.Get("query")),
      statistics_(call.parameters.Get("stats")),
      clock_(call.context.env.clock),
      started_ns_(clock_.SteadyNs()),
      client_gone_(call.request.stop, [this] { stop_.request_stop(); }),
      stream_(call, settings.limit),
      budget_(
          stop_.get_token(), started_ns_ + settings.timeout_ms * 1'000'000,
          [this] { return clock_.SteadyNs() - stream_.excused_ns(); },
          call.context.options.query_memory_bytes, call.context.all_queries) {
  if (settings.trace) trace_.emplace(call.context.storage, clock_);
  if (call.context.active_queries != nullptr) {
    entry_.emplace(*call.context.active_queries, Describe());
  }
}

ActiveQuery RunningQuery::Describe() const {
  ActiveQuery query;
  query.text = text_;
  query.start_ms = settings_.start_ms;
  query.end_ms = settings_.end_ms;
  query.step_ms = settings_.step_ms;
  query.started_ms = clock_.NowMs();
  query.started_steady_ns = started_ns_;
  query.client = call_.request.remote_address;
  query.stop = stop_;
  query.budget = &budget_;
  query.counters = &counters_;
  return query;
}

Response RunningQuery::Run() {
  Result<promql::QueryResult> result = Evaluate();
  // Text that does not parse never ran.
  if (call_.context.query_log != nullptr && result.status().code() != Code::kInvalidArgument) {
    promql::QueryResult nothing;
    nothing.statistics.emplace();
    nothing.elapsed_ns = clock_.SteadyNs() - started_ns_;
    WriteLog(result.ok() ? *result : nothing, result.status());
  }
  return result.ok() ? Succeed(&*result) : Fail(result.status());
}

Result<promql::QueryResult> RunningQuery::Evaluate() {
  promql::QueryOptions options;
  options.budget = &budget_;
  options.counters = &counters_;
  options.lookback_delta_ms = settings_.lookback_delta_ms;
  options.count_samples = !statistics_.empty() || call_.context.query_log != nullptr;
  const promql::Engine& engine = call_.context.engine;
  const Queryable& storage =
      trace_ ? static_cast<const Queryable&>(*trace_) : call_.context.storage;
  if (settings_.step_ms == 0) {
    return engine.StreamInstant(storage, text_, settings_.start_ms, options, stream_);
  }
  return engine.StreamRange(storage, text_, settings_.start_ms, settings_.end_ms, settings_.step_ms,
                            options, stream_);
}

std::string RunningQuery::Statistics(const promql::QueryResult& result, bool per_step) const {
  const ServedNs served{started_ns_ - call_.request.received_steady_ns,
                        clock_.SteadyNs() - started_ns_};
  return StatisticsJson(result, served, per_step);
}

Response RunningQuery::Succeed(promql::QueryResult* result) {
  const std::string trace = trace_ ? trace_->Json(text_, stream_.sending_ns()) : "";
  if (statistics_.empty()) return stream_.Succeed(*result, "", trace);
  const bool all = statistics_ == "all";
  if (!all && statistics_ != "true") {
    result->warnings.push_back(fmt::format(
        "value {} for parameter \"stats\" is deprecated and will be rejected in the next "
        "major release, use \"true\" or \"all\"",
        GoQuote(statistics_)));
  }
  std::string json = Statistics(*result, all && call_.context.engine.options().per_step_statistics);
  json.pop_back();
  return stream_.Succeed(*result, json + R"(,"tiers":)" + TiersJson(counters_) + '}', trace);
}

Response RunningQuery::Fail(const Status& status) {
  Response failure;
  switch (status.code()) {
    // Text that does not parse is the parameter's fault and says so.
    case Code::kInvalidArgument:
      failure = Failure(InvalidParameter("query", status.message()), false);
      break;
    case Code::kDeadlineExceeded: {
      const bool servers = settings_.timeout_ms == call_.context.options.query_timeout_ms;
      failure = Failure(
          Status::DeadlineExceeded(fmt::format(
              "{}: it may run {} ({})", status.message(), FormatDurationMs(settings_.timeout_ms),
              servers ? "--query.timeout" : "the request's timeout")),
          true);
      break;
    }
    default: failure = Failure(status, true);
  }
  failure = stream_.Fail(std::move(failure));
  if (failure.sent) {
    call_.context.env.logger.Log(LogLevel::kWarn, "server", "An answer broke off",
                                 {{"error", status.ToString()}});
  }
  return failure;
}

void RunningQuery::WriteLog(const promql::QueryResult& result, const Status& status) const {
  const bool per_step = statistics_ == "all" && call_.context.engine.options().per_step_statistics;
  const std::string statistics = Statistics(result, per_step);
  LoggedQuery line;
  line.text = text_;
  line.start_ms = settings_.start_ms;
  line.end_ms = settings_.end_ms;
  line.step_ms = settings_.step_ms;
  line.error = status.message();
  line.statistics = statistics;
  line.client = call_.request.remote_address;
  line.method = call_.request.method;
  line.path = call_.request.path;
  call_.context.query_log->Write(line);
}

}  // namespace thermocline
