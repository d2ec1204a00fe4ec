// WriteBatch: what every protocol becomes before it is stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/labels.h"
#include "model/sample.h"

namespace thermocline {

// What one bad sample refuses.
enum class RejectPolicy : uint8_t {
  kWholeBatch,   // remote write 1: one bad sample rolls the request back
  kSampleOnly,   // remote write 2, OTLP: good samples are stored, bad ones reported
  kDropSilently  // scrapes: as kSampleOnly, counted but not reported
};

// One series of a batch; the same label set may occur more than once.
struct BatchSeries {
  uint32_t label_offset = 0;  // into label_bytes
  uint32_t label_size = 0;
  uint64_t hash = 0;          // LabelsView::Hash of those bytes
  uint32_t first_sample = 0;  // into samples
  uint32_t sample_count = 0;
  SampleKind kind = SampleKind::kFloat;
};

struct BatchMetadata {
  std::string family;
  std::string type;  // counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown
  std::string help;
  std::string unit;
};

// Flat arrays so that a request of 2,000 samples costs a handful of allocations, and none once the
// batch is reused.
struct WriteBatch {
  TenantId tenant;
  RejectPolicy on_reject = RejectPolicy::kWholeBatch;
  std::string label_bytes;  // packed label sets, one after another
  std::vector<BatchSeries> series;
  std::vector<Sample> samples;
  std::vector<TimestampMs> start_timestamps_ms;  // empty, or parallel to samples (0 = none)
  std::vector<BatchMetadata> metadata;

  LabelsView labels(const BatchSeries& s) const {
    return LabelsView(std::string_view(label_bytes).substr(s.label_offset, s.label_size));
  }
  // Adds a series with no samples yet; then AddSample appends to the series added last.
  void AddSeries(LabelsView labels, SampleKind kind = SampleKind::kFloat) {
    series.push_back({static_cast<uint32_t>(label_bytes.size()),
                      static_cast<uint32_t>(labels.packed().size()), labels.Hash(),
                      static_cast<uint32_t>(samples.size()), 0, kind});
    label_bytes += labels.packed();
  }
  void AddSample(TimestampMs t_ms, double v) {
    samples.push_back({t_ms, v});
    ++series.back().sample_count;
  }
  // Empties the batch and keeps its memory.
  void Clear() {
    label_bytes.clear();
    series.clear();
    samples.clear();
    start_timestamps_ms.clear();
    metadata.clear();
  }
};

}  // namespace thermocline
