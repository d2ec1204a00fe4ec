// PromQL over a source: parsed alone, or evaluated as Prometheus 3 does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <thermocline/export.h>
#include <thermocline/labels.h>
#include <thermocline/samples.h>
#include <thermocline/source.h>
#include <thermocline/status.h>

namespace thermocline::api {

enum class ValueType { kScalar, kVector, kMatrix, kString };

// One selector of a query.
struct QuerySelector {
  std::vector<Matcher> matchers;
  int64_t range_ms = 0;   // of a range selector, else 0
  int64_t offset_ms = 0;  // as written
};

struct ParsedQuery {
  std::string text;  // as Prometheus prints it; parses to the same again
  ValueType type = ValueType::kVector;
  std::vector<QuerySelector> selectors;  // in the order of evaluation
};

// InvalidArgument with Prometheus' message and the position, "1:5: parse error: ...".
THERMOCLINE_API Result<ParsedQuery> ParseQuery(std::string_view query);

struct QueryOptions {
  int64_t lookback_ms = 5 * 60 * 1000;  // how far an instant selector looks back
  uint64_t max_samples = 50'000'000;    // held at once; more is ResourceExhausted
  int64_t default_step_ms = 60 * 1000;  // of subqueries that name none
  bool experimental = false;            // functions behind Prometheus' feature flags
  int threads = 2;
};

struct QuerySeries {
  Labels labels;
  std::vector<int64_t> timestamps_ms;
  std::vector<double> values;  // of a histogram its sum
  // Empty when all points are floats, else parallel: null for a float. Always float histograms.
  std::vector<std::shared_ptr<const Histogram>> histograms;
};

// kScalar: one series without labels, one point. kString: `text`. kVector: a point a series.
struct QueryResult {
  ValueType type = ValueType::kVector;
  std::vector<QuerySeries> series;  // of a matrix in label order
  std::string text;
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  uint64_t samples_scanned = 0;
};

// Threads: const members may be called at once; they share the engine's threads.
class THERMOCLINE_API QueryEngine {
 public:
  // InvalidArgument for options out of range.
  static Result<QueryEngine> Make(const QueryOptions& options = {});

  // Errors: InvalidArgument (the text), ResourceExhausted, OutOfRange (execution), and the
  // source's.
  Result<QueryResult> Instant(const Source& source, std::string_view query, int64_t at_ms) const;
  // Steps start_ms, start_ms + step_ms, ... up to end_ms.
  Result<QueryResult> Range(const Source& source, std::string_view query, int64_t start_ms,
                            int64_t end_ms, int64_t step_ms) const;

  struct State;
  explicit QueryEngine(std::shared_ptr<const State> state);  // of the library

 private:
  std::shared_ptr<const State> state_;
};

}  // namespace thermocline::api
