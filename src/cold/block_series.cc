#include "cold/block_series.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace thermocline {
namespace {

using columnar::PageBatch;
using columnar::ReadStats;
using columnar::RowRange;

// Rows that `page` does not have.
std::vector<RowRange> Without(std::span<const RowRange> rows, const RowRange& page) {
  const RowRange before{0, page.first};
  const RowRange after{page.end(), std::numeric_limits<uint64_t>::max() - page.end()};
  std::vector<RowRange> rest = columnar::IntersectRows(rows, {&before, 1});
  const std::vector<RowRange> tail = columnar::IntersectRows(rows, {&after, 1});
  rest.insert(rest.end(), tail.begin(), tail.end());
  return rest;
}

// Appends elements [begin, end) of a column.
template <typename T>
void Append(const std::vector<T>& from, size_t begin, size_t end, std::vector<T>* to) {
  to->insert(to->end(), from.begin() + static_cast<ptrdiff_t>(begin),
             from.begin() + static_cast<ptrdiff_t>(end));
}

// Bytes charged to a budget while in scope.
class ChargedBytes {
 public:
  ChargedBytes(QueryBudget* budget, uint64_t bytes) : budget_(budget), bytes_(bytes) {
    if (budget_ != nullptr) status_ = budget_->Charge(bytes_);
  }
  ~ChargedBytes() {
    if (budget_ != nullptr && status_.ok()) budget_->Release(bytes_);
  }
  ChargedBytes(const ChargedBytes&) = delete;
  ChargedBytes& operator=(const ChargedBytes&) = delete;
  const Status& status() const { return status_; }

 private:
  QueryBudget* budget_;
  uint64_t bytes_;
  Status status_;
};

// Puts pieces, and the columns they lie in, in the order of slots and rows.
template <typename Piece>
void ArrangeBySlot(std::vector<Piece>* pieces, SeriesBatch* out) {
  const auto in_order = [](const Piece& a, const Piece& b) {
    return a.slot != b.slot ? a.slot < b.slot : a.first_row < b.first_row;
  };
  if (std::is_sorted(pieces->begin(), pieces->end(), in_order)) return;
  std::sort(pieces->begin(), pieces->end(), in_order);
  SeriesBatch arranged;
  arranged.timestamps_ms.reserve(out->timestamps_ms.size());
  arranged.values.reserve(out->values.size());
  for (Piece& piece : *pieces) {
    const size_t at = arranged.timestamps_ms.size();
    Append(out->timestamps_ms, piece.begin, piece.end, &arranged.timestamps_ms);
    Append(out->values, piece.begin, piece.end, &arranged.values);
    if (!out->start_timestamps_ms.empty()) {
      Append(out->start_timestamps_ms, piece.begin, piece.end, &arranged.start_timestamps_ms);
    }
    piece.begin = at;
    piece.end = arranged.timestamps_ms.size();
  }
  *out = std::move(arranged);
}

// Fills in the offsets of `slots` series from arranged pieces.
template <typename Piece>
void SetOffsets(const std::vector<Piece>& pieces, size_t slots, SeriesBatch* out) {
  out->offsets.assign(1, 0);
  out->offsets.reserve(slots + 1);
  for (const Piece& piece : pieces) {
    while (out->offsets.size() <= piece.slot) {
      out->offsets.push_back(static_cast<uint32_t>(piece.begin));
    }
  }
  out->offsets.resize(slots + 1, static_cast<uint32_t>(out->timestamps_ms.size()));
}

}  // namespace

BlockSeriesSet::BlockSeriesSet(Source source, BlockSeries series)
    : source_(std::move(source)), series_(std::move(series)) {}

BlockSeriesSet::~BlockSeriesSet() {
  MutexLock lock(mutex_);
  if (source_.budget != nullptr) source_.budget->Release(charged_bytes_);
}

