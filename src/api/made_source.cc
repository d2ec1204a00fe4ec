#include "api/made_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <unordered_set>
#include <utility>

#include "api/bridge.h"
#include "index/postings.h"

namespace thermocline::api::made {
namespace {

// Not the public types of the same names.
using thermocline::Labels;
using thermocline::Result;
using thermocline::Status;
using thermocline::TimeRange;

// Shared by the source and the sets that read it.
struct MadeSeries {
  std::vector<Labels> labels;  // in label order
  std::vector<size_t> number;  // what `make` calls them
  std::vector<SeriesId> ids;
  Postings postings;  // by place in `labels`
  MakeSamples make;
};

void AppendCut(SampleBatch* from, const TimeRange& range, SeriesBatch* out) {
  const bool starts = !from->start_timestamps_ms.empty();
  const bool histograms = !from->histogram_index.empty();
  for (size_t i = 0; i < from->timestamps_ms.size(); ++i) {
    if (!range.Contains(from->timestamps_ms[i])) continue;
    const size_t before = out->timestamps_ms.size();
    out->timestamps_ms.push_back(from->timestamps_ms[i]);
    out->values.push_back(from->values[i]);
    if (starts && out->start_timestamps_ms.empty()) out->start_timestamps_ms.resize(before, 0);
    if (starts || !out->start_timestamps_ms.empty()) {
      out->start_timestamps_ms.push_back(from->start_ms(i));
    }
    Histogram* histogram = nullptr;
    if (histograms && from->histogram_index[i] != SampleBatch::kNoHistogram) {
      histogram = &from->histograms[from->histogram_index[i]];
    }
    if (histogram == nullptr) {
      if (!out->histogram_index.empty()) {
        out->histogram_index.push_back(SeriesBatch::kNoHistogram);
      }
      continue;
    }
    out->histogram_index.resize(before, SeriesBatch::kNoHistogram);
    out->histogram_index.push_back(static_cast<uint32_t>(out->histograms.size()));
    out->histograms.push_back(ToInner(*histogram));
    out->values.back() = histogram->sum;
  }
  out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
}

class MadeSet final : public thermocline::SeriesSet {
 public:
  MadeSet(std::shared_ptr<const MadeSeries> all, std::vector<SeriesRef> chosen, TimeRange range)
      : all_(std::move(all)), chosen_(std::move(chosen)), range_(range) {}

  size_t series_count() const override { return chosen_.size(); }
  SeriesId id(size_t series) const override { return all_->ids[chosen_[series].number]; }
  Labels labels(size_t series) const override { return all_->labels[chosen_[series].number]; }
  const std::vector<std::string>& warnings() const override { return warnings_; }

  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    SampleBatch made;
    for (const uint32_t i : series) {
      const size_t place = chosen_[i].number;
      made.Clear();
      Status outcome = all_->make(all_->number[place], &made);
      if (outcome.ok()) outcome = CheckSeries(made, 0, made.timestamps_ms.size());
      RETURN_IF_ERROR(outcome.WithContext(all_->labels[place].ToString()));
      AppendCut(&made, range_, out);
    }
    return Status::Ok();
  }

 private:
  const std::shared_ptr<const MadeSeries> all_;
  const std::vector<SeriesRef> chosen_;
  const TimeRange range_;
  const std::vector<std::string> warnings_;
};

class MadeSource final : public thermocline::Source {
 public:
  explicit MadeSource(std::shared_ptr<const MadeSeries> all) : all_(std::move(all)) {}

  Result<std::unique_ptr<thermocline::SeriesSet>> Select(
      const SelectRequest& request) const override {
    std::vector<SeriesRef> chosen = all_->postings.Match(request.matchers);
    if (request.hints.limit > 0 && chosen.size() > request.hints.limit) {
      chosen.resize(request.hints.limit);
    }
    return std::unique_ptr<thermocline::SeriesSet>(
        std::make_unique<MadeSet>(all_, std::move(chosen), request.range));
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return Cut(all_->postings.LabelNames(Chosen(request)), request.limit);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return Cut(all_->postings.LabelValues(name, Chosen(request)), request.limit);
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& /*request*/) const override {
    return std::vector<BatchMetadata>();
  }
  SourceLayout layout() const override { return SourceLayout::kBlock; }
  TimeRange range() const override { return {kMinTimestampMs, kMaxTimestampMs}; }
  std::string Describe() const override {
    return fmt::format("{} series made in memory\n", all_->labels.size());
  }

 private:
  static std::vector<std::string> Cut(std::vector<std::string> names, uint64_t limit) {
    if (limit > 0 && names.size() > limit) names.resize(limit);
    return names;
  }
  std::vector<SeriesRef> Chosen(const LabelRequest& request) const {
    if (request.matcher_sets.empty()) return all_->postings.Match({});
    std::set<SeriesRef> chosen;
    for (const auto& matchers : request.matcher_sets) {
      for (const SeriesRef series : all_->postings.Match(matchers)) chosen.insert(series);
    }
    return {chosen.begin(), chosen.end()};
  }

  const std::shared_ptr<const MadeSeries> all_;
};

Result<std::unique_ptr<thermocline::Source>> New(std::vector<Labels> labels, MakeSamples make) {
  auto all = std::make_shared<MadeSeries>();
  all->make = std::move(make);
  all->number.resize(labels.size());
  std::iota(all->number.begin(), all->number.end(), size_t{0});
  std::sort(all->number.begin(), all->number.end(),
            [&](size_t a, size_t b) { return labels[a] < labels[b]; });
  std::unordered_set<uint64_t> taken;
  std::vector<PairId> pairs;
  for (const size_t number : all->number) {
    Labels& own = labels[number];
    if (!all->labels.empty() && all->labels.back() == own) {
      return Status::InvalidArgument("two series are called " + own.ToString());
    }
    uint64_t id = own.Hash();
    while (!taken.insert(id).second) ++id;
    all->ids.emplace_back(id);
    all->postings.Add(SeriesRef(static_cast<uint32_t>(all->labels.size())), own, &pairs);
    all->labels.push_back(std::move(own));
  }
  return std::unique_ptr<thermocline::Source>(std::make_unique<MadeSource>(std::move(all)));
}

}  // namespace
}  // namespace thermocline::api::made

namespace thermocline::api {

thermocline::Result<std::unique_ptr<thermocline::Source>> NewMadeSource(
    std::vector<thermocline::Labels> labels, MakeSamples make) {
  return made::New(std::move(labels), std::move(make));
}

}  // namespace thermocline::api
