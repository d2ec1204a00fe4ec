// What Seal handed out, as the block writer reads it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "head/held_samples.h"
#include "head/memory_head.h"

namespace thermocline {

// Series in canonical label order over frozen pieces: reading takes no lock. Keeps its pieces and
// the names of its series alive, also after Drop.
class SealedSeriesSet final : public SeriesSet {
 public:
  // `entries` ascending by series; takes references of its own. The index lock is held.
  SealedSeriesSet(const MemoryHead& head, std::shared_ptr<const int> mark,
                  const std::vector<MemoryHead::SealedPieces::Entry>& entries);
  ~SealedSeriesSet() override;

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
  std::vector<Entry> series_;
  std::vector<HeldPiece> pieces_;
  std::vector<std::string> warnings_;
};

}  // namespace thermocline
