#include "cold/block_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <set>

#include "cold/block_footer.h"
#include "cold/histograms_writer.h"
#include "cold/samples_writer.h"
#include "cold/series_order.h"
#include "cold/series_writer.h"
#include "cold/side_tables.h"

namespace thermocline {
namespace {

// Series read at once: many floats, but not many histograms, of which one may have a kilobyte.
constexpr size_t kMorsel = 1024;
constexpr size_t kFirstMorsel = 64;  // of a metric: tells which it has
constexpr uint64_t kMorselHistograms = 64 << 10;
// Enough to use what a source decodes at once, and little enough to stay in the cache until it is
// gathered.
constexpr uint64_t kMorselSamples = 128 << 10;
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

  // How many of `left` series to read next; `first`: of a metric.
  size_t Next(size_t left, bool first) const {
    if (slots_.empty()) return std::min(left, kFirstMorsel);
    size_t fit = Fits(kMorselSamples, batch_.timestamps_ms.size());
    if (!batch_.histograms.empty()) {
      fit = std::min(fit, Fits(kMorselHistograms, batch_.histograms.size()));
    }
    return std::min({left, fit, first ? kFirstMorsel : kMorsel});
  }
  // Positions [first, first + count).
  Status Read(size_t first, size_t count) {
    sources_.clear();
    for (size_t i = 0; i < count; ++i) sources_.push_back(order_.source(first + i));
    slots_.resize(count);
    std::sort(sources_.begin(), sources_.end());
    for (size_t i = 0; i < count; ++i) {
      const auto it = std::lower_bound(sources_.begin(), sources_.end(), order_.source(first + i));
      slots_[i] = static_cast<uint32_t>(it - sources_.begin());
    }
    return series_.Read(sources_, &batch_);
  }
  const SeriesBatch& batch() const { return batch_; }
  SeriesId id(uint32_t source) const { return series_.id(source); }
  // Where the batch has the i-th of the positions read.
  size_t slot(size_t i) const { return slots_[i]; }

 private:
  // How many series have `most` of what the last read found so much of.
  size_t Fits(uint64_t most, uint64_t found) const {
    return std::clamp<uint64_t>(most * slots_.size() / std::max<uint64_t>(found, 1), 1, kMorsel);
  }

  const SeriesSet& series_;
  const SeriesOrder& order_;
  std::vector<uint32_t> sources_;
  std::vector<uint32_t> slots_;
  SeriesBatch batch_;
};

// Which tables of a block have a column of start timestamps.
struct StartColumns {
  bool samples = false;
  bool histograms = false;
  bool operator==(const StartColumns&) const = default;
};

// Writes one block: the samples of one UTC day.
class DayWriter {
 public:
  DayWriter(const SeriesSet& series, const SeriesOrder& order, const BlockRequest& request,
            const BlockWriterOptions& options, TimestampMs day_ms, Executor& executor)
      : order_(order),
        request_(request),
        options_(options),
        executor_(executor),
        day_{day_ms, day_ms + (kDayMs - 1)},
        reader_(series, order) {}

  // Fills in what `entry` lacks. An entry without files: the day has no samples.
  Status Write(std::span<const BlockLabel> labels, const LabelColumns& columns, Bucket& bucket,
               BlockEntry* entry) {
    for (;;) {
      const Status status = WriteSamples(labels, columns, bucket, entry);
      // Whether any sample has a start timestamp shows only while writing; then once more, with
      // the column.
      if (!status.ok() && starts_found_ != with_starts_) {
        with_starts_ = starts_found_;
        continue;
      }
      RETURN_IF_ERROR(status);
      break;
    }
    if (rows_.empty()) return Status::Ok();
    RETURN_IF_ERROR(WriteSideTables(request_, rows_, labels, columns, options_, bucket, entry));
    return WriteSeriesFiles(rows_, labels, columns, options_, bucket, entry);
  }
  // Samples of any day that the source gave.
  uint64_t samples_seen() const { return samples_seen_; }

