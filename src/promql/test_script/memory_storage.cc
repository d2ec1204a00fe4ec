#include "promql/test_script/memory_storage.h"

#include <algorithm>
#include <set>
#include <utility>

namespace thermocline::promql {
namespace {

bool Accepts(const LabelRequest& request, LabelsView labels) {
  return request.matcher_sets.empty() ||
         std::any_of(request.matcher_sets.begin(), request.matcher_sets.end(),
                     [&](const auto& matchers) { return MatchesAll(matchers, labels); });
}

}  // namespace

// The chosen series and their samples in range, copied.
class MemoryStorage::Set : public SeriesSet {
 public:
  Set(const std::vector<std::shared_ptr<Series>>& series, const TimeRange& range) {
    for (const std::shared_ptr<Series>& one : series) {
      chosen_.push_back({one->labels, {}});
      const auto end = one->samples.upper_bound(range.end_ms);
      for (auto it = one->samples.lower_bound(range.start_ms); !range.empty() && it != end; ++it) {
        chosen_.back().samples.push_back({it->first, it->second});
      }
    }
  }

  size_t series_count() const override { return chosen_.size(); }
  SeriesId id(size_t series) const override { return SeriesId(chosen_[series].labels.Hash()); }
  Labels labels(size_t series) const override { return chosen_[series].labels; }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    for (const uint32_t index : series) {
      for (const Sample& sample : chosen_[index].samples) {
        out->timestamps_ms.push_back(sample.timestamp_ms);
        out->values.push_back(sample.value);
      }
      out->offsets.push_back(static_cast<uint32_t>(out->values.size()));
    }
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  struct Chosen {
    Labels labels;
    std::vector<Sample> samples;
  };
  std::vector<Chosen> chosen_;
  std::vector<std::string> warnings_;
};

void MemoryStorage::Add(const Labels& labels, TimestampMs t_ms, double value) {
  const auto [entry, created] = by_labels_.try_emplace(labels.packed(), series_.size());
  if (created) {
    series_.push_back(std::make_shared<Series>());
    series_.back()->labels = labels;
  }
  series_[entry->second]->samples[t_ms] = value;
}

void MemoryStorage::Clear() {
  series_.clear();
  by_labels_.clear();
}

Result<std::unique_ptr<SeriesSet>> MemoryStorage::Select(const SelectRequest& request) const {
  std::vector<std::shared_ptr<Series>> chosen;
  for (const std::shared_ptr<Series>& series : series_) {
    if (MatchesAll(request.matchers, series->labels)) chosen.push_back(series);
  }
  if (request.hints.sorted) {
    std::sort(chosen.begin(), chosen.end(),
              [](const auto& a, const auto& b) { return a->labels < b->labels; });
  }
  if (request.hints.limit > 0 && chosen.size() > request.hints.limit) {
    chosen.resize(request.hints.limit);
  }
  return std::unique_ptr<SeriesSet>(std::make_unique<Set>(std::move(chosen), request.range));
}

Result<std::vector<std::string>> MemoryStorage::LabelNames(const LabelRequest& request) const {
  std::set<std::string> names;
  for (const std::shared_ptr<Series>& series : series_) {
    if (!Accepts(request, series->labels)) continue;
    for (const LabelPair& pair : series->labels) names.emplace(pair.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> MemoryStorage::LabelValues(std::string_view name,
                                                            const LabelRequest& request) const {
  std::set<std::string> values;
  for (const std::shared_ptr<Series>& series : series_) {
    if (Accepts(request, series->labels) && series->labels.Has(name))
      values.emplace(series->labels.Get(name));
  }
  return std::vector<std::string>(values.begin(), values.end());
}

Result<std::vector<BatchMetadata>> MemoryStorage::Metadata(const MetadataRequest& request) const {
  (void)request;
  return std::vector<BatchMetadata>();
}

}  // namespace thermocline::promql
