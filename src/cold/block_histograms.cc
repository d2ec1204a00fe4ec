#include "cold/block_histograms.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "cold/histogram_columns.h"

namespace thermocline {
namespace {

using columnar::FileReader;
using columnar::PageBatch;
using columnar::ReadStats;
using columnar::RowRange;

// Rows of the file that belong to the series at `slot` of a read.
struct Segment {
  RowRange rows;
  uint32_t slot = 0;
};

struct TimedHistogram {
  TimestampMs timestamp_ms = 0;
  TimestampMs start_ms = 0;
  Histogram histogram;
};

// Reads rows of the `histograms` file of a block.
class HistogramsReader {
 public:
  // `source` is the block's; its samples are not looked at.
  static Result<HistogramsReader> Make(FileReader file, BlockSeriesSet::Source source) {
    HistogramsReader reader(std::move(file), std::move(source));
    const columnar::FileSchema& schema = reader.file_.index().schema();
    const auto timestamp = schema.Find("timestamp");
    auto columns = HistogramPage::Columns(schema);
    if (!timestamp || schema.columns[*timestamp].type != columnar::ColumnType::kTimestampMs) {
      columns = Status::Corruption("no timestamp column");
    }
    if (!columns.ok()) return columns.status().WithContext(reader.name());
    reader.columns_ = {{*timestamp, 0}};
    if (const auto start = schema.Find("start_timestamp")) reader.columns_.push_back({*start, 0});
    reader.first_leaf_ = reader.columns_.size();
    reader.columns_.insert(reader.columns_.end(), columns->begin(), columns->end());
    const TimeRange& range = reader.source_.range;
    reader.rows_in_time_ =
        reader.file_.index().RowsWhereInt64(*timestamp, range.start_ms, range.end_ms);
    return reader;
  }

  // Replaces `out` with the histograms of `slots` series; `segments` ascend by row.
  Status Read(std::span<const Segment> segments, size_t slots, SeriesBatch* out) const {
    std::vector<std::vector<TimedHistogram>> by_slot(slots);
    std::vector<RowRange> rows;
    rows.reserve(segments.size());
    for (const Segment& segment : segments) rows.push_back(segment.rows);
    rows = columnar::IntersectRows(columnar::NormalizeRows(std::move(rows)), rows_in_time_);
    if (!rows.empty()) RETURN_IF_ERROR(Fetch(rows, segments, &by_slot));
    out->Clear();
    for (std::vector<TimedHistogram>& samples : by_slot) {
      for (TimedHistogram& sample : samples) {
        out->timestamps_ms.push_back(sample.timestamp_ms);
        if (with_starts()) out->start_timestamps_ms.push_back(sample.start_ms);
        out->values.push_back(sample.histogram.sum);
        out->histogram_index.push_back(static_cast<uint32_t>(out->histograms.size()));
        out->histograms.push_back(std::move(sample.histogram));
      }
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
      std::vector<TimedHistogram>().swap(samples);
    }
    return Status::Ok();
  }

 private:
  HistogramsReader(FileReader file, BlockSeriesSet::Source source)
      : file_(std::move(file)), source_(std::move(source)) {}

  bool with_starts() const { return first_leaf_ == 2; }
  std::string name() const { return source_.block->entry().Find(BlockFileKind::kHistograms)->key; }

  Status Fetch(std::span<const RowRange> rows, std::span<const Segment> segments,
               std::vector<std::vector<TimedHistogram>>* by_slot) const {
    columnar::FetchOptions options;
    options.limit_bytes = source_.limit_bytes;
    ASSIGN_OR_RETURN(const columnar::FetchPlan plan, file_.Plan(columns_, rows, options));
    QueryBudget* const budget = source_.budget;
    if (budget != nullptr) RETURN_IF_ERROR(budget->Charge(plan.page_bytes));
    ReadStats stats;
    const Status status = FetchPages(plan, segments, &stats, by_slot);
    if (budget != nullptr) budget->Release(plan.page_bytes);
    AddToCounters(stats, source_.counters);
    return status;
  }

