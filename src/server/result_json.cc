#include "server/result_json.h"

#include <vector>

#include "model/float_histogram.h"
#include "promql/text.h"
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

void AppendQuotedFloat(double value, std::string* out) {
  *out += '"';
  AppendFloat(out, value);
  *out += '"';
}

// {"count":"1","sum":"2","buckets":[[0,"0.5","1","1"]]}: empty buckets are left out. The first
// number tells which bounds belong to the bucket. Source: Prometheus' util/jsonutil/marshal.go.
void AppendHistogram(const FloatHistogram& histogram, std::string* out) {
  *out += R"({"count":)";
  AppendQuotedFloat(histogram.count, out);
  *out += R"(,"sum":)";
  AppendQuotedFloat(histogram.sum, out);
  std::vector<HistogramBucket> buckets;
  AllBuckets(histogram, &buckets);
  bool any = false;
  for (const HistogramBucket& bucket : buckets) {
    if (bucket.count == 0) continue;
    *out += any ? "," : R"(,"buckets":[)";
    any = true;
    const int same_ends = bucket.lower_inclusive == bucket.upper_inclusive ? 2 : 0;
    *out += '[';
    *out += static_cast<char>('0' + (bucket.lower_inclusive ? 1 : 0) + same_ends);
    for (const double number : {bucket.lower, bucket.upper, bucket.count}) {
      *out += ',';
      AppendQuotedFloat(number, out);
    }
    *out += ']';
  }
  if (any) *out += ']';
  *out += '}';
}

void AppendHistogramSample(TimestampMs t_ms, const FloatHistogram& histogram, std::string* out) {
  *out += '[';
  AppendJsonTimestamp(out, t_ms);
  *out += ',';
  AppendHistogram(histogram, out);
  *out += ']';
}

// The points of a series that has histograms: floats and histograms apart.
void AppendMixedPoints(const promql::ResultSeries& series, std::string* out) {
  for (const bool histograms : {false, true}) {
    bool any = false;
    for (size_t i = 0; i < series.values.size(); ++i) {
      const FloatHistogram* const histogram = series.histogram(i);
      if ((histogram != nullptr) != histograms) continue;
      *out += any ? "," : histograms ? R"(,"histograms":[)" : R"(,"values":[)";
      any = true;
      if (histogram != nullptr) {
        AppendHistogramSample(series.timestamps_ms[i], *histogram, out);
      } else {
        AppendJsonSample(out, series.timestamps_ms[i], series.values[i]);
      }
    }
    if (any) *out += ']';
  }
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
    *out += '[';
    AppendFloat(out, static_cast<double>(series.timestamps_ms.front()) / 1000);
    *out += ",\"" + promql::FormatPlain(series.values.front()) + "\"]";
    return;
  }
  *out += R"({"metric":)";
  AppendJsonLabels(out, series.labels);
  if (kind == ResultKind::kVector && series.histogram(0) != nullptr) {
    *out += R"(,"histogram":)";
    AppendHistogramSample(series.timestamps_ms.front(), *series.histogram(0), out);
  } else if (kind == ResultKind::kVector) {
    *out += R"(,"value":)";
    AppendJsonSample(out, series.timestamps_ms.front(), series.values.front());
  } else if (!series.histograms.empty()) {
    AppendMixedPoints(series, out);
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
    AppendFloat(out, static_cast<double>(result.at_ms) / 1000);
    *out += ',';
    AppendJsonStringResult(out, result.text);
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
