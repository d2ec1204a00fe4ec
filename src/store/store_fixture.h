// What the store's tests share: small options on a simulated machine, batches whose values prove
// themselves, and reading all back.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "env/simulated/simulated_env.h"
#include "store/store.h"

namespace thermocline {

inline constexpr TimestampMs kTestStartMs = 1'760'000'400'000;

inline StoreOptions TestStoreOptions() {
  StoreOptions options;
  options.path = "/data";
  options.wal.inline_commit = true;
  options.wal.segment_size_bytes = 64 << 10;
  options.free_space_floor_bytes = 0;
  options.ballast_bytes = 0;
  options.small_range_wait_ms = 0;
  options.cold.writer.page_rows = 256;
  options.cold.writer.series_page_rows = 64;
  options.cold.writer.row_group_rows = 4096;
  return options;
}

// series -> time -> value.
using Contents = std::map<std::string, std::map<TimestampMs, double>>;

// A value that a reader can check without the writer: a phantom or a swapped sample shows.
inline double ValueOf(std::string_view series, TimestampMs t_ms) {
  return static_cast<double>(Hash64(std::string(series) + "@" + std::to_string(t_ms)) >> 16);
}

inline Labels SeriesLabels(int number) {
  return Labels{{"__name__", "m" + std::to_string(number % 7)},
                {"job", "j" + std::to_string(number % 3)},
                {"instance", "i" + std::to_string(number)}};
}

// Adds one sample of series `number` to the batch and to `contents`.
inline void AddPoint(int number, TimestampMs t_ms, WriteBatch* batch, Contents* contents) {
  const Labels labels = SeriesLabels(number);
  const double value = ValueOf(labels.packed(), t_ms);
  batch->AddSeries(labels);
  batch->AddSample(t_ms, value);
  if (contents != nullptr) (*contents)[labels.packed()][t_ms] = value;
}

// A histogram that its sum tells: integer or float, of one of some layouts.
inline Histogram HistogramOf(double sum) {
  const auto seed = static_cast<uint64_t>(sum);
  Histogram h;
  h.sum = sum;
  h.schema = static_cast<int32_t>(seed % 3);
  h.positive_spans = {{static_cast<int32_t>(seed % 5), 2}};
  if (seed % 4 == 0) {
    h.kind = SampleKind::kFloatHistogram;
    h.positive_floats = {static_cast<double>(seed % 1000) / 8, 1};
    h.float_count = h.positive_floats[0] + 1;
  } else {
    h.positive_counts = {static_cast<int64_t>(seed % 1000), static_cast<int64_t>(seed % 77)};
    h.count = seed % 1000 + seed % 77;
  }
  return h;
}
inline TimestampMs StartOf(TimestampMs t_ms) { return t_ms - 1000 - t_ms % 7; }

// Of a third of the series the samples are histograms, which make the value in Contents negative;
// another third has start timestamps, which add a half to it.
inline double AnyValueOf(std::string_view series, TimestampMs t_ms) {
  const uint64_t kind = Hash64(series) % 3;
  const double value = ValueOf(series, t_ms);
  return kind == 0 ? -value : kind == 1 ? value + 0.5 : value;
}

// As AddPoint with samples of all kinds.
inline void AddAnyPoint(int number, TimestampMs t_ms, WriteBatch* batch, Contents* contents) {
  const Labels labels = SeriesLabels(number);
  const double value = ValueOf(labels.packed(), t_ms);
  batch->AddSeries(labels);
  switch (Hash64(labels.packed()) % 3) {
    case 0: batch->AddHistogram(t_ms, HistogramOf(value)); break;
    case 1: batch->AddSample(t_ms, value, StartOf(t_ms)); break;
    default: batch->AddSample(t_ms, value);
  }
  (*contents)[labels.packed()][t_ms] = AnyValueOf(labels.packed(), t_ms);
}

// The sample's value as Contents has it; Internal when the rest of it does not prove itself.
inline Result<double> ProvenValue(const SeriesBatch& batch, size_t sample) {
  double value = batch.values[sample];
  if (const Histogram* const h = batch.histogram(sample)) {
    if (!IsRepetition(*h, HistogramOf(value))) return Status::Internal("another histogram");
    value = -value;
  }
  if (!batch.start_timestamps_ms.empty() && batch.start_timestamps_ms[sample] != 0) {
    if (batch.start_timestamps_ms[sample] != StartOf(batch.timestamps_ms[sample])) {
      return Status::Internal("another start timestamp");
    }
    value += 0.5;
  }
  return value;
}

inline Result<Contents> ReadAll(const Queryable& source, ReadCounters* counters = nullptr) {
  SelectRequest request;
  ASSIGN_OR_RETURN(Matcher all, Matcher::Make(MatchType::kRegex, "__name__", ".+"));
  request.matchers = {std::move(all)};
  request.range = {0, kMaxTimestampMs};
  request.counters = counters;
  ASSIGN_OR_RETURN(const auto set, source.Select(request));
  Contents contents;
  SeriesBatch batch;
  for (uint32_t i = 0; i < set->series_count(); ++i) {
    RETURN_IF_ERROR(set->Read(std::vector<uint32_t>{i}, &batch));
    std::map<TimestampMs, double> samples;
    for (size_t k = 0; k < batch.timestamps_ms.size(); ++k) {
      ASSIGN_OR_RETURN(const double value, ProvenValue(batch, k));
      if (!samples.emplace(batch.timestamps_ms[k], value).second) {
        return Status::Internal("a timestamp twice");
      }
    }
    if (samples.empty()) continue;
    if (!contents.emplace(set->labels(i).packed(), std::move(samples)).second) {
      return Status::Internal("a series twice");
    }
  }
  return contents;
}

inline uint64_t CountSamples(const Contents& contents) {
  uint64_t count = 0;
  for (const auto& [series, samples] : contents) count += samples.size();
  return count;
}

inline uint64_t ColdSamples(const Store& store) {
  uint64_t count = 0;
  for (const BlockEntry& block : store.cold().entries()) count += block.samples;
  return count;
}

}  // namespace thermocline
