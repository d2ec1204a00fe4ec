#include "cold/block_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <set>

#include "cold/block_footer.h"
#include "cold/samples_writer.h"
#include "cold/series_order.h"
#include "cold/series_writer.h"

namespace thermocline {
namespace {

constexpr size_t kMorsel = 1024;
// A slice must fill so many pages before a metric is cut into slices of its width.
constexpr uint64_t kPagesPerSlice = 8;
constexpr uint64_t kPagesPerSmallSlice = 64;
constexpr int64_t kSliceMs = 6 * kHourMs;
constexpr int64_t kSmallSliceMs = 2 * kHourMs;

// The samples of [begin, end) of a series in a batch that lie within a range.
struct Cut {
  size_t begin = 0;
  size_t end = 0;
};
Cut CutTo(std::span<const TimestampMs> times, const TimeRange& range) {
  const auto begin = std::lower_bound(times.begin(), times.end(), range.start_ms);
  const auto end = std::upper_bound(begin, times.end(), range.end_ms);
  return {static_cast<size_t>(begin - times.begin()), static_cast<size_t>(end - times.begin())};
}

// Reads the series at positions of an order, in morsels.
class MorselReader {
 public:
  MorselReader(const SeriesSet& series, const SeriesOrder& order)
      : series_(series), order_(order) {}

  // Positions [first, first + count), at most kMorsel.
  Status Read(size_t first, size_t count) {
    sources_.clear();
    for (size_t i = 0; i < count; ++i) sources_.push_back(order_.source(first + i));
    slots_.resize(count);
    std::sort(sources_.begin(), sources_.end());
    for (size_t i = 0; i < count; ++i) {
      const auto it = std::lower_bound(sources_.begin(), sources_.end(), order_.source(first + i));
      slots_[i] = static_cast<uint32_t>(it - sources_.begin());
    }
    RETURN_IF_ERROR(series_.Read(sources_, &batch_));
    for (const SampleKind kind : batch_.kinds) {
      if (kind != SampleKind::kFloat) {
        return Status::Unimplemented("write a cold block: a series of histograms");
      }
    }
    return Status::Ok();
  }
  const SeriesBatch& batch() const { return batch_; }
  SeriesId id(uint32_t source) const { return series_.id(source); }
  // Where the batch has the i-th of the positions read.
  size_t slot(size_t i) const { return slots_[i]; }

 private:
  const SeriesSet& series_;
  const SeriesOrder& order_;
  std::vector<uint32_t> sources_;
  std::vector<uint32_t> slots_;
  SeriesBatch batch_;
};

// Writes one block: the samples of one UTC day.
class DayWriter {
 public:
  DayWriter(const SeriesSet& series, const SeriesOrder& order, const BlockWriterOptions& options,
            TimestampMs day_ms)
      : order_(order),
        options_(options),
        day_{day_ms, day_ms + (kDayMs - 1)},
        reader_(series, order) {}

  // Fills in what `entry` lacks. An entry without files: the day has no samples.
  Status Write(std::span<const BlockLabel> labels, const LabelColumns& columns, Bucket& bucket,
               BlockEntry* entry) {
    bool with_starts = false;
    for (;;) {
      const Status status = WriteSamples(labels, with_starts, columns, bucket, entry);
      // Whether any sample has a start timestamp shows only while writing; then once more, with
      // the column.
      if (!status.ok() && starts_found_ && !with_starts) {
        with_starts = true;
        continue;
      }
      RETURN_IF_ERROR(status);
      break;
    }
    if (rows_.empty()) return Status::Ok();
    return WriteSeriesFiles(rows_, labels, columns, options_, bucket, entry);
  }
  // Samples of any day that the source gave.
  uint64_t samples_seen() const { return samples_seen_; }

 private:
  Status WriteSamples(std::span<const BlockLabel> labels, bool with_starts,
                      const LabelColumns& columns, Bucket& bucket, BlockEntry* entry) {
    rows_.clear();
    rows_.reserve(order_.size());
    samples_seen_ = 0;
    std::string key = BlockFileKey(BlockFileKind::kSamples, entry->id, day_.start_ms);
    ASSIGN_OR_RETURN(const std::unique_ptr<ObjectWriter> sink, bucket.NewWriter(key));
    ASSIGN_OR_RETURN(samples_, SamplesWriter::Open(sink.get(), labels, with_starts, options_));
    with_starts_ = with_starts;
    const std::vector<size_t>& starts = order_.metric_starts();
    for (size_t i = 0; i + 1 < starts.size(); ++i) {
      RETURN_IF_ERROR(WriteMetric(starts[i], starts[i + 1]));
    }
    if (rows_.empty()) {
      sink->Abort();
      return Status::Ok();
    }
    entry->range = {};
    entry->samples = samples_->rows();
    entry->series = rows_.size();
    for (const SeriesRow& row : rows_) {
      entry->range.Extend(row.range.start_ms);
      entry->range.Extend(row.range.end_ms);
    }
    ASSIGN_OR_RETURN(const columnar::FileSummary summary,
                     samples_->Finish(BlockKeyValues(*entry, BlockFileKind::kSamples, columns)));
    RETURN_IF_ERROR(sink->Finish());
    entry->files.assign(1, {BlockFileKind::kSamples, std::move(key), summary.size_bytes,
                            summary.rows, summary.file_hash, summary.tail});
    return Status::Ok();
  }

