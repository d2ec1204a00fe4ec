// MemoryStorage: a Queryable over a map in memory, for script tests and engine tests.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/queryable.h"
#include "model/sample.h"

namespace thermocline::promql {

// Samples of one tenant; requests of every tenant see them. Series keep the order in which they
// were created, as Prometheus' head does. Threads: reading is safe while nobody adds; sets that
// Select returned stay valid and unchanged.
class MemoryStorage : public Queryable {
 public:
  // Adds a sample; one at the same timestamp is replaced. Timestamps may come in any order.
  void Add(const Labels& labels, TimestampMs t_ms, double value);
  void Clear();
  size_t series_count() const { return series_.size(); }

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;

 private:
  struct Series {
    Labels labels;
    std::map<TimestampMs, double> samples;
  };
  class Set;

  std::vector<std::shared_ptr<Series>> series_;
  std::map<std::string, size_t> by_labels_;  // packed labels to index
};

}  // namespace thermocline::promql