  Status FetchPages(const columnar::FetchPlan& plan, std::span<const Segment> segments,
                    ReadStats* stats, std::vector<std::vector<TimedHistogram>>* by_slot) const {
    ASSIGN_OR_RETURN(const std::unique_ptr<columnar::PageSet> pages, file_.Fetch(plan, stats));
    columnar::PageDecoder decoder;
    PageBatch page;
    for (size_t i = 0; i < pages->page_count(); ++i) {
      if (source_.budget != nullptr) RETURN_IF_ERROR(source_.budget->Check());
      RETURN_IF_ERROR(pages->Decode(i, decoder, &page));
      stats->rows_decoded += page.rows.count;
      const Status status = CopyPage(page, segments, by_slot);
      if (!status.ok()) return status.WithContext(name());
    }
    return Status::Ok();
  }

  Status CopyPage(const PageBatch& page, std::span<const Segment> segments,
                  std::vector<std::vector<TimedHistogram>>* by_slot) const {
    HistogramPage histograms;
    RETURN_IF_ERROR(histograms.Open(std::span(page.columns).subspan(first_leaf_)));
    const std::vector<int64_t>& times = page.columns[0].int64s;
    auto it = std::lower_bound(segments.begin(), segments.end(), page.rows.first,
                               [](const Segment& s, uint64_t row) { return s.rows.end() <= row; });
    for (; it != segments.end() && it->rows.first < page.rows.end(); ++it) {
      std::vector<TimedHistogram>& to = (*by_slot)[it->slot];
      const uint64_t first = std::max(it->rows.first, page.rows.first) - page.rows.first;
      const uint64_t end = std::min(it->rows.end(), page.rows.end()) - page.rows.first;
      for (uint64_t row = first; row < end; ++row) {
        if (!source_.range.Contains(times[row])) continue;
        TimedHistogram& sample = to.emplace_back();
        sample.timestamp_ms = times[row];
        if (with_starts()) sample.start_ms = page.columns[1].int64s[row];
        RETURN_IF_ERROR(histograms.Get(row, &sample.histogram));
      }
    }
    return Status::Ok();
  }

  FileReader file_;
  BlockSeriesSet::Source source_;
  std::vector<columnar::FetchColumn> columns_;  // timestamp, start_timestamp (maybe), the leaves
  size_t first_leaf_ = 0;
  std::vector<RowRange> rows_in_time_;  // of pages that may hold samples in range
};

// Samples [begin, end) of a batch go over to another; histograms are moved.
void MoveSamples(SeriesBatch& from, size_t begin, size_t end, bool starts, SeriesBatch* to) {
  for (size_t i = begin; i < end; ++i) {
    to->timestamps_ms.push_back(from.timestamps_ms[i]);
    to->values.push_back(from.values[i]);
    if (starts) {
      to->start_timestamps_ms.push_back(
          from.start_timestamps_ms.empty() ? 0 : from.start_timestamps_ms[i]);
    }
    if (from.histogram(i) == nullptr) {
      to->histogram_index.push_back(SeriesBatch::kNoHistogram);
    } else {
      to->histogram_index.push_back(static_cast<uint32_t>(to->histograms.size()));
      to->histograms.push_back(std::move(from.histograms[from.histogram_index[i]]));
    }
  }
}

// Unlike a merge of sources this leaves the hints of histograms alone: both tables are of one
// source, and a float between two histograms was there when the hint was given. False: two samples
// of a series at one time.
bool MergeByTime(SeriesBatch* floats, SeriesBatch* histograms, SeriesBatch* out) {
  const bool starts =
      !floats->start_timestamps_ms.empty() || !histograms->start_timestamps_ms.empty();
  out->Clear();
  for (size_t series = 0; series < floats->series_count(); ++series) {
    size_t a = floats->offsets[series];
    size_t b = histograms->offsets[series];
    const size_t a_end = floats->offsets[series + 1];
    const size_t b_end = histograms->offsets[series + 1];
    while (a < a_end && b < b_end) {
      const TimestampMs a_time = floats->timestamps_ms[a];
      const TimestampMs b_time = histograms->timestamps_ms[b];
      if (a_time == b_time) return false;
      if (a_time < b_time) {
        MoveSamples(*floats, a, a + 1, starts, out);
        ++a;
      } else {
        MoveSamples(*histograms, b, b + 1, starts, out);
        ++b;
      }
    }
    MoveSamples(*floats, a, a_end, starts, out);
    MoveSamples(*histograms, b, b_end, starts, out);
    out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
  }
  return true;
}

// A block's set whose series have histograms too. Threads: as BlockSeriesSet.
class MixedSeriesSet final : public SeriesSet {
 public:
  MixedSeriesSet(std::unique_ptr<BlockSeriesSet> floats, HistogramsReader histograms,
                 BlockSeriesSet::Source source)
      : floats_(std::move(floats)),
        histograms_(std::move(histograms)),
        source_(std::move(source)) {}

