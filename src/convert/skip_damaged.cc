#include "convert/skip_damaged.h"

#include <utility>

#include "blocks/block_damage.h"
#include "convert/wrapped.h"
#include "model/exemplar.h"

namespace thermocline {
namespace {

// Puts the series of `from` behind those of `to`.
void Append(const SeriesBatch& from, SeriesBatch* to) {
  const auto before = static_cast<uint32_t>(to->timestamps_ms.size());
  const auto histograms = static_cast<uint32_t>(to->histograms.size());
  const auto append = [](const auto& column, auto* out) {
    out->insert(out->end(), column.begin(), column.end());
  };
  append(from.timestamps_ms, &to->timestamps_ms);
  append(from.values, &to->values);
  append(from.histograms, &to->histograms);
  const size_t size = to->timestamps_ms.size();
  if (!from.start_timestamps_ms.empty()) to->start_timestamps_ms.resize(before, 0);
  append(from.start_timestamps_ms, &to->start_timestamps_ms);
  if (!to->start_timestamps_ms.empty()) to->start_timestamps_ms.resize(size, 0);
  if (!from.histogram_index.empty()) {
    to->histogram_index.resize(before, SeriesBatch::kNoHistogram);
    for (const uint32_t index : from.histogram_index) {
      to->histogram_index.push_back(index == SeriesBatch::kNoHistogram ? index
                                                                       : index + histograms);
    }
  } else if (!to->histogram_index.empty()) {
    to->histogram_index.resize(size, SeriesBatch::kNoHistogram);
  }
  for (size_t i = 0; i < from.series_count(); ++i) {
    to->offsets.push_back(before + from.offsets[i + 1]);
  }
}

void Append(const EncodedBatch& from, EncodedBatch* to) {
  const auto before = static_cast<uint32_t>(to->chunks.size());
  to->chunks.insert(to->chunks.end(), from.chunks.begin(), from.chunks.end());
  to->owners.insert(to->owners.end(), from.owners.begin(), from.owners.end());
  for (size_t i = 1; i < from.offsets.size(); ++i) to->offsets.push_back(before + from.offsets[i]);
}

class SkippingSet final : public WrappedSeries {
 public:
  SkippingSet(std::unique_ptr<SeriesSet> set, std::shared_ptr<BlockDamage> damage)
      : WrappedSeries(std::move(set)), damage_(std::move(damage)) {}

  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    return ReadHalves(series, out, [this](std::span<const uint32_t> some, SeriesBatch* batch) {
      return set_->Read(some, batch);
    });
  }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override {
    return ReadHalves(series, out, [this](std::span<const uint32_t> some, EncodedBatch* batch) {
      return set_->ReadEncoded(some, batch);
    });
  }

 private:
  // A read that fails is read again in halves, until the series are found that it failed for.
  template <typename Batch, typename ReadSome>
  Status ReadHalves(std::span<const uint32_t> series, Batch* out, const ReadSome& read) const {
    const Status whole = read(series, out);
    if (whole.code() != Code::kCorruption) return whole;
    out->Clear();
    if (series.size() == 1) {
      damage_->AddSeries(whole.WithContext(labels(series[0]).ToString()));
      out->offsets.push_back(0);
      return Status::Ok();
    }
    Batch part;
    for (const auto some : {series.first(series.size() / 2), series.subspan(series.size() / 2)}) {
      RETURN_IF_ERROR(ReadHalves(some, &part, read));
      Append(part, out);
    }
    return Status::Ok();
  }

  const std::shared_ptr<BlockDamage> damage_;
};

class SkippingSource final : public WrappedSource {
 public:
  explicit SkippingSource(std::unique_ptr<Source> source) : WrappedSource(std::move(source)) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    ASSIGN_OR_RETURN(auto set, source_->Select(request));
    return std::unique_ptr<SeriesSet>(std::make_unique<SkippingSet>(std::move(set), damage_));
  }
  Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                           int64_t lookback_ms) const override {
    return source_->TryCount(request, at_ms, lookback_ms);
  }
  SourceDamage damage() const override {
    SourceDamage sum = source_->damage();
    sum.series += damage_->series();
    for (std::string& message : damage_->messages()) sum.messages.push_back(std::move(message));
    return sum;
  }

 private:
  const std::shared_ptr<BlockDamage> damage_ = std::make_shared<BlockDamage>();
};

}  // namespace

std::unique_ptr<Source> SkipDamagedSeries(std::unique_ptr<Source> source) {
  return std::make_unique<SkippingSource>(std::move(source));
}

}  // namespace thermocline
