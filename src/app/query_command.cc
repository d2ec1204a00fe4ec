// query: one PromQL query against a running server or on stored data, as lines or as JSON.
#include <fmt/core.h>

#include "app/command.h"
#include "app/explain_text.h"
#include "app/flags.h"
#include "app/open_source.h"
#include "app/query_text.h"
#include "env/posix/http_client.h"
#include "env/posix/posix_env.h"
#include "promql/explain.h"
#include "server/explain_json.h"
#include "server/reply.h"
#include "server/result_json.h"
#include "wire/parameters.h"

namespace thermocline {
namespace {

struct QueryArguments {
  std::string server = "http://127.0.0.1:9090";
  std::string storage;
  SourceFlags source;
  std::string time;
  std::string start;
  std::string end;
  std::string step = "1m";
  bool json = false;
  bool explain = false;
  bool analyze = false;
  bool range = false;
  std::string query;
};

void Register(QueryArguments* parsed, FlagTable* table) {
  table->AddString("server", &parsed->server, "URL of a running server.");
  table->AddString("storage", &parsed->storage,
                   "Data folder that no server has open, or any other source (see dump).");
  RegisterSourceFlags(&parsed->source, table);
  table->AddString("time", &parsed->time, "Evaluation time of an instant query; now by default.");
  table->AddString("start", &parsed->start, "First step of a range query.");
  table->AddString("end", &parsed->end, "Last step of a range query; now by default.");
  table->AddString("step", &parsed->step, "Distance of the steps.");
  table->AddSwitch(
      "explain", "bool|analyze", "false",
      [parsed](std::string_view text) -> Status {
        if (text != "true" && text != "false" && text != "analyze") {
          return Status::InvalidArgument("'" + std::string(text) +
                                         "' is none of true, false and analyze");
        }
        parsed->explain = text != "false";
        parsed->analyze = text == "analyze";
        return Status::Ok();
      },
      "Prints the plan instead of the answer; with =analyze runs it and tells what each step "
      "took.");
  table->AddBool("json", &parsed->json, "Prints the JSON of the HTTP API.");
}

Result<QueryArguments> Parse(const std::vector<std::string>& arguments) {
  QueryArguments parsed;
  FlagTable table;
  Register(&parsed, &table);
  ASSIGN_OR_RETURN(const auto words, table.ParseCommandLine(arguments));
  if (words.empty()) return WrongUsage("query", "query is instant or range, then an expression");
  if (words[0] != "instant" && words[0] != "range") {
    return WrongUsage("query", "query is instant or range, not '" + words[0] + "'");
  }
  if (words.size() != 2) {
    return WrongUsage("query",
                      fmt::format("query takes one expression, found {}", words.size() - 1));
  }
  parsed.range = words[0] == "range";
  parsed.query = words[1];
  if (parsed.range && parsed.start.empty()) {
    return Status::InvalidArgument("query range needs --start");
  }
  return parsed;
}

Result<std::string> AskServer(const QueryArguments& arguments) {
  HttpRequest request;
  request.method = "POST";
  request.url = arguments.server + (arguments.explain ? "/api/v1/query_explain"
                                    : arguments.range ? "/api/v1/query_range"
                                                      : "/api/v1/query");
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.timeout_ms = 180'000;
  request.body = "query=" + UrlEncode(arguments.query);
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) request.body += fmt::format("&{}={}", name, UrlEncode(value));
  };
  if (arguments.range) {
    add("start", arguments.start);
    add("end", arguments.end);
    add("step", arguments.step);
  } else {
    add("time", arguments.time);
  }
  if (arguments.analyze) add("analyze", "true");
  ASSIGN_OR_RETURN(HttpResponse response, Fetch(request));
  return std::move(response.body);
}

Result<TimestampMs> TimeOr(const std::string& text, TimestampMs fallback_ms) {
  if (text.empty()) return fallback_ms;
  return ParseTime(text);
}

Result<promql::ExplainRequest> TimesOf(const QueryArguments& arguments, TimestampMs now_ms) {
  promql::ExplainRequest times;
  times.query = arguments.query;
  times.analyze = arguments.analyze;
  if (!arguments.range) {
    ASSIGN_OR_RETURN(times.start_ms, TimeOr(arguments.time, now_ms));
    return times;
  }
  ASSIGN_OR_RETURN(times.start_ms, ParseTime(arguments.start));
  ASSIGN_OR_RETURN(times.end_ms, TimeOr(arguments.end, now_ms));
  ASSIGN_OR_RETURN(times.step_ms, ParseDurationOrSecondsMs(arguments.step));
  if (times.step_ms <= 0) return Status::InvalidArgument("--step must be positive");
  return times;
}

Result<std::string> AskFolder(const QueryArguments& arguments) {
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 2);
  const Env env = posix.env();
  ASSIGN_OR_RETURN(const auto source, OpenAnySource(env, arguments.storage, arguments.source));
  const promql::Engine engine(promql::EngineOptions{}, env.executor, env.clock);
  ASSIGN_OR_RETURN(const promql::ExplainRequest times, TimesOf(arguments, env.clock.NowMs()));
  if (arguments.explain) {
    ASSIGN_OR_RETURN(const auto explained, engine.Explain(*source, times, {}));
    ReportDamage(arguments.storage, *source);
    return Success(ExplanationJson(explained), explained.result.warnings, explained.result.infos)
        .body;
  }
  promql::QueryResult result;
  if (arguments.range) {
    ASSIGN_OR_RETURN(result, engine.Range(*source, arguments.query, times.start_ms, times.end_ms,
                                          times.step_ms, {}));
  } else {
    ASSIGN_OR_RETURN(result, engine.Instant(*source, arguments.query, times.start_ms, {}));
  }
  ReportDamage(arguments.storage, *source);
  return Success(EncodeResult(result), result.warnings, result.infos).body;
}

}  // namespace

std::string QueryFlags() {
  QueryArguments arguments;
  FlagTable table;
  Register(&arguments, &table);
  return table.HelpText();
}

int RunQuery(const Invocation& invocation) {
  const auto arguments = Parse(invocation.arguments);
  if (!arguments.ok()) return Complain(arguments.status());
  const auto body = arguments->storage.empty() ? AskServer(*arguments) : AskFolder(*arguments);
  if (!body.ok()) return Complain(body.status());
  if (arguments->json) {
    fmt::print("{}\n", *body);
    return body->starts_with(R"({"status":"success")") ? kExitOk : kExitFailed;
  }
  const auto text = arguments->explain ? ExplainText(*body) : QueryText(*body);
  if (!text.ok()) return Complain(text.status());
  fmt::print("{}", *text);
  return kExitOk;
}

}  // namespace thermocline