 private:
  Status WriteSamples(std::span<const BlockLabel> labels, const LabelColumns& columns,
                      Bucket& bucket, BlockEntry* entry) {
    rows_.clear();
    rows_.reserve(order_.size());
    samples_seen_ = 0;
    histograms_.reset();
    std::string key = BlockFileKey(BlockFileKind::kSamples, entry->id, day_.start_ms);
    ASSIGN_OR_RETURN(const std::unique_ptr<ObjectWriter> sink, bucket.NewWriter(key));
    ASSIGN_OR_RETURN(samples_, SamplesWriter::Open(sink.get(), labels, with_starts_.samples,
                                                   options_, executor_));
    // Most blocks have no histograms: their file begins with the first.
    open_histograms_ = [&] {
      return HistogramsWriter::Open(
          bucket, BlockFileKey(BlockFileKind::kHistograms, entry->id, day_.start_ms), labels,
          with_starts_.histograms, options_);
    };
    const std::vector<size_t>& starts = order_.metric_starts();
    for (size_t i = 0; i + 1 < starts.size(); ++i) {
      RETURN_IF_ERROR(WriteMetric(starts[i], starts[i + 1]));
    }
    Describe(entry);
    if (samples_->rows() == 0) {
      sink->Abort();
    } else {
      ASSIGN_OR_RETURN(const columnar::FileSummary summary,
                       samples_->Finish(BlockKeyValues(*entry, BlockFileKind::kSamples, columns)));
      RETURN_IF_ERROR(sink->Finish());
      entry->files.push_back({BlockFileKind::kSamples, std::move(key), summary.size_bytes,
                              summary.rows, summary.file_hash, summary.tail});
    }
    if (histograms_ == nullptr) return Status::Ok();
    ASSIGN_OR_RETURN(BlockFile file, histograms_->Finish(BlockKeyValues(
                                         *entry, BlockFileKind::kHistograms, columns)));
    entry->files.push_back(std::move(file));
    return Status::Ok();
  }

  // What all files' footers say of the samples.
  void Describe(BlockEntry* entry) const {
    entry->files.clear();
    entry->range = {};
    entry->samples = 0;
    entry->series = rows_.size();
    for (const SeriesRow& row : rows_) {
      entry->samples += row.samples;
      entry->range.Extend(row.range.start_ms);
      entry->range.Extend(row.range.end_ms);
    }
  }

