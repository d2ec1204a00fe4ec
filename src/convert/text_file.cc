#include "convert/text_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "blocks/sample_columns.h"
#include "codec/chunk.h"
#include "model/metadata.h"

namespace thermocline {
namespace {

class TextSet final : public SeriesSet {
 public:
  TextSet(std::shared_ptr<const TextFile> file, const SelectRequest& request)
      : file_(std::move(file)), range_(request.range), budget_(request.budget) {
    const std::vector<TextFile::Series>& all = file_->series();
    for (uint32_t i = 0; i < all.size(); ++i) {
      const bool any = std::any_of(all[i].chunks.begin(), all[i].chunks.end(),
                                   [this](const TextFile::Chunk& chunk) {
                                     return TimeRange{chunk.min_ms, chunk.max_ms}.Overlaps(range_);
                                   });
      if (any && MatchesAll(request.matchers, all[i].labels)) series_.push_back(i);
    }
    if (request.hints.sorted) {
      std::sort(series_.begin(), series_.end(),
                [&](uint32_t a, uint32_t b) { return (all[a].labels <=> all[b].labels) < 0; });
    }
    if (request.hints.limit > 0 && series_.size() > request.hints.limit) {
      series_.resize(request.hints.limit);
    }
  }

  size_t series_count() const override { return series_.size(); }
  SeriesId id(size_t series) const override { return SeriesId(at(series).labels.Hash()); }
  Labels labels(size_t series) const override { return at(series).labels; }
  const std::vector<std::string>& warnings() const override { return warnings_; }

  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    out->Clear();
    std::string bytes;
    for (const uint32_t i : series) {
      if (budget_ != nullptr) RETURN_IF_ERROR(budget_->Check());
      const size_t begin = out->timestamps_ms.size();
      for (const TextFile::Chunk& chunk : at(i).chunks) {
        if (!TimeRange{chunk.min_ms, chunk.max_ms}.Overlaps(range_)) continue;
        RETURN_IF_ERROR(file_->spill().Read(chunk.offset, chunk.size, &bytes));
        RETURN_IF_ERROR(DecodeChunk(ChunkEncoding::kXor, bytes, range_, out));
      }
      RETURN_IF_ERROR(PutTogether(i, begin, out));
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }

 private:
  const TextFile::Series& at(size_t series) const { return file_->series()[series_[series]]; }

  // Chunks may overlap when lines are far out of order.
  Status PutTogether(uint32_t series, size_t begin, SeriesBatch* out) const {
    const auto first = out->timestamps_ms.begin() + static_cast<ptrdiff_t>(begin);
    if (std::adjacent_find(first, out->timestamps_ms.end(), std::greater_equal<>()) ==
        out->timestamps_ms.end()) {
      return Status::Ok();
    }
    std::vector<std::pair<TimestampMs, uint64_t>> seen;  // time, bits
    for (size_t i = begin; i < out->timestamps_ms.size(); ++i) {
      seen.emplace_back(out->timestamps_ms[i], std::bit_cast<uint64_t>(out->values[i]));
    }
    std::sort(seen.begin(), seen.end());
    for (size_t i = 1; i < seen.size(); ++i) {
      if (seen[i].first != seen[i - 1].first || seen[i].second == seen[i - 1].second) continue;
      return Status::InvalidArgument(fmt::format("{}: two values of {} at {} ms", file_->path(),
                                                 at(series).labels.ToString(), seen[i].first));
    }
    PutInOrder(begin, out);
    return Status::Ok();
  }

  const std::shared_ptr<const TextFile> file_;
  const TimeRange range_;
  QueryBudget* const budget_;
  std::vector<uint32_t> series_;
  std::vector<std::string> warnings_;
};

}  // namespace

Result<std::unique_ptr<SeriesSet>> TextFile::Select(const SelectRequest& request) const {
  return std::unique_ptr<SeriesSet>(std::make_unique<TextSet>(shared_from_this(), request));
}

template <typename Visit>
void TextFile::VisitLabels(const LabelRequest& request, Visit visit) const {
  for (const Series& series : series_) {
    const bool in_range =
        std::any_of(series.chunks.begin(), series.chunks.end(), [&](const Chunk& chunk) {
          return TimeRange{chunk.min_ms, chunk.max_ms}.Overlaps(request.range);
        });
    const bool matches =
        request.matcher_sets.empty() ||
        std::any_of(request.matcher_sets.begin(), request.matcher_sets.end(),
                    [&](const auto& matchers) { return MatchesAll(matchers, series.labels); });
    if (in_range && matches) visit(series.labels);
  }
}

Result<std::vector<std::string>> TextFile::LabelNames(const LabelRequest& request) const {
  std::set<std::string, std::less<>> names;
  VisitLabels(request, [&](LabelsView labels) {
    for (const LabelPair& pair : labels) {
      if (!names.contains(pair.name)) names.emplace(pair.name);
    }
  });
  std::vector<std::string> out(names.begin(), names.end());
  if (request.limit != 0 && out.size() > request.limit) out.resize(request.limit);
  return out;
}

Result<std::vector<std::string>> TextFile::LabelValues(std::string_view name,
                                                       const LabelRequest& request) const {
  std::set<std::string, std::less<>> values;
  VisitLabels(request, [&](LabelsView labels) {
    const std::string_view value = labels.Get(name);
    if (!value.empty() && !values.contains(value)) values.emplace(value);
  });
  std::vector<std::string> out(values.begin(), values.end());
  if (request.limit != 0 && out.size() > request.limit) out.resize(request.limit);
  return out;
}

Result<std::vector<SeriesExemplars>> TextFile::Exemplars(const ExemplarRequest& request) const {
  std::vector<SeriesExemplars> all;
  for (const auto& [series, exemplar] : exemplars_) {
    if (!request.range.Contains(exemplar.t_ms)) continue;
    if (!Accepts(request, series_[series].labels)) continue;
    all.push_back({series_[series].labels, {exemplar}});
  }
  PutInOrder(request.range, &all);
  return all;
}

Result<std::vector<BatchMetadata>> TextFile::Metadata(const MetadataRequest& request) const {
  std::vector<BatchMetadata> out = metadata_;
  PutInOrder(request, &out);
  return out;
}

}  // namespace thermocline
