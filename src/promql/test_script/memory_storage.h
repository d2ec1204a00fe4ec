// MemoryStorage: a Queryable over a map in memory, for script tests and engine tests.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/float_histogram.h"
#include "model/labels.h"
#include "model/queryable.h"
#include "model/sample.h"

namespace thermocline::promql {

// Samples of one tenant; requests of every tenant see them. Series keep the order in which they
// were created, as Prometheus' head does. Threads: reading is safe while nobody adds; sets that
// Select returned stay valid and unchanged.
class MemoryStorage : public Queryable {
 public:
  // Adds a sample; one at the same timestamp is replaced. Timestamps may come in any order. A start
  // timestamp of 0 is none.
  void Add(const Labels& labels, TimestampMs t_ms, double value, TimestampMs start_ms = 0);
  // Float histograms; they read back with the reset hints that chunks would give them.
  void Add(const Labels& labels, TimestampMs t_ms, std::shared_ptr<const FloatHistogram> histogram,
           TimestampMs start_ms = 0);
  void Clear();
  size_t series_count() const { return series_.size(); }

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;

 private:
  struct Stored {
    double value = 0;
    std::shared_ptr<const FloatHistogram> histogram;  // null for a float
    TimestampMs start_ms = 0;
  };
  struct Series {
    Labels labels;
    std::map<TimestampMs, Stored> samples;
  };
  class Set;
  Stored& Slot(const Labels& labels, TimestampMs t_ms);

  std::vector<std::shared_ptr<Series>> series_;
  std::map<std::string, size_t> by_labels_;  // packed labels to index
};

}  // namespace thermocline::promql