  size_t series_count() const override { return floats_->series_count(); }
  SeriesId id(size_t series) const override { return floats_->id(series); }
  Labels labels(size_t series) const override { return floats_->labels(series); }
  const std::vector<std::string>& warnings() const override { return floats_->warnings(); }

  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    std::vector<Segment> segments;
    bool floats = false;
    for (uint32_t slot = 0; slot < series.size(); ++slot) {
      const uint32_t place = floats_->place(series[slot]);
      floats |= !floats_->listing().rows_of(place).empty();
      for (const RowRange& rows : floats_->listing().histogram_rows_of(place)) {
        segments.push_back({rows, slot});
      }
    }
    if (segments.empty()) return floats_->Read(series, out);
    std::sort(segments.begin(), segments.end(),
              [](const Segment& a, const Segment& b) { return a.rows.first < b.rows.first; });
    SeriesBatch histograms;
    const Status status = histograms_.Read(segments, series.size(), &histograms);
    if (!status.ok()) return Damaged(status);
    if (source_.counters != nullptr) {
      source_.counters->cold_samples.fetch_add(histograms.values.size(), std::memory_order_relaxed);
    }
    if (!floats) {
      *out = std::move(histograms);
      return Status::Ok();
    }
    SeriesBatch of_floats;
    RETURN_IF_ERROR(floats_->Read(series, &of_floats));
    if (histograms.timestamps_ms.empty()) {
      *out = std::move(of_floats);
    } else if (!MergeByTime(&of_floats, &histograms, out)) {
      return Damaged(Status::Corruption(
          fmt::format("block {}: a series has a float and a histogram at one time",
                      source_.block->entry().id.ToString())));
    }
    return Status::Ok();
  }

 private:
  Status Damaged(const Status& status) const {
    if (IsDamage(status) && source_.on_damage) source_.on_damage(*source_.block, status);
    return status;
  }

  const std::unique_ptr<BlockSeriesSet> floats_;
  const HistogramsReader histograms_;
  const BlockSeriesSet::Source source_;
};

}  // namespace

Result<std::unique_ptr<SeriesSet>> OpenBlockSeries(BlockSeriesSet::Source source,
                                                   BlockSeries series, bool sorted, uint64_t limit,
                                                   ReadStats* stats) {
  const bool histograms = !series.histogram_rows.empty();
  if (!series.rows.empty()) {
    ASSIGN_OR_RETURN(source.samples, source.block->Open(BlockFileKind::kSamples, stats));
  }
  std::optional<HistogramsReader> reader;
  if (histograms) {
    ASSIGN_OR_RETURN(FileReader file, source.block->Open(BlockFileKind::kHistograms, stats));
    ASSIGN_OR_RETURN(reader, HistogramsReader::Make(std::move(file), source));
  }
  const BlockSeriesSet::Source shared = source;
  ASSIGN_OR_RETURN(std::unique_ptr<BlockSeriesSet> floats,
                   BlockSeriesSet::Make(std::move(source), std::move(series), sorted, limit));
  if (!histograms) return std::unique_ptr<SeriesSet>(std::move(floats));
  return std::unique_ptr<SeriesSet>(
      std::make_unique<MixedSeriesSet>(std::move(floats), *std::move(reader), shared));
}

}  // namespace thermocline
