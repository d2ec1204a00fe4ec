// The order in which a block lists its series: by metric, then by labels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "model/queryable.h"

namespace thermocline {

// Holds the label sets of all series of a set; views into it stay valid as long as it lives.
class SeriesOrder {
 public:
  explicit SeriesOrder(const SeriesSet& series);
  SeriesOrder(const SeriesOrder&) = delete;
  SeriesOrder& operator=(const SeriesOrder&) = delete;

  size_t size() const { return entries_.size(); }
  // Index into the source set of the series at `position`.
  uint32_t source(size_t position) const { return entries_[position].source; }
  LabelsView labels(size_t position) const {
    const Entry& e = entries_[position];
    return LabelsView(std::string_view(arena_).substr(e.offset, e.size));
  }
  // First positions of the metrics, then size(): metric i is [starts[i], starts[i + 1]).
  const std::vector<size_t>& metric_starts() const { return metric_starts_; }
  // Every label name but the metric's, in the order met.
  const std::vector<std::string>& label_names() const { return label_names_; }

 private:
  struct Entry {
    uint64_t offset = 0;
    uint32_t size = 0;
    uint32_t source = 0;
  };
  void CollectNames();

  std::string arena_;
  std::vector<Entry> entries_;
  std::vector<size_t> metric_starts_;
  std::vector<std::string> label_names_;
};

}  // namespace thermocline
