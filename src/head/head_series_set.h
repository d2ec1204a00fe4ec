// The answer of the head to a select.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "head/held_samples.h"
#include "head/memory_head.h"

namespace thermocline {

// Keeps the pieces it listed, each as far as it was settled at the select's epoch, and the names of
// its series alive. Reading a series takes its stripe for the time of decoding it.
class HeadSeriesSet final : public SeriesSet {
 public:
  HeadSeriesSet(const MemoryHead& head, const SelectRequest& request);
  ~HeadSeriesSet() override;

  // Takes the settled part of the series' pieces that overlap the request's range. The index lock
  // is held.
  void List(SeriesRef ref, Ticket epoch);
  // Puts the list in label order, then cuts it at the limit. The index lock is held.
  Status Sort();

  size_t series_count() const override { return series_.size(); }
  SeriesId id(size_t series) const override { return series_[series].id; }
  Labels labels(size_t series) const override;
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override;
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  struct Entry {
    SeriesId id;
    SeriesRef ref;
    uint32_t first;  // into pieces_
    uint32_t count;
  };
  const MemoryHead& head_;
  const std::shared_ptr<const int> mark_;
  const TimeRange range_;
  const uint64_t limit_;
  QueryBudget* const budget_;
  ReadCounters* const counters_;
  std::vector<Entry> series_;
  std::vector<HeldPiece> pieces_;
  std::vector<std::string> warnings_;
};

}  // namespace thermocline
