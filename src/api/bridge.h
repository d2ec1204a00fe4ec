// Between the types of the public headers and ours: values are moved, nothing is decided here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <thermocline/chunks.h>
#include <thermocline/labels.h>
#include <thermocline/samples.h>
#include <thermocline/source.h>
#include <thermocline/status.h>

#include "base/result.h"
#include "base/time.h"
#include "model/chunk.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/queryable.h"

namespace thermocline::api {

Status ToApi(const thermocline::Status& status);
thermocline::Status ToInner(const Status& status);

template <typename T>
Result<T> ToApi(thermocline::Result<T> result) {
  if (!result.ok()) return ToApi(result.status());
  return *std::move(result);
}

// The packed bytes of a public label set, which are canonical.
struct LabelBytes {
  static Labels Of(LabelsView labels) {
    Labels made;
    made.packed_ = std::string(labels.packed());
    return made;
  }
  static LabelsView View(const Labels& labels) { return LabelsView(labels.packed_); }
  static thermocline::Labels Copy(const Labels& labels) {
    return thermocline::Labels(View(labels));
  }
};

inline thermocline::TimeRange ToInner(const TimeRange& range) {
  return {range.start_ms, range.end_ms};
}
inline TimeRange ToApi(const thermocline::TimeRange& range) {
  return {range.start_ms, range.end_ms};
}

thermocline::Result<std::vector<thermocline::Matcher>> CompileMatchers(
    const std::vector<Matcher>& matchers);
std::vector<Matcher> ToApi(const std::vector<thermocline::Matcher>& matchers);
thermocline::Result<SelectRequest> RequestOf(const Selection& selection);

thermocline::Histogram ToInner(Histogram histogram);
Histogram ToApi(thermocline::Histogram histogram);

// Move all columns; what they are moved from is left empty.
void MoveSamples(SeriesBatch* from, SampleBatch* to);
void MoveSamples(SampleBatch* from, SeriesBatch* to);
void MoveChunks(EncodedBatch* from, ChunkBatch* to);

// Columns agree in length, times ascend, histogram indexes exist. InvalidArgument names what does
// not hold.
thermocline::Status CheckSeries(const SampleBatch& batch, size_t begin, size_t end);

}  // namespace thermocline::api
