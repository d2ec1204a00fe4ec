// Payloads of the head's log records. Bytes: FORMAT.md.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "head/sample_extra.h"
#include "model/labels.h"
#include "model/sample.h"
#include "model/write_batch.h"

namespace thermocline {

// The numbers of RecordType (wal/log.h) that the head uses; the store maps one to the other.
inline constexpr uint8_t kSeriesRecord = 1;
inline constexpr uint8_t kSamplesRecord = 2;

// Builds one record; reusable after Clear, keeping its memory.
class RecordWriter {
 public:
  void Clear();
  void AddDefinition(SeriesRef ref, uint64_t id_offset, LabelsView labels);
  void AddMetadata(const BatchMetadata& metadata);
  // Samples of one series, in the order given; at least one.
  void AddSamples(SeriesRef ref, std::span<const Sample> samples);
  // As AddSamples with extras, which are as many as the samples; histograms are well formed.
  void AddSamples(SeriesRef ref, std::span<const Sample> samples,
                  std::span<const SampleExtra> extras);
  bool empty() const { return definitions_ + metadata_ + series_ == 0; }
  bool has_samples() const { return series_ > 0; }
  // About how long the payload is.
  size_t size() const {
    return definition_bytes_.size() + metadata_bytes_.size() + sample_bytes_.size() + 32;
  }
  std::string Finish() const;

 private:
  void AddEntry(SeriesRef ref, std::span<const Sample> samples,
                std::span<const SampleExtra> extras);

  std::string definition_bytes_;
  std::string metadata_bytes_;
  std::string sample_bytes_;
  uint64_t definitions_ = 0;
  uint64_t metadata_ = 0;
  uint64_t series_ = 0;
  int64_t previous_ref_ = -1;
  TimestampMs base_ms_ = 0;
  TimestampMs previous_ms_ = 0;
};

// What ReadRecord found, in the order of the bytes.
class RecordVisitor {
 public:
  virtual ~RecordVisitor() = default;
  // `labels` is checked to be canonical.
  virtual Status OnDefinition(SeriesRef ref, uint64_t id_offset, LabelsView labels) = 0;
  virtual Status OnMetadata(BatchMetadata metadata) = 0;
  // The extra's histogram is borrowed for the call only.
  virtual Status OnSample(SeriesRef ref, Sample sample, const SampleExtra& extra) = 0;
};

// Reads a whole payload into `visitor`. Corruption when it is malformed, Unimplemented for a
// tenant, resolution or sample kind that this version does not store, else what the visitor
// returns.
Status ReadRecord(std::string_view payload, RecordVisitor& visitor);

}  // namespace thermocline
