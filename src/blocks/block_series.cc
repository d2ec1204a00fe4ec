// Listing: ids, order, labels.
#include "blocks/block_series.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>
#include <utility>

namespace thermocline {
namespace {

constexpr size_t kCheckEvery = 1024;
constexpr uint64_t kLabelsPieceBytes = uint64_t{64} << 10;

}  // namespace

TsdbSeriesSet::TsdbSeriesSet(std::shared_ptr<const BlockFiles> files, const SelectRequest& request)
    : files_(std::move(files)),
      range_(request.range),
      budget_(request.budget),
      counters_(request.counters) {}

TsdbSeriesSet::~TsdbSeriesSet() {
  if (budget_ != nullptr) budget_->Release(charged_bytes_);
}

Result<std::unique_ptr<TsdbSeriesSet>> TsdbSeriesSet::List(std::shared_ptr<const BlockFiles> files,
                                                           const SelectRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<SeriesRef> matching, files->index->Match(request.matchers));
  std::unique_ptr<TsdbSeriesSet> set(new TsdbSeriesSet(std::move(files), request));
  if (set->budget_ != nullptr) {
    const uint64_t bytes = matching.size() * (sizeof(SeriesRef) + sizeof(SeriesId));
    RETURN_IF_ERROR(set->budget_->Charge(bytes));
    set->charged_bytes_ = bytes;
  }
  RETURN_IF_ERROR(set->Scan(request, matching));
  set->MakeIdsDistinct();
  return set;
}

bool TsdbSeriesSet::Wants(const ChunkEntry& chunk, const std::vector<TimeRange>& deleted) const {
  const TimeRange own{chunk.min_ms, chunk.max_ms};
  return own.Overlaps(range_) && !CoveredBy(deleted, own);
}

Status TsdbSeriesSet::Scan(const SelectRequest& request, const std::vector<SeriesRef>& matching) {
  SeriesScanner scanner = files_->index->NewScanner();
  std::string packed;
  std::string last;
  std::vector<ChunkEntry> chunks;
  bool ordered = true;
  // With `sorted`, a limit counts in label order, which is known at the end.
  const uint64_t limit = request.hints.limit == 0 ? UINT64_MAX : request.hints.limit;
  for (size_t i = 0; i < matching.size() && (series_.size() < limit || !ordered); ++i) {
    if (budget_ != nullptr && i % kCheckEvery == 0) RETURN_IF_ERROR(budget_->Check());
    const SeriesRef series = matching[i];
    if (const Status read = scanner.Read(series, &packed, &chunks); !read.ok()) {
      if (!files_->options.skip_damaged || read.code() != Code::kCorruption) return read;
      files_->damage.AddSeries(read);
      continue;
    }
    const auto& deleted = files_->tombstones.of(series);
    if (std::none_of(chunks.begin(), chunks.end(),
                     [&](const ChunkEntry& chunk) { return Wants(chunk, deleted); })) {
      continue;
    }
    if (request.hints.sorted) {
      ordered = ordered && (series_.empty() || LabelsView(last) < LabelsView(packed));
      std::swap(last, packed);
    }
    series_.push_back(series);
    ids_.emplace_back(LabelsView(request.hints.sorted ? last : packed).Hash());
  }
  if (counters_ != nullptr) {
    counters_->requests.fetch_add(scanner.window().requests(), std::memory_order_relaxed);
    counters_->bytes_read.fetch_add(scanner.window().bytes_read(), std::memory_order_relaxed);
    counters_->cold_series.fetch_add(series_.size(), std::memory_order_relaxed);
  }
  if (ordered) return Status::Ok();
  RETURN_IF_ERROR(SortByLabels());
  if (series_.size() > limit) {
    series_.resize(limit);
    ids_.resize(limit);
  }
  return Status::Ok();
}

// For an index whose series are not in label order, which Prometheus never writes.
Status TsdbSeriesSet::SortByLabels() {
  SeriesScanner scanner = files_->index->NewScanner();
  std::vector<std::string> packed(series_.size());
  for (size_t i = 0; i < series_.size(); ++i) {
    RETURN_IF_ERROR(scanner.Read(series_[i], &packed[i], nullptr));
  }
  std::vector<uint32_t> order(series_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const auto by_labels = LabelsView(packed[a]) <=> LabelsView(packed[b]);
    return by_labels != 0 ? by_labels < 0 : a < b;
  });
  std::vector<SeriesRef> series;
  std::vector<SeriesId> ids;
  for (const uint32_t i : order) {
    series.push_back(series_[i]);
    ids.push_back(ids_[i]);
  }
  series_ = std::move(series);
  ids_ = std::move(ids);
  return Status::Ok();
}

// A collision takes the next free id, as everywhere.
void TsdbSeriesSet::MakeIdsDistinct() {
  std::vector<SeriesId> sorted = ids_;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) return;
  std::unordered_set<SeriesId> used;
  for (SeriesId& id : ids_) {
    while (!used.insert(id).second) ++id.number;
  }
}

Labels TsdbSeriesSet::labels(size_t series) const {
  std::string packed;
  MutexLock lock(labels_mutex_);
  if (labels_scanner_ == nullptr) {
    labels_scanner_ = std::make_unique<SeriesScanner>(files_->index->NewScanner(kLabelsPieceBytes));
  }
  const Status read = labels_scanner_->Read(series_[series], &packed, nullptr);
  if (!read.ok()) {
    labels_status_ = read;
    return {};
  }
  return Labels(LabelsView(packed));
}

}  // namespace thermocline