  // Series [begin, end) of the order, which share the metric.
  Status WriteMetric(size_t begin, size_t end) {
    const size_t base = rows_.size();
    rows_.resize(base + (end - begin));
    int64_t slice_ms = 0;
    TimeRange slice = day_;
    do {
      for (size_t at = begin, count = 0; at < end; at += count) {
        count = reader_.Next(end - at, at == begin);
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
    if (row->samples == 0) {
      row->id = series_id(position);
      row->labels = order_.labels(position);
      row->slice_ms = slice_ms;
    }
    row->samples += count;
    row->range.Extend(times[cut.begin]);
    row->range.Extend(times[cut.end - 1]);
    const size_t first = batch.offsets[slot] + cut.begin;
    if (HasHistograms(batch, first, count)) return AddMixed(first, count, row);
    std::span<const TimestampMs> starts;
    if (!batch.start_timestamps_ms.empty()) {
      starts = std::span(batch.start_timestamps_ms).subspan(first, count);
    }
    return AddFloats(times.subspan(cut.begin, count), batch.floats(slot).subspan(cut.begin, count),
                     starts, row);
  }

  static bool HasHistograms(const SeriesBatch& batch, size_t first, size_t count) {
    if (batch.histogram_index.empty()) return false;
    const std::span<const uint32_t> kinds = std::span(batch.histogram_index).subspan(first, count);
    return std::any_of(kinds.begin(), kinds.end(),
                       [](uint32_t index) { return index != SeriesBatch::kNoHistogram; });
  }

  static bool AnyStart(std::span<const TimestampMs> starts) {
    return std::any_of(starts.begin(), starts.end(), [](TimestampMs t) { return t != 0; });
  }

  Status AddFloats(std::span<const TimestampMs> times, std::span<const double> values,
                   std::span<const TimestampMs> starts, SeriesRow* row) {
    if (AnyStart(starts) && !with_starts_.samples) {
      starts_found_.samples = true;
      return Status::Internal("start timestamps without a column");
    }
    if (!with_starts_.samples) starts = {};
    const columnar::RowRange rows{samples_->rows(), times.size()};
    if (row->first.count == 0) {
      row->first = rows;
    } else {
      if (row->more == nullptr) row->more = std::make_unique<std::vector<columnar::RowRange>>();
      row->more->push_back(rows);
    }
    return samples_->Add(row->id, row->labels, times, values, starts);
  }

  // Samples [first, first + count) of the batch: each to its table.
  Status AddMixed(size_t first, size_t count, SeriesRow* row) {
    const SeriesBatch& batch = reader_.batch();
    const bool starts = !batch.start_timestamps_ms.empty();
    floats_.Clear();
    histogram_places_.clear();
    for (size_t i = first; i < first + count; ++i) {
      if (batch.histogram(i) != nullptr) {
        histogram_places_.push_back(static_cast<uint32_t>(i));
        continue;
      }
      floats_.timestamps_ms.push_back(batch.timestamps_ms[i]);
      floats_.values.push_back(batch.values[i]);
      if (starts) floats_.start_timestamps_ms.push_back(batch.start_timestamps_ms[i]);
    }
    if (!floats_.timestamps_ms.empty()) {
      RETURN_IF_ERROR(
          AddFloats(floats_.timestamps_ms, floats_.values, floats_.start_timestamps_ms, row));
    }
    const auto has_start = [&](uint32_t i) { return batch.start_timestamps_ms[i] != 0; };
    if (starts && !with_starts_.histograms &&
        std::any_of(histogram_places_.begin(), histogram_places_.end(), has_start)) {
      starts_found_.histograms = true;
      return Status::Internal("start timestamps without a column");
    }
    if (histograms_ == nullptr) {
      ASSIGN_OR_RETURN(histograms_, open_histograms_());
    }
    if (row->histograms == nullptr) {
      row->histograms = std::make_unique<std::vector<columnar::RowRange>>();
    }
    row->histograms->push_back({histograms_->rows(), histogram_places_.size()});
    return histograms_->Add(row->id, row->labels, batch, histogram_places_);
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
  const BlockRequest& request_;
  const BlockWriterOptions& options_;
  Executor& executor_;
  const TimeRange day_;
  MorselReader reader_;
  std::unique_ptr<SamplesWriter> samples_;
  std::unique_ptr<HistogramsWriter> histograms_;  // null as long as there are none
  std::function<Result<std::unique_ptr<HistogramsWriter>>()> open_histograms_;
  std::vector<SeriesRow> rows_;
  StartColumns with_starts_;
  StartColumns starts_found_;
  uint64_t samples_seen_ = 0;
  SeriesBatch floats_;  // of one series that has histograms too; without offsets
  std::vector<uint32_t> histogram_places_;
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
  for (size_t at = 0, count = 0; at < order.size(); at += count) {
    count = reader.Next(order.size() - at, /*first=*/false);
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
  if (threads < 1 || threads > 64) {
    return Status::InvalidArgument(fmt::format("cold block: {} threads", threads));
  }
  return Status::Ok();
}

Result<std::vector<BlockEntry>> WriteBlocks(const SeriesSet& series, const BlockRequest& request,
                                            const BlockWriterOptions& options,
                                            const std::function<BlockId()>& new_id,
                                            Executor& executor, Bucket& bucket,
                                            const ReserveColumns& columns) {
  RETURN_IF_ERROR(options.Validate());
  const SeriesOrder order(series);
  // The block's label columns, in the order of the table's map.
  const std::set<std::string_view> names(order.label_names().begin(), order.label_names().end());
  const LabelColumns map = columns(order.label_names());
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
    DayWriter writer(series, order, request, options, day_ms, executor);
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
