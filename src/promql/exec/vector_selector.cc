// Instant vectors of stored series.
#include <algorithm>

#include "promql/exec/selector.h"
#include "promql/functions/window_extended.h"

namespace thermocline::promql {

Status VectorSelectorOperator::Open() {
  RETURN_IF_ERROR(series_.Open(context_, node_, grid_));
  NodeTally* const tally = TallyOf(context_, node_);
  if (tally == nullptr || !smoothed()) return Status::Ok();
  std::vector<WindowBounds> bounds;
  for (size_t step = 0; step < grid_.count; ++step) {
    const TimestampMs reference_ms = node_.ReferenceMs(grid_.At(step));
    bounds.push_back(
        {reference_ms - context_.lookback_ms(), reference_ms + context_.lookback_ms()});
  }
  scan_.emplace(tally, node_, grid_);
  scan_->Open(series_.count(), std::move(bounds));
  return Status::Ok();
}

Status VectorSelectorOperator::Read(size_t first, size_t count, StepBlock* out) const {
  out->Reset(count, grid_.count);
  if (smoothed()) return ReadSmoothed(first, count, out);
  const ReusePool<SeriesBatch>::Lease lease(batches_);
  SeriesBatch& batch = *lease;
  for (size_t done = 0; done < count;) {
    const size_t run = std::min(series_.read_run(), count - done);
    RETURN_IF_ERROR(series_.Read(first + done, run, &batch));
    if (answer_ == Answer::kInfoTime) RETURN_IF_ERROR(RefuseHistograms(batch, first + done));
    if (answer_ == Answer::kValue && node_.statistics && !batch.histograms.empty()) {
      RangeBatch shortened;
      shortened.Take(&batch, true);
      RETURN_IF_ERROR(ReadStatistics(done, shortened, out));
    } else {
      for (size_t i = 0; i < run; ++i) {
        if (answer_ == Answer::kValue) {
          EvaluateSeries(batch, i, out, done + i);
        } else {
          EvaluateTimes(batch, i, out, done + i);
        }
      }
    }
    done += run;
  }
  return Status::Ok();
}

Status VectorSelectorOperator::RefuseHistograms(const SeriesBatch& batch, size_t first) const {
  for (size_t i = 0; !batch.histogram_index.empty() && i < batch.series_count(); ++i) {
    const size_t begin = batch.offsets[i];
    bool seen = false;
    ForEachStep(batch.times(i), batch.floats(i), [&](size_t, size_t sample) {
      seen = seen || batch.histogram(begin + sample) != nullptr;
    });
    if (!seen) continue;
    return Status::OutOfRange("this should be an info metric, with float samples: " +
                              series_.labels(first + i).ToString());
  }
  return Status::Ok();
}

template <typename Visit>
void VectorSelectorOperator::ForEachStep(std::span<const TimestampMs> times,
                                         std::span<const double> floats, const Visit& visit) const {
  const int64_t lookback_ms = context_.lookback_ms();
  const TimestampMs* const time = times.data();
  const size_t samples = times.size();
  size_t next = 0;  // samples at or before the reference time
  for (size_t step = 0; step < grid_.count; ++step) {
    const TimestampMs reference_ms = node_.ReferenceMs(grid_.At(step));
    while (next < samples && time[next] <= reference_ms) ++next;
    if (next == 0 || time[next - 1] <= reference_ms - lookback_ms) continue;
    if (IsStale(floats[next - 1])) continue;
    visit(step, next - 1);
  }
}

void VectorSelectorOperator::EvaluateSeries(const SeriesBatch& batch, size_t series, StepBlock* out,
                                            size_t row) const {
  const auto floats = batch.floats(series);
  double* const values = out->values(row);
  StepKind* const kinds = out->kinds(row);
  if (batch.histograms.empty()) {
    ForEachStep(batch.times(series), floats, [&](size_t step, size_t sample) {
      kinds[step] = StepKind::kFloat;
      values[step] = floats[sample];
    });
    return;
  }
  const size_t begin = batch.offsets[series];
  HistogramPtr shown;  // of `shown_from`; steps that see the same sample share it
  const Histogram* shown_from = nullptr;
  ForEachStep(batch.times(series), floats, [&](size_t step, size_t sample) {
    const Histogram* const stored = batch.histogram(begin + sample);
    if (stored == nullptr) {
      kinds[step] = StepKind::kFloat;
      values[step] = floats[sample];
      return;
    }
    if (stored != shown_from) {
      auto histogram = std::make_shared<FloatHistogram>();
      ToFloat(*stored, histogram.get());
      shown = std::move(histogram);
      shown_from = stored;
    }
    out->SetHistogram(row, step, shown);
  });
}

Status VectorSelectorOperator::ReadStatistics(size_t first, const RangeBatch& batch,
                                              StepBlock* out) const {
  for (size_t i = 0; i < batch.series_count(); ++i) {
    const size_t row = first + i;
    HistogramPtr shown;
    const FloatHistogram* shown_from = nullptr;
    ForEachStep(batch.times(i), batch.floats(i), [&](size_t step, size_t sample) {
      const FloatHistogram* const histogram = batch.histograms(i)[sample];
      if (histogram == nullptr) {
        out->kinds(row)[step] = StepKind::kFloat;
        out->values(row)[step] = batch.floats(i)[sample];
        return;
      }
      if (histogram != shown_from) {
        shown = std::make_shared<const FloatHistogram>(*histogram);
        shown_from = histogram;
      }
      out->SetHistogram(row, step, shown);
    });
  }
  return context_.Check();
}

void VectorSelectorOperator::EvaluateTimes(const SeriesBatch& batch, size_t series, StepBlock* out,
                                           size_t row) const {
  const bool starts = answer_ == Answer::kStartTime;
  const std::vector<TimestampMs>& column = starts ? batch.start_timestamps_ms : batch.timestamps_ms;
  const size_t begin = batch.offsets[series];
  ForEachStep(batch.times(series), batch.floats(series), [&](size_t step, size_t sample) {
    const TimestampMs t_ms = column.empty() ? 0 : column[begin + sample];
    out->kinds(row)[step] = StepKind::kFloat;
    out->values(row)[step] = static_cast<double>(t_ms) / 1000;
  });
}

Status VectorSelectorOperator::ReadSmoothed(size_t first, size_t count, StepBlock* out) const {
  const ReusePool<SeriesBatch>::Lease lease(batches_);
  SeriesBatch& batch = *lease;
  RangeBatch samples;
  for (size_t done = 0; done < count;) {
    const size_t run = std::min(series_.read_run(), count - done);
    RETURN_IF_ERROR(series_.Read(first + done, run, &batch));
    RemoveStaleMarkers(&batch);
    samples.Take(&batch, node_.statistics);
    if (scan_) scan_->Count(samples, first + done);
    for (size_t i = 0; i < run; ++i) {
      const size_t row = done + i;
      if (samples.has_histograms(i)) {
        const Labels labels = series_.labels(first + row);
        EvaluateSmoothedMix(samples, i, labels.metric_name(), out, row);
      } else {
        EvaluateSmoothed(samples.times(i), samples.floats(i), out->values(row), out->kinds(row));
      }
    }
    done += run;
  }
  return Status::Ok();
}

void VectorSelectorOperator::EvaluateSmoothed(std::span<const TimestampMs> times,
                                              std::span<const double> floats, double* values,
                                              StepKind* kinds) const {
  const int64_t lookback_ms = context_.lookback_ms();
  for (size_t step = 0; step < grid_.count; ++step) {
    const TimestampMs reference_ms = node_.ReferenceMs(grid_.At(step));
    const auto begin = std::upper_bound(times.begin(), times.end(), reference_ms - lookback_ms);
    const auto end = std::upper_bound(begin, times.end(), reference_ms + lookback_ms);
    WindowView window;
    window.times = times.data() + (begin - times.begin());
    window.values = floats.data() + (begin - times.begin());
    window.count = static_cast<size_t>(end - begin);
    if (const auto value = SmoothedValue(window, reference_ms)) {
      kinds[step] = StepKind::kFloat;
      values[step] = *value;
    }
  }
}

void VectorSelectorOperator::EvaluateSmoothedMix(const RangeBatch& batch, size_t series,
                                                 std::string_view metric_name, StepBlock* out,
                                                 size_t row) const {
  const auto times = batch.times(series);
  const auto histograms = batch.histograms(series);
  const int64_t lookback_ms = context_.lookback_ms();
  WindowNotes notes;
  for (size_t step = 0; step < grid_.count; ++step) {
    const TimestampMs reference_ms = node_.ReferenceMs(grid_.At(step));
    const auto begin = static_cast<size_t>(
        std::upper_bound(times.begin(), times.end(), reference_ms - lookback_ms) - times.begin());
    const auto end = static_cast<size_t>(
        std::upper_bound(times.begin(), times.end(), reference_ms + lookback_ms) - times.begin());
    if (begin == end) continue;
    const auto floats = static_cast<size_t>(
        std::count(histograms.begin() + begin, histograms.begin() + end, nullptr));
    if (floats == end - begin) {
      WindowView window;
      window.times = times.data() + begin;
      window.values = batch.floats(series).data() + begin;
      window.count = end - begin;
      if (const auto value = SmoothedValue(window, reference_ms)) {
        out->kinds(row)[step] = StepKind::kFloat;
        out->values(row)[step] = *value;
      }
    } else if (floats > 0) {
      notes.warnings.push_back(MixedFloatsText(metric_name));
    } else {
      const HistogramView view{times.data() + begin, histograms.data() + begin, nullptr,
                               end - begin};
      HistogramPtr smoothed = SmoothedHistogram(view, reference_ms, metric_name, &notes);
      if (smoothed != nullptr) out->SetHistogram(row, step, std::move(smoothed));
    }
  }
  const NotePlace place{node_.position, node_.order};
  for (std::string& text : notes.warnings) context_.annotations().Warn(std::move(text), place);
  for (std::string& text : notes.infos) context_.annotations().Info(std::move(text), place);
}

// Source: Prometheus' promql/engine.go, smoothSeries.
HistogramPtr VectorSelectorOperator::SmoothedHistogram(const HistogramView& view, TimestampMs at_ms,
                                                       std::string_view metric_name,
                                                       WindowNotes* notes) const {
  const auto next = static_cast<size_t>(
      std::lower_bound(view.times, view.times + view.count, at_ms) - view.times);
  if (next < view.count && view.times[next] == at_ms) {
    return std::make_shared<const FloatHistogram>(view.at(next));
  }
  if (next == 0) return nullptr;
  const FloatHistogram& before = view.at(next - 1);
  if (next == view.count) {
    // The hint speaks of neighbours in storage, not of the value that is carried on.
    auto carried = std::make_shared<FloatHistogram>(before);
    carried->reset_hint = CounterResetHint::kUnknown;
    return carried;
  }
  const FloatHistogram& after = view.at(next);
  const bool is_counter =
      before.reset_hint != CounterResetHint::kGauge || after.reset_hint != CounterResetHint::kGauge;
  HistogramPtr between;
  if (before.uses_custom_bounds() == after.uses_custom_bounds()) {
    between = InterpolateHistograms(before, view.times[next - 1], after, view.times[next], at_ms,
                                    is_counter, notes);
  }
  if (between == nullptr) notes->warnings.push_back(MixedBucketsText(metric_name));
  return between;
}

}  // namespace thermocline::promql
