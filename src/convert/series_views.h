// Series sets seen otherwise: what a conversion does to them, so that the comparison can undo it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "convert/wrapped.h"
#include "model/labels.h"
#include "model/queryable.h"

namespace thermocline {

// Every series with these labels laid over its own, in label order again. Ids are those of the
// labels that result.
class LabelledSeries final : public SeriesSet {
 public:
  // InvalidArgument when two series become one by that.
  static Result<std::unique_ptr<SeriesSet>> Make(std::unique_ptr<SeriesSet> set,
                                                 const Labels& external);

  size_t series_count() const override { return order_.size(); }
  SeriesId id(size_t series) const override { return ids_[series]; }
  Labels labels(size_t series) const override { return labels_[order_[series]]; }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override;
  bool has_encoded() const override { return set_->has_encoded(); }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override;
  const std::vector<std::string>& warnings() const override { return set_->warnings(); }

 private:
  LabelledSeries(std::unique_ptr<SeriesSet> set, const Labels& external);
  // `series` in the order that set_ wants, and for each of them its place in that.
  struct Ascending {
    std::vector<uint32_t> series;
    std::vector<uint32_t> slots;
  };
  Ascending InOrderOfSet(std::span<const uint32_t> series) const;

  const std::unique_ptr<SeriesSet> set_;
  std::vector<Labels> labels_;   // by series of set_
  std::vector<uint32_t> order_;  // place in this set -> series of set_
  std::vector<SeriesId> ids_;    // by place in this set
};

// Every sample without its start timestamp.
class StartlessSeries final : public WrappedSeries {
 public:
  using WrappedSeries::WrappedSeries;

  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    RETURN_IF_ERROR(set_->Read(series, out));
    out->start_timestamps_ms.clear();
    return Status::Ok();
  }
  // Chunks hold start timestamps.
  bool has_encoded() const override { return false; }
  Status ReadEncoded(std::span<const uint32_t>, EncodedBatch*) const override {
    return Status::Internal("chunks are not given out without their start timestamps");
  }
};

// A set that tells what is read from it. One thread at a time.
class WatchedSeries final : public WrappedSeries {
 public:
  // Told after each read how many series were read so far, each once, and the samples of this
  // read; an error ends the work of whoever reads.
  using Watch = std::function<Status(size_t series, uint64_t samples)>;
  WatchedSeries(std::unique_ptr<SeriesSet> set, Watch watch)
      : WrappedSeries(std::move(set)), watch_(std::move(watch)), seen_(set_->series_count()) {}

  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override;
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override;

  // Puts the ids of the series that had samples among `ids`, which ascend.
  void AddWithSamples(std::vector<SeriesId>* ids) const;

 private:
  enum class Seen : uint8_t { kNo, kEmpty, kSamples };
  void Saw(uint32_t series, bool any) const;

  const Watch watch_;
  mutable std::vector<Seen> seen_;
  mutable size_t seen_count_ = 0;
};

}  // namespace thermocline
