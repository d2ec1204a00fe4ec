#include "promql/naive/random_storage.h"

namespace thermocline::promql::naive {

// The chosen series; their samples in range are copied when they are read.
class RandomStorage::Set : public SeriesSet {
 public:
  Set(std::vector<const Series*> chosen, TimeRange range)
      : chosen_(std::move(chosen)), range_(range) {}

  size_t series_count() const override { return chosen_.size(); }
  SeriesId id(size_t series) const override { return SeriesId(chosen_[series]->labels.Hash()); }
  Labels labels(size_t series) const override { return chosen_[series]->labels; }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    for (const uint32_t index : series) {
      for (const Point& point : chosen_[index]->points) {
        if (range_.Contains(point.t_ms)) Append(point, out);
      }
      out->offsets.push_back(static_cast<uint32_t>(out->values.size()));
    }
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  static void Append(const Point& point, SeriesBatch* out) {
    out->timestamps_ms.push_back(point.t_ms);
    out->start_timestamps_ms.push_back(point.start_ms);
    out->values.push_back(point.histogram == nullptr ? point.value : point.histogram->sum);
    out->histogram_index.push_back(SeriesBatch::kNoHistogram);
    if (point.histogram == nullptr) return;
    out->histogram_index.back() = static_cast<uint32_t>(out->histograms.size());
    out->histograms.push_back(ToStored(*point.histogram));
  }

  std::vector<const Series*> chosen_;
  TimeRange range_;
  std::vector<std::string> warnings_;
};

Result<std::unique_ptr<SeriesSet>> RandomStorage::Select(const SelectRequest& request) const {
  std::vector<const Series*> chosen;
  for (const Series& series : series_) {
    if (MatchesAll(request.matchers, series.labels)) chosen.push_back(&series);
  }
  return std::unique_ptr<SeriesSet>(std::make_unique<Set>(std::move(chosen), request.range));
}

Result<std::vector<std::string>> RandomStorage::LabelNames(const LabelRequest&) const {
  return std::vector<std::string>();
}
Result<std::vector<std::string>> RandomStorage::LabelValues(std::string_view,
                                                            const LabelRequest&) const {
  return std::vector<std::string>();
}
Result<std::vector<BatchMetadata>> RandomStorage::Metadata(const MetadataRequest&) const {
  return std::vector<BatchMetadata>();
}

}  // namespace thermocline::promql::naive
