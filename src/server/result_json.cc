#include "server/result_json.h"

#include "wire/json.h"

namespace thermocline {
namespace {

void AppendVector(const promql::QueryResult& result, std::string* out) {
  *out += '[';
  bool first = true;
  for (const promql::ResultSeries& series : result.series) {
    if (!std::exchange(first, false)) *out += ',';
    *out += R"({"metric":)";
    AppendJsonLabels(out, series.labels);
    *out += R"(,"value":)";
    AppendJsonSample(out, series.timestamps_ms.front(), series.values.front());
    *out += '}';
  }
  *out += ']';
}

void AppendMatrix(const promql::QueryResult& result, std::string* out) {
  *out += '[';
  bool first = true;
  for (const promql::ResultSeries& series : result.series) {
    if (!std::exchange(first, false)) *out += ',';
    *out += R"({"metric":)";
    AppendJsonLabels(out, series.labels);
    *out += R"(,"values":)";
    AppendJsonSamples(out, series.timestamps_ms, series.values);
    *out += '}';
  }
  *out += ']';
}

std::string_view KindName(promql::ResultKind kind) {
  switch (kind) {
    case promql::ResultKind::kScalar: return "scalar";
    case promql::ResultKind::kString: return "string";
    case promql::ResultKind::kVector: return "vector";
    case promql::ResultKind::kMatrix: return "matrix";
  }
  return "";
}

}  // namespace

std::string EncodeResult(const promql::QueryResult& result, std::string_view stats) {
  std::string out = R"({"resultType":")";
  out += KindName(result.kind);
  out += R"(","result":)";
  switch (result.kind) {
    case promql::ResultKind::kScalar:
      AppendJsonSample(&out, result.series.front().timestamps_ms.front(),
                       result.series.front().values.front());
      break;
    case promql::ResultKind::kString:
      out += '[';
      AppendJsonTimestamp(&out, result.at_ms);
      out += ',';
      AppendJsonString(&out, result.text);
      out += ']';
      break;
    case promql::ResultKind::kVector: AppendVector(result, &out); break;
    case promql::ResultKind::kMatrix: AppendMatrix(result, &out); break;
  }
  if (!stats.empty()) {
    out += R"(,"stats":)";
    out += stats;
  }
  out += '}';
  return out;
}

}  // namespace thermocline
