// The series of one of the gateway's streams, without the labels that the stream tells of them all.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/labels.h"
#include "model/queryable.h"

namespace thermocline::shards {

// Series that differ in nothing but those labels are one series here: its samples are merged by
// time, of two at the same time the later series' wins. Order: of the first of each in `set`.
// Memory: 16 bytes a series. Threads: as `set`.
class StreamSeries final : public SeriesSet {
 public:
  StreamSeries(std::shared_ptr<const SeriesSet> set, Labels external);

  size_t series_count() const override { return first_.size(); }
  SeriesId id(size_t series) const override { return SeriesId(ids_[series]); }
  Labels labels(size_t series) const override { return Stripped(first_[series]); }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override;
  bool has_encoded() const override { return set_->has_encoded(); }
  // Chunks of one series may overlap where two were joined.
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override;
  const std::vector<std::string>& warnings() const override { return set_->warnings(); }

 private:
  Labels Stripped(size_t series_of_set) const;
  // Series of set_ that `series` are made of, ascending, and whose each is.
  std::vector<std::pair<uint32_t, uint32_t>> PartsOf(std::span<const uint32_t> series) const;

  const std::shared_ptr<const SeriesSet> set_;
  const Labels external_;
  std::vector<uint32_t> first_;                               // series of set_
  std::unordered_map<uint32_t, std::vector<uint32_t>> more_;  // further ones, by series
  std::vector<uint64_t> ids_;
};

}  // namespace thermocline::shards
