#include "server/result_json.h"

#include "wire/json.h"

namespace thermocline {
namespace {

using promql::ResultKind;

std::string_view KindName(ResultKind kind) {
  switch (kind) {
    case ResultKind::kScalar: return "scalar";
    case ResultKind::kString: return "string";
    case ResultKind::kVector: return "vector";
    case ResultKind::kMatrix: return "matrix";
  }
  return "";
}

bool IsList(ResultKind kind) { return kind == ResultKind::kVector || kind == ResultKind::kMatrix; }

}  // namespace

void AppendResultBegin(ResultKind kind, std::string* out) {
  *out += R"({"resultType":")";
  *out += KindName(kind);
  *out += R"(","result":)";
  if (IsList(kind)) *out += '[';
}

void AppendResultSeries(ResultKind kind, const promql::ResultSeries& series, std::string* out) {
  if (kind == ResultKind::kScalar) {
    AppendJsonSample(out, series.timestamps_ms.front(), series.values.front());
    return;
  }
  *out += R"({"metric":)";
  AppendJsonLabels(out, series.labels);
  if (kind == ResultKind::kVector) {
    *out += R"(,"value":)";
    AppendJsonSample(out, series.timestamps_ms.front(), series.values.front());
  } else {
    *out += R"(,"values":)";
    AppendJsonSamples(out, series.timestamps_ms, series.values);
  }
  *out += '}';
}

void AppendResultEnd(const promql::QueryResult& result, std::string_view stats, std::string* out) {
  if (IsList(result.kind)) *out += ']';
  if (result.kind == ResultKind::kString) {
    *out += '[';
    AppendJsonTimestamp(out, result.at_ms);
    *out += ',';
    AppendJsonString(out, result.text);
    *out += ']';
  }
  if (!stats.empty()) {
    *out += R"(,"stats":)";
    *out += stats;
  }
  *out += '}';
}

std::string EncodeResult(const promql::QueryResult& result, std::string_view stats) {
  std::string out;
  AppendResultBegin(result.kind, &out);
  bool first = true;
  for (const promql::ResultSeries& series : result.series) {
    if (!std::exchange(first, false)) out += ',';
    AppendResultSeries(result.kind, series, &out);
  }
  AppendResultEnd(result, stats, &out);
  return out;
}

}  // namespace thermocline
