// The records of Prometheus' write-ahead logs (types 1 to 13), decoded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/histogram.h"
#include "model/labels.h"

namespace thermocline {

enum class WalRecordType : uint8_t {
  kUnknown = 0,
  kSeries = 1,
  kSamples = 2,
  kTombstones = 3,
  kExemplars = 4,
  kChunkMarkers = 5,
  kMetadata = 6,
  kHistograms = 7,
  kFloatHistograms = 8,
  kCustomHistograms = 9,
  kCustomFloatHistograms = 10,
  kSamplesV2 = 11,
  kHistogramsV2 = 12,
  kFloatHistogramsV2 = 13
};

// Numbers series within one head.
using WalRef = uint64_t;

struct WalSeries {
  WalRef ref = 0;
  Labels labels;
};
struct WalSample {
  WalRef ref = 0;
  TimestampMs t_ms = 0;
  TimestampMs start_ms = 0;
  double value = 0;
};
struct WalHistogram {
  WalRef ref = 0;
  TimestampMs t_ms = 0;
  TimestampMs start_ms = 0;
  Histogram histogram;
};
struct WalTombstone {
  WalRef ref = 0;
  TimeRange range;
};
struct WalExemplar {
  WalRef ref = 0;
  TimestampMs t_ms = 0;
  double value = 0;
  Labels labels;
};
// All out-of-order samples of the series so far are in head chunks up to this one.
struct WalChunkMarker {
  WalRef ref = 0;
  uint64_t chunk = 0;
};
struct WalMetadata {
  WalRef ref = 0;
  std::string type;  // as in BatchMetadata
  std::string unit;
  std::string help;
};

// The entries of one record: only the vector of its type is filled.
struct WalRecord {
  WalRecordType type = WalRecordType::kUnknown;
  std::vector<WalSeries> series;
  std::vector<WalSample> samples;
  std::vector<WalHistogram> histograms;
  std::vector<WalTombstone> tombstones;
  std::vector<WalExemplar> exemplars;
  std::vector<WalChunkMarker> markers;
  std::vector<WalMetadata> metadata;
  uint64_t skipped =
      0;  // histograms of a schema that nothing knows, or whose buckets do not add up

  // Of whatever type, with the skipped ones.
  size_t size() const;
  void Clear();
};

// Replaces `record`. A type above 13 or 0 is no error: newer writers may add some; `type` is then
// kUnknown and nothing is filled. Corruption when the entries do not parse. Memory: at most 64
// bytes for a byte of `bytes`.
Status DecodeWalRecord(std::string_view bytes, WalRecord* record);

}  // namespace thermocline
