// What one set has and another lacks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/queryable.h"

namespace thermocline {

// The samples of `given` at times at which `known` has none of that series. Threads: one at a time.
class MissingSamples final : public SeriesSet {
 public:
  // `given` is borrowed. `known` holds samples of the same range.
  MissingSamples(const SeriesSet& given, std::unique_ptr<SeriesSet> known);

  size_t series_count() const override { return given_.series_count(); }
  SeriesId id(size_t series) const override { return given_.id(series); }
  Labels labels(size_t series) const override { return given_.labels(series); }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override;
  const std::vector<std::string>& warnings() const override { return given_.warnings(); }

  // Of the series read so far, each counted once.
  uint64_t left_out() const { return left_out_; }
  // Of those, the samples that differ from the known ones.
  uint64_t left_out_other() const { return left_out_other_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  void TakeMissing(size_t from, size_t to, size_t known_from, size_t known_to, bool count,
                   SeriesBatch* out) const;

  const SeriesSet& given_;
  const std::unique_ptr<SeriesSet> known_;
  std::vector<uint32_t> known_of_;  // by series of given_
  mutable std::vector<bool> counted_;
  mutable SeriesBatch given_batch_;
  mutable SeriesBatch known_batch_;
  mutable uint64_t left_out_ = 0;
  mutable uint64_t left_out_other_ = 0;
};

}  // namespace thermocline
