#include "server/query_log.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <utility>

#include "wire/json.h"

namespace thermocline {
namespace {

// As Go's 2006-01-02T15:04:05.000Z07:00 in UTC.
std::string DateOf(TimestampMs t_ms) {
  const int64_t seconds = FloorTo(t_ms, kSecondMs) / kSecondMs;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<time_t>(seconds)),
                     t_ms - seconds * kSecondMs);
}

void AppendMember(std::string_view name, std::string_view text, std::string* out) {
  fmt::format_to(std::back_inserter(*out), R"("{}":)", name);
  AppendJsonString(out, text);
}

}  // namespace

std::string QueryLogLine(const LoggedQuery& query, TimestampMs now_ms) {
  std::string line = fmt::format(
      R"({{"time":"{}","level":"INFO","source":"query_log","msg":"promql query logged",)"
      R"("params":{{"end":"{}",)",
      DateOf(now_ms), DateOf(query.end_ms));
  AppendMember("query", query.text, &line);
  fmt::format_to(std::back_inserter(line), R"(,"start":"{}","step":{}}})", DateOf(query.start_ms),
                 query.step_ms / kSecondMs);
  if (!query.error.empty()) {
    line += ',';
    AppendMember("error", query.error, &line);
  }
  line += R"(,"stats":)";
  line += query.statistics;
  line += R"(,"spanID":"0000000000000000","traceID":"00000000000000000000000000000000",)";
  line += R"("httpRequest":{)";
  AppendMember("clientIP", query.client, &line);
  line += ',';
  AppendMember("method", query.method, &line);
  line += ',';
  AppendMember("path", query.path, &line);
  return line + "}}\n";
}

QueryLog::QueryLog(std::string path, Env env)
    : path_(std::move(path)),
      env_(env),
      failures_(env.metrics.GetCounter("thermocline_query_log_failures_total",
                                       "Lines of the query log that could not be written.")) {}

Result<std::unique_ptr<QueryLog>> QueryLog::Open(const std::string& path, Env env) {
  std::unique_ptr<QueryLog> log(new QueryLog(path, env));
  MutexLock lock(log->mutex_);
  RETURN_IF_ERROR(log->Append(""));
  return log;
}

Status QueryLog::Append(std::string_view line) {
  const auto info = env_.files.Stat(path_);
  if (!info.ok() || info->size_bytes < size_bytes_) file_.reset();
  if (file_ == nullptr) {
    ASSIGN_OR_RETURN(file_, env_.files.OpenForWrite(path_, OpenMode::kKeep));
    const auto opened = env_.files.Stat(path_);
    size_bytes_ = opened.ok() ? opened->size_bytes : 0;
  }
  RETURN_IF_ERROR(file_->Append(line));
  size_bytes_ += line.size();
  return {};
}

void QueryLog::Write(const LoggedQuery& query) {
  const std::string line = QueryLogLine(query, env_.clock.NowMs());
  MutexLock lock(mutex_);
  const Status status = Append(line);
  if (!status.ok()) failures_.Increment();
  if (!status.ok() && !failing_) {
    env_.logger.Log(LogLevel::kError, "server", "The query log cannot be written",
                    {{"file", path_}, {"error", status.ToString()}});
  }
  failing_ = !status.ok();
}

}  // namespace thermocline