Status BlockSeriesSet::FindColumns() {
  if (!source_.samples) return Status::Ok();
  const columnar::FileIndex& index = source_.samples->index();
  const auto timestamp = index.schema().Find("timestamp");
  const auto value = index.schema().Find("value");
  if (!timestamp || !value) {
    return Status::Corruption("samples file of block " + source_.block->entry().id.ToString() +
                              ": no timestamp or value column");
  }
  columns_ = {{*timestamp, 0}, {*value, kStaleBits}};
  if (const auto start = index.schema().Find("start_timestamp")) {
    columns_.push_back({*start, 0});
  }
  const TimeRange& range = source_.range;
  const TimeRange& held = source_.block->entry().range;
  if (range.start_ms <= held.start_ms && held.end_ms <= range.end_ms) {
    if (index.rows() > 0) rows_in_time_ = {{0, index.rows()}};
  } else {
    rows_in_time_ = index.RowsWhereInt64(*timestamp, range.start_ms, range.end_ms);
  }
  return Status::Ok();
}

Result<std::unique_ptr<BlockSeriesSet>> BlockSeriesSet::Make(Source source, BlockSeries series,
                                                             bool sorted, uint64_t limit) {
  std::unique_ptr<BlockSeriesSet> set(new BlockSeriesSet(std::move(source), std::move(series)));
  RETURN_IF_ERROR(set->FindColumns());
  if (set->source_.budget != nullptr) {
    const uint64_t bytes = set->series_.memory_bytes();
    RETURN_IF_ERROR(set->source_.budget->Charge(bytes));
    MutexLock lock(set->mutex_);
    set->charged_bytes_ = bytes;
  }
  set->order_.resize(set->series_.size());
  std::iota(set->order_.begin(), set->order_.end(), 0);
  if (sorted) {
    const auto before = [&s = set->series_](uint32_t a, uint32_t b) {
      return s.labels(a) < s.labels(b);
    };
    if (!std::is_sorted(set->order_.begin(), set->order_.end(), before)) {
      std::sort(set->order_.begin(), set->order_.end(), before);
    }
  }
  if (limit != 0 && set->order_.size() > limit) set->order_.resize(limit);
  return set;
}

Status BlockSeriesSet::Read(std::span<const uint32_t> series, SeriesBatch* out) const {
  const Status status = ReadRows(series, out);
  if (IsDamage(status) && source_.on_damage) source_.on_damage(*source_.block, status);
  return status;
}

std::vector<BlockSeriesSet::Segment> BlockSeriesSet::SegmentsOf(
    std::span<const uint32_t> series) const {
  std::vector<Segment> segments;
  segments.reserve(series.size());
  bool ascending = true;
  for (uint32_t slot = 0; slot < series.size(); ++slot) {
    for (const RowRange& rows : series_.rows_of(order_[series[slot]])) {
      ascending = ascending && (segments.empty() || segments.back().rows.end() <= rows.first);
      segments.push_back({rows, slot});
    }
  }
  if (!ascending) {
    std::sort(segments.begin(), segments.end(),
              [](const Segment& a, const Segment& b) { return a.rows.first < b.rows.first; });
  }
  return segments;
}

void BlockSeriesSet::CopyPage(const PageBatch& page, std::span<const Segment> segments,
                              SeriesBatch* out, std::vector<Piece>* pieces) const {
  const std::vector<int64_t>& times = page.columns[0].int64s;
  auto it = std::lower_bound(segments.begin(), segments.end(), page.rows.first,
                             [](const Segment& s, uint64_t row) { return s.rows.end() <= row; });
  for (; it != segments.end() && it->rows.first < page.rows.end(); ++it) {
    const uint64_t first = std::max(it->rows.first, page.rows.first);
    const auto low = times.begin() + static_cast<ptrdiff_t>(first - page.rows.first);
    const auto high =
        times.begin() +
        static_cast<ptrdiff_t>(std::min(it->rows.end(), page.rows.end()) - page.rows.first);
    const auto begin = std::lower_bound(low, high, source_.range.start_ms);
    const auto end = std::upper_bound(begin, high, source_.range.end_ms);
    if (begin == end) continue;
    const auto from = static_cast<size_t>(begin - times.begin());
    const auto to = static_cast<size_t>(end - times.begin());
    const size_t at = out->timestamps_ms.size();
    Append(times, from, to, &out->timestamps_ms);
    Append(page.columns[1].doubles, from, to, &out->values);
    if (page.columns.size() > 2) {
      Append(page.columns[2].int64s, from, to, &out->start_timestamps_ms);
    }
    pieces->push_back({it->slot, at, out->timestamps_ms.size(), first});
  }
}

