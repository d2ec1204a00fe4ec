#include "blocks/block.h"

#include <algorithm>
#include <set>
#include <utility>

#include "blocks/block_series.h"
#include "model/labels.h"

namespace thermocline {
namespace {

constexpr size_t kCheckEvery = 1024;

class NoSeries : public SeriesSet {
 public:
  size_t series_count() const override { return 0; }
  SeriesId id(size_t) const override { return SeriesId(0); }
  Labels labels(size_t) const override { return {}; }
  Status Read(std::span<const uint32_t>, SeriesBatch* out) const override {
    out->Clear();
    return Status::Ok();
  }
  bool has_encoded() const override { return true; }
  Status ReadEncoded(std::span<const uint32_t>, EncodedBatch* out) const override {
    out->Clear();
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  std::vector<std::string> warnings_;
};

// Calls `visit(labels)` for each series until it returns false.
template <typename Visit>
Status ForEachLabels(const BlockFiles& files, const std::vector<SeriesRef>& series,
                     QueryBudget* budget, Visit visit) {
  SeriesScanner scanner = files.index->NewScanner();
  std::string packed;
  for (size_t i = 0; i < series.size(); ++i) {
    if (budget != nullptr && i % kCheckEvery == 0) RETURN_IF_ERROR(budget->Check());
    if (const Status read = scanner.Read(series[i], &packed, nullptr); !read.ok()) {
      if (!files.options.skip_damaged || read.code() != Code::kCorruption) return read;
      files.damage.AddSeries(read);
      continue;
    }
    visit(LabelsView(packed));
  }
  return Status::Ok();
}

std::vector<std::string> Limited(std::set<std::string, std::less<>> found, uint64_t limit) {
  std::vector<std::string> out;
  for (auto& text : found) {
    if (limit != 0 && out.size() == limit) break;
    out.push_back(text);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Block>> Block::Open(Bucket& bucket, const std::string& folder,
                                           const BlockOptions& options) {
  const std::string prefix = folder.empty() || folder.ends_with('/') ? folder : folder + "/";
  ASSIGN_OR_RETURN(auto files, BlockFiles::Open(bucket, prefix, options));
  return std::unique_ptr<Block>(new Block(std::move(files)));
}

Result<std::unique_ptr<SeriesSet>> Block::Select(const SelectRequest& request) const {
  if (request.counters != nullptr) {
    request.counters->blocks_considered.fetch_add(1, std::memory_order_relaxed);
  }
  if (!request.range.Overlaps(files_->meta.range())) {
    if (request.counters != nullptr) {
      request.counters->blocks_skipped_by_time.fetch_add(1, std::memory_order_relaxed);
    }
    return std::unique_ptr<SeriesSet>(std::make_unique<NoSeries>());
  }
  ASSIGN_OR_RETURN(auto set, TsdbSeriesSet::List(files_, request));
  return std::unique_ptr<SeriesSet>(std::move(set));
}

Result<std::vector<SeriesRef>> Block::MatchAny(const LabelRequest& request) const {
  std::vector<SeriesRef> all;
  for (const std::vector<Matcher>& matchers : request.matcher_sets) {
    ASSIGN_OR_RETURN(const std::vector<SeriesRef> series, files_->index->Match(matchers));
    all.insert(all.end(), series.begin(), series.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Result<std::vector<std::string>> Block::LabelNames(const LabelRequest& request) const {
  if (!request.range.Overlaps(files_->meta.range())) return std::vector<std::string>();
  if (request.matcher_sets.empty()) {
    std::vector<std::string> names = files_->index->table().Names();
    if (request.limit != 0 && names.size() > request.limit) names.resize(request.limit);
    return names;
  }
  ASSIGN_OR_RETURN(const std::vector<SeriesRef> series, MatchAny(request));
  std::set<std::string, std::less<>> names;
  RETURN_IF_ERROR(ForEachLabels(*files_, series, request.budget, [&](LabelsView labels) {
    for (const LabelPair& pair : labels) {
      if (!names.contains(pair.name)) names.emplace(pair.name);
    }
  }));
  return Limited(std::move(names), request.limit);
}

Result<std::vector<std::string>> Block::LabelValues(std::string_view name,
                                                    const LabelRequest& request) const {
  std::vector<std::string> values;
  if (!request.range.Overlaps(files_->meta.range())) return values;
  if (request.matcher_sets.empty()) {
    RETURN_IF_ERROR(files_->index->table().ForEach(name, "", [&](std::string_view value, uint64_t) {
      if (!value.empty()) values.emplace_back(value);
      return request.limit == 0 || values.size() < request.limit;
    }));
    return values;
  }
  ASSIGN_OR_RETURN(const std::vector<SeriesRef> series, MatchAny(request));
  std::set<std::string, std::less<>> found;
  RETURN_IF_ERROR(ForEachLabels(*files_, series, request.budget, [&](LabelsView labels) {
    const std::string_view value = labels.Get(name);
    if (!value.empty() && !found.contains(value)) found.emplace(value);
  }));
  return Limited(std::move(found), request.limit);
}

Result<std::vector<BatchMetadata>> Block::Metadata(const MetadataRequest&) const {
  return std::vector<BatchMetadata>();
}

}  // namespace thermocline