  // Series [begin, end) of the order, which share the metric.
  Status WriteMetric(size_t begin, size_t end) {
    const size_t base = rows_.size();
    rows_.resize(base + (end - begin));
    int64_t slice_ms = 0;
    TimeRange slice = day_;
    do {
      for (size_t at = begin; at < end; at += kMorsel) {
        const size_t count = std::min(kMorsel, end - at);
        RETURN_IF_ERROR(reader_.Read(at, count));
        if (slice_ms == 0) {  // the first morsel tells
          slice_ms = ChooseSlice(end - begin, count);
          slice.end_ms = day_.start_ms + slice_ms - 1;
        }
        for (size_t i = 0; i < count; ++i) {
          if (slice.start_ms == day_.start_ms) {
            samples_seen_ += reader_.batch().times(reader_.slot(i)).size();
          }
          RETURN_IF_ERROR(
              AddSeries(at + i, reader_.slot(i), slice, slice_ms, &rows_[base + at + i - begin]));
        }
      }
      slice = {slice.end_ms + 1, slice.end_ms + slice_ms};
    } while (slice.start_ms <= day_.end_ms);
    const auto first = rows_.begin() + static_cast<ptrdiff_t>(base);
    rows_.erase(
        std::remove_if(first, rows_.end(), [](const SeriesRow& row) { return row.samples == 0; }),
        rows_.end());
    return Status::Ok();
  }

  Status AddSeries(size_t position, size_t slot, const TimeRange& slice, int64_t slice_ms,
                   SeriesRow* row) {
    const SeriesBatch& batch = reader_.batch();
    const std::span<const TimestampMs> times = batch.times(slot);
    const Cut cut = CutTo(times, slice);
    if (cut.begin == cut.end) return Status::Ok();
    const size_t count = cut.end - cut.begin;
    std::span<const TimestampMs> starts;
    if (!batch.start_timestamps_ms.empty()) {
      starts = std::span(batch.start_timestamps_ms).subspan(batch.offsets[slot] + cut.begin, count);
      const bool any = std::any_of(starts.begin(), starts.end(), [](int64_t t) { return t != 0; });
      if (any && !with_starts_) {
        starts_found_ = true;
        return Status::Internal("start timestamps without a column");
      }
      if (!with_starts_) starts = {};
    }
    const columnar::RowRange rows{samples_->rows(), count};
    if (row->samples == 0) {
      row->id = series_id(position);
      row->labels = order_.labels(position);
      row->slice_ms = slice_ms;
      row->first = rows;
    } else {
      if (row->more == nullptr) row->more = std::make_unique<std::vector<columnar::RowRange>>();
      row->more->push_back(rows);
    }
    row->samples += count;
    row->range.Extend(times[cut.begin]);
    row->range.Extend(times[cut.end - 1]);
    return samples_->Add(row->id, row->labels, times.subspan(cut.begin, count),
                         batch.floats(slot).subspan(cut.begin, count), starts);
  }

  // From the batch just read, the first `count` of the metric's `series`.
  int64_t ChooseSlice(size_t series, size_t count) const {
    TimeRange span;
    uint64_t samples = 0;
    for (size_t i = 0; i < count; ++i) {
      const std::span<const TimestampMs> times = reader_.batch().times(reader_.slot(i));
      const Cut cut = CutTo(times, day_);
      if (cut.begin == cut.end) continue;
      samples += cut.end - cut.begin;
      span.Extend(times[cut.begin]);
      span.Extend(times[cut.end - 1]);
    }
    if (samples == 0) return kDayMs;
    const double width_ms = static_cast<double>(span.end_ms - span.start_ms + 1);
    const double per_ms = static_cast<double>(samples) * static_cast<double>(series) /
                          static_cast<double>(count) / width_ms;
    const auto fills = [&](int64_t slice_ms, uint64_t pages) {
      return width_ms > static_cast<double>(slice_ms) &&
             per_ms * static_cast<double>(slice_ms) >=
                 static_cast<double>(pages) * options_.page_rows;
    };
    if (fills(kSmallSliceMs, kPagesPerSmallSlice)) return kSmallSliceMs;
    return fills(kSliceMs, kPagesPerSlice) ? kSliceMs : kDayMs;
  }

  SeriesId series_id(size_t position) const { return reader_.id(order_.source(position)); }