Status BlockSeriesSet::FetchRows(std::span<const RowRange> rows, std::span<const Segment> segments,
                                 SeriesBatch* out, std::vector<Piece>* pieces) const {
  columnar::FetchOptions options;
  options.limit_bytes = source_.limit_bytes;
  ASSIGN_OR_RETURN(const columnar::FetchPlan plan, source_.samples->Plan(columns_, rows, options));
  const ChargedBytes charge(source_.budget, plan.page_bytes);
  RETURN_IF_ERROR(charge.status());
  ReadStats stats;
  ASSIGN_OR_RETURN(const std::unique_ptr<columnar::PageSet> pages,
                   source_.samples->Fetch(plan, &stats));
  std::unique_ptr<Scratch> scratch = TakeScratch();
  for (size_t i = 0; i < pages->page_count(); ++i) {
    if (source_.budget != nullptr) RETURN_IF_ERROR(source_.budget->Check());
    RETURN_IF_ERROR(pages->Decode(i, scratch->decoder, scratch->page.get()));
    stats.rows_decoded += scratch->page->rows.count;
    CopyPage(*scratch->page, segments, out, pieces);
  }
  if (pages->page_count() > 0) KeepLast(scratch.get());
  GiveBack(std::move(scratch));
  AddToCounters(stats, source_.counters);
  return Status::Ok();
}

Status BlockSeriesSet::ReadRows(std::span<const uint32_t> series, SeriesBatch* out) const {
  out->Clear();
  const std::vector<Segment> segments = SegmentsOf(series);
  std::vector<RowRange> rows;
  rows.reserve(segments.size());
  for (const Segment& segment : segments) rows.push_back(segment.rows);
  rows = columnar::IntersectRows(columnar::NormalizeRows(std::move(rows)), rows_in_time_);
  std::vector<Piece> pieces;
  std::shared_ptr<const PageBatch> last;
  {
    MutexLock lock(mutex_);
    last = last_page_;
  }
  if (last != nullptr) {
    if (!columnar::IntersectRows(rows, {&last->rows, 1}).empty()) {
      CopyPage(*last, segments, out, &pieces);
      rows = Without(rows, last->rows);
    }
    MutexLock lock(mutex_);
    last.reset();
  }
  if (!rows.empty()) RETURN_IF_ERROR(FetchRows(rows, segments, out, &pieces));
  ArrangeBySlot(&pieces, out);
  SetOffsets(pieces, series.size(), out);
  if (source_.counters != nullptr) {
    source_.counters->cold_samples.fetch_add(out->values.size(), std::memory_order_relaxed);
  }
  return Status::Ok();
}

void BlockSeriesSet::KeepLast(Scratch* scratch) const {
  // Of it and of the page that the next read decodes into.
  const uint64_t bytes = 2 * scratch->page->rows.count * 8 * scratch->page->columns.size();
  MutexLock lock(mutex_);
  // Pages of a file hardly differ in size, so the first one's charge stands for all. A query at its
  // limit goes without.
  if (last_page_ == nullptr && source_.budget != nullptr) {
    if (!source_.budget->Charge(bytes).ok()) return;
    charged_bytes_ += bytes;
  }
  std::swap(last_page_, scratch->page);
  // Its memory serves the next page, unless another thread still copies from it.
  if (scratch->page == nullptr || scratch->page.use_count() > 1) {
    scratch->page = std::make_shared<PageBatch>();
  }
}

std::unique_ptr<BlockSeriesSet::Scratch> BlockSeriesSet::TakeScratch() const {
  MutexLock lock(mutex_);
  if (scratch_.empty()) return std::make_unique<Scratch>();
  std::unique_ptr<Scratch> scratch = std::move(scratch_.back());
  scratch_.pop_back();
  return scratch;
}

void BlockSeriesSet::GiveBack(std::unique_ptr<Scratch> scratch) const {
  MutexLock lock(mutex_);
  scratch_.push_back(std::move(scratch));  // at most one per thread that reads
}

}  // namespace thermocline
