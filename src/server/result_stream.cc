#include "server/result_stream.h"

#include "server/reply.h"
#include "server/result_json.h"

namespace thermocline {

Status ResultStream::Begin(promql::ResultKind kind) {
  kind_ = kind;
  text_ = kSuccessBegin;
  AppendResultBegin(kind, &text_);
  return Status::Ok();
}

Status ResultStream::Add(promql::ResultSeries series) {
  ++series_;
  if (truncated()) return Status::Ok();
  if (series_ > 1) text_ += ',';
  AppendResultSeries(kind_, series, &text_);
  return sender_.Offer(&text_);
}

Response ResultStream::Succeed(promql::QueryResult& result, std::string_view stats,
                               std::string_view trace) {
  if (truncated()) result.warnings.emplace_back("results truncated due to limit");
  AppendResultEnd(result, stats, &text_);
  if (!trace.empty()) text_.append(R"(,"trace":)").append(trace);
  AppendSuccessEnd(result.warnings, result.infos, &text_);
  return sender_.Finish(std::move(text_));
}

}  // namespace thermocline
