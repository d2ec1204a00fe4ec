// WriteBatch: what every protocol becomes before it is stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/sample.h"

namespace thermocline {

// What one bad sample refuses.
enum class RejectPolicy : uint8_t {
  kWholeBatch,   // remote write 1: one bad sample rolls the request back
  kSampleOnly,   // remote write 2, OTLP: good samples are stored, bad ones reported
  kDropSilently  // scrapes: as kSampleOnly, counted but not reported
};

// One series of a batch; the same label set may occur more than once. Its samples may be floats and
// histograms.
struct BatchSeries {
  uint32_t label_offset = 0;  // into label_bytes
  uint32_t label_size = 0;
  uint64_t hash = 0;          // LabelsView::Hash of those bytes
  uint32_t first_sample = 0;  // into samples
  uint32_t sample_count = 0;
};

struct BatchMetadata {
  std::string family;
  std::string type;  // counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown
  std::string help;
  std::string unit;

  bool operator==(const BatchMetadata&) const = default;
};

// Flat arrays so that a request of 2,000 samples costs a handful of allocations, and none once the
// batch is reused.
struct WriteBatch {
  TenantId tenant;
  RejectPolicy on_reject = RejectPolicy::kWholeBatch;
  std::string label_bytes;  // packed label sets, one after another
  std::vector<BatchSeries> series;
  std::vector<Sample> samples;                   // of a histogram: its time and sum
  std::vector<TimestampMs> start_timestamps_ms;  // empty, or parallel to samples (0 = none)
  // Empty (all samples are floats), or parallel to samples: an index into `histograms`,
  // kNoHistogram for a float.
  std::vector<uint32_t> histogram_index;
  std::vector<Histogram> histograms;
  std::vector<BatchMetadata> metadata;

  static constexpr uint32_t kNoHistogram = UINT32_MAX;

  LabelsView labels(const BatchSeries& s) const {
    return LabelsView(std::string_view(label_bytes).substr(s.label_offset, s.label_size));
  }
  // Null for a float.
  const Histogram* histogram(size_t sample) const {
    if (histogram_index.empty() || histogram_index[sample] == kNoHistogram) return nullptr;
    return &histograms[histogram_index[sample]];
  }
  TimestampMs start_ms(size_t sample) const {
    return start_timestamps_ms.empty() ? 0 : start_timestamps_ms[sample];
  }
  // Adds a series with no samples yet; then AddSample and AddHistogram append to the series added
  // last.
  void AddSeries(LabelsView labels) {
    series.push_back({static_cast<uint32_t>(label_bytes.size()),
                      static_cast<uint32_t>(labels.packed().size()), labels.Hash(),
                      static_cast<uint32_t>(samples.size()), 0});
    label_bytes += labels.packed();
  }
  void AddSample(TimestampMs t_ms, double v, TimestampMs start_ms = 0) {
    samples.push_back({t_ms, v});
    ++series.back().sample_count;
    if (!histogram_index.empty()) histogram_index.push_back(kNoHistogram);
    NoteStart(start_ms);
  }
  void AddHistogram(TimestampMs t_ms, Histogram h, TimestampMs start_ms = 0) {
    AppendHistogram(t_ms, std::move(h), start_ms);
    ++series.back().sample_count;
  }
  // As AddHistogram before the series of the sample is there.
  void AppendHistogram(TimestampMs t_ms, Histogram h, TimestampMs start_ms) {
    histogram_index.resize(samples.size(), kNoHistogram);
    histogram_index.push_back(static_cast<uint32_t>(histograms.size()));
    samples.push_back({t_ms, h.sum});
    histograms.push_back(std::move(h));
    NoteStart(start_ms);
  }
  // Empties the batch and keeps its memory.
  void Clear() {
    label_bytes.clear();
    series.clear();
    samples.clear();
    start_timestamps_ms.clear();
    histogram_index.clear();
    histograms.clear();
    metadata.clear();
  }

 private:
  // Of the sample added last; the column comes to be with the first start timestamp.
  void NoteStart(TimestampMs start_ms) {
    if (start_ms == 0 && start_timestamps_ms.empty()) return;
    start_timestamps_ms.resize(samples.size() - 1);
    start_timestamps_ms.push_back(start_ms);
  }
};

}  // namespace thermocline