  const SeriesOrder& order_;
  const BlockWriterOptions& options_;
  const TimeRange day_;
  MorselReader reader_;
  std::unique_ptr<SamplesWriter> samples_;
  std::vector<SeriesRow> rows_;
  bool with_starts_ = false;
  bool starts_found_ = false;
  uint64_t samples_seen_ = 0;
};

// First milliseconds of the UTC days that may have samples, ascending.
Result<std::vector<TimestampMs>> DaysOf(const SeriesSet& series, const SeriesOrder& order,
                                        const TimeRange& known) {
  std::set<TimestampMs> days;
  // Each day is a pass over the samples, so days that may be empty are worth a look before.
  if (!known.empty() && known.end_ms / kDayMs - known.start_ms / kDayMs <= 1) {
    for (TimestampMs day = FloorTo(known.start_ms, kDayMs); day <= known.end_ms; day += kDayMs) {
      days.insert(day);
    }
    return std::vector<TimestampMs>(days.begin(), days.end());
  }
  MorselReader reader(series, order);
  for (size_t at = 0; at < order.size(); at += kMorsel) {
    const size_t count = std::min(kMorsel, order.size() - at);
    RETURN_IF_ERROR(reader.Read(at, count));
    for (size_t i = 0; i < count; ++i) {
      const std::span<const TimestampMs> times = reader.batch().times(i);
      for (size_t k = 0; k < times.size();) {
        const TimestampMs day = FloorTo(times[k], kDayMs);
        days.insert(day);
        k = CutTo(times, {day, day + (kDayMs - 1)}).end;
      }
    }
  }
  return std::vector<TimestampMs>(days.begin(), days.end());
}

std::vector<FlushMark> MarksOfDay(const std::vector<FlushMark>& marks, TimestampMs day_ms) {
  std::vector<FlushMark> cut;
  for (FlushMark mark : marks) {
    mark.range.start_ms = std::max(mark.range.start_ms, day_ms);
    mark.range.end_ms = std::min(mark.range.end_ms, day_ms + (kDayMs - 1));
    if (!mark.range.empty()) cut.push_back(mark);
  }
  return cut;
}

}  // namespace

Status BlockWriterOptions::Validate() const {
  const bool pages = std::has_single_bit(page_rows) && page_rows >= 64 && page_rows <= (1u << 20) &&
                     row_group_rows >= page_rows && row_group_rows % page_rows == 0 &&
                     row_group_rows <= (1u << 26) && series_page_rows >= 64 &&
                     series_page_rows <= (1u << 20);
  if (!pages) {
    return Status::InvalidArgument(
        fmt::format("cold block: pages of {} and {} rows, row groups of {}", page_rows,
                    series_page_rows, row_group_rows));
  }
  if (zstd_level < 1 || zstd_level > 19) {
    return Status::InvalidArgument(fmt::format("cold block: zstd level {}", zstd_level));
  }
  return Status::Ok();
}

Result<std::vector<BlockEntry>> WriteBlocks(const SeriesSet& series, const BlockRequest& request,
                                            const BlockWriterOptions& options,
                                            const std::function<BlockId()>& new_id, Bucket& bucket,
                                            LabelColumns* columns) {
  RETURN_IF_ERROR(options.Validate());
  const SeriesOrder order(series);
  for (const std::string& name : order.label_names()) columns->FindOrAdd(name);
  // The block's label columns, in the order of the table's map.
  const std::set<std::string_view> names(order.label_names().begin(), order.label_names().end());
  const LabelColumns map = *columns;
  std::vector<BlockLabel> labels;
  for (const auto& [label, column] : map.pairs()) {
    if (names.contains(label)) labels.push_back({label, column});
  }
  ASSIGN_OR_RETURN(const std::vector<TimestampMs> days, DaysOf(series, order, request.range));
  std::vector<BlockEntry> entries;
  Status status;
  uint64_t written = 0;
  uint64_t seen = 0;
  for (const TimestampMs day_ms : days) {
    BlockEntry entry;
    entry.id = new_id();
    entry.tenant = request.tenant;
    entry.resolution_ms = request.resolution_ms;
    entry.generation = request.generation;
    entry.replaces = request.replaces;
    std::sort(entry.replaces.begin(), entry.replaces.end());
    entry.flushed = MarksOfDay(request.flushed, day_ms);
    DayWriter writer(series, order, options, day_ms);
    status = writer.Write(labels, map, bucket, &entry);
    seen = writer.samples_seen();
    written += entry.samples;
    if (!entry.files.empty()) entries.push_back(std::move(entry));
    if (!status.ok()) break;
  }
  if (status.ok() && seen != written) {
    status =
        Status::Internal(fmt::format("write a cold block: {} samples given, {} within [{}, {}]",
                                     seen, written, request.range.start_ms, request.range.end_ms));
  }
  if (status.ok()) return entries;
  for (const BlockEntry& entry : entries) {
    // The series file first: without it the others are no block.
    for (size_t i = entry.files.size(); i-- > 0;) {
      static_cast<void>(bucket.Remove(entry.files[i].key));  // best effort
    }
  }
  return status;
}

}  // namespace thermocline
