#include "promql/test_script/memory_storage.h"

#include <algorithm>
#include <set>
#include <utility>

#include "promql/test_script/reset_hints.h"

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
      // Hints depend on the samples before the range too.
      ResetHints hints;
      for (const auto& [t_ms, stored] : one->samples) {
        if (t_ms > range.end_ms) break;
        CounterResetHint hint = CounterResetHint::kUnknown;
        if (stored.histogram == nullptr) {
          hints.Interrupt();
        } else {
          hint = hints.Next(t_ms, stored.histogram);
        }
        if (range.Contains(t_ms)) chosen_.back().samples.push_back({t_ms, stored, hint});
      }
    }
  }

  size_t series_count() const override { return chosen_.size(); }
  SeriesId id(size_t series) const override { return SeriesId(chosen_[series].labels.Hash()); }
  Labels labels(size_t series) const override { return chosen_[series].labels; }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    bool any_histogram = false;
    bool any_start = false;
    for (const uint32_t index : series) {
      for (const Sample& sample : chosen_[index].samples) {
        any_histogram = any_histogram || sample.stored.histogram != nullptr;
        any_start = any_start || sample.stored.start_ms != 0;
        Append(sample, out);
      }
      out->offsets.push_back(static_cast<uint32_t>(out->values.size()));
    }
    if (!any_histogram) out->histogram_index.clear();
    if (!any_start) out->start_timestamps_ms.clear();
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  struct Sample {
    TimestampMs t_ms;
    Stored stored;
    CounterResetHint hint;
  };
  struct Chosen {
    Labels labels;
    std::vector<Sample> samples;
  };
  static void Append(const Sample& sample, SeriesBatch* out) {
    out->timestamps_ms.push_back(sample.t_ms);
    out->start_timestamps_ms.push_back(sample.stored.start_ms);
    if (sample.stored.histogram == nullptr) {
      out->values.push_back(sample.stored.value);
      out->histogram_index.push_back(SeriesBatch::kNoHistogram);
      return;
    }
    out->values.push_back(sample.stored.histogram->sum);
    out->histogram_index.push_back(static_cast<uint32_t>(out->histograms.size()));
    out->histograms.push_back(ToStored(*sample.stored.histogram));
    out->histograms.back().reset_hint = sample.hint;
  }
  std::vector<Chosen> chosen_;
  std::vector<std::string> warnings_;
};

MemoryStorage::Stored& MemoryStorage::Slot(const Labels& labels, TimestampMs t_ms) {
  const auto [entry, created] = by_labels_.try_emplace(labels.packed(), series_.size());
  if (created) {
    series_.push_back(std::make_shared<Series>());
    series_.back()->labels = labels;
  }
  return series_[entry->second]->samples[t_ms];
}

void MemoryStorage::Add(const Labels& labels, TimestampMs t_ms, double value,
                        TimestampMs start_ms) {
  Slot(labels, t_ms) = {value, nullptr, start_ms};
}

void MemoryStorage::Add(const Labels& labels, TimestampMs t_ms,
                        std::shared_ptr<const FloatHistogram> histogram, TimestampMs start_ms) {
  Slot(labels, t_ms) = {0, std::move(histogram), start_ms};
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
