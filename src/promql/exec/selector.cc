#include "promql/exec/selector.h"

#include <algorithm>
#include <numeric>

#include "promql/functions/window_extended.h"

namespace thermocline::promql {
namespace {

// Samples that one read should yield: half a MiB of times and values.
constexpr int64_t kReadSamples = 32 * 1024;
constexpr int64_t kGuessedIntervalMs = 15 * kSecondMs;

}  // namespace

TimeRange SelectorRange(const PlanNode& node, const StepGrid& grid, int64_t before_ms,
                        int64_t after_ms) {
  const TimestampMs first_ms = node.ReferenceMs(grid.At(0));
  const TimestampMs last_ms = node.ReferenceMs(grid.last_ms());
  return {first_ms - before_ms + 1, last_ms + after_ms};
}

Status SelectedSeries::Open(QueryContext& context, const std::vector<Matcher>& matchers,
                            TimeRange range, const SelectHints& hints) {
  context_ = &context;
  if (range.empty()) return Status::Ok();
  RETURN_IF_ERROR(context.Check());
  SelectRequest request;
  request.tenant = context.query().tenant;
  request.matchers = matchers;
  request.range = range;
  request.hints = hints;
  request.budget = context.query().budget;
  request.counters = context.query().counters;
  auto selected = context.source().Select(request);
  if (!selected.ok()) return selected.status().WithContext("expanding series");
  set_ = std::move(selected).value();
  for (const std::string& warning : set_->warnings()) context.annotations().WarnPlain(warning);
  const int64_t samples = (range.end_ms - range.start_ms) / kGuessedIntervalMs + 1;
  read_run_ = static_cast<size_t>(
      std::clamp<int64_t>(kReadSamples / samples, 8, static_cast<int64_t>(kMorselSeries)));
  return Status::Ok();
}

Status SelectedSeries::Read(size_t first, size_t count, SeriesBatch* out) const {
  RETURN_IF_ERROR(context_->Check());
  uint32_t indexes[kMorselSeries];
  std::iota(indexes, indexes + count, static_cast<uint32_t>(first));
  const Status status = set_->Read(std::span(indexes, count), out);
  if (!status.ok()) return status.WithContext("expanding series");
  context_->CountScanned(out->timestamps_ms.size());
  return Status::Ok();
}

Status VectorSelectorOperator::Open() {
  const auto& selector = As<VectorSelector>(*node_.expr);
  SelectHints hints;
  hints.sorted = sorted_;
  hints.step_ms = context_.step_ms();
  return series_.Open(
      context_, selector.matchers,
      SelectorRange(node_, grid_, context_.lookback_ms(), smoothed() ? context_.lookback_ms() : 0),
      hints);
}

Status VectorSelectorOperator::Read(size_t first, size_t count, StepBlock* out) const {
  out->Reset(count, grid_.count);
  SeriesBatch batch;
  for (size_t done = 0; done < count;) {
    const size_t run = std::min(series_.read_run(), count - done);
    RETURN_IF_ERROR(series_.Read(first + done, run, &batch));
    if (smoothed()) RemoveStaleMarkers(&batch);
    for (size_t i = 0; i < run; ++i) {
      if (smoothed()) {
        EvaluateSmoothed(batch.times(i), batch.floats(i), out->values(done + i),
                         out->kinds(done + i));
        continue;
      }
      Evaluate(batch.times(i), batch.floats(i), out->values(done + i), out->kinds(done + i));
    }
    done += run;
  }
  return Status::Ok();
}

void VectorSelectorOperator::Evaluate(std::span<const TimestampMs> times,
                                      std::span<const double> floats, double* values,
                                      StepKind* kinds) const {
  const int64_t lookback_ms = context_.lookback_ms();
  const TimestampMs* const time = times.data();
  const size_t samples = times.size();
  size_t next = 0;  // samples at or before the reference time
  for (size_t step = 0; step < grid_.count; ++step) {
    const TimestampMs reference_ms = node_.ReferenceMs(grid_.At(step));
    while (next < samples && time[next] <= reference_ms) ++next;
    if (next == 0 || time[next - 1] <= reference_ms - lookback_ms) continue;
    const double value = floats[next - 1];
    if (IsStale(value)) continue;
    kinds[step] = StepKind::kFloat;
    values[step] = answer_ == Answer::kValue ? value : static_cast<double>(time[next - 1]) / 1000;
  }
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

WindowBounds WindowOperator::SampleWindow(size_t step) const {
  WindowBounds bounds = Window(step);
  if (extension() != Extension::kNone) bounds.start_ms -= context_.lookback_ms();
  if (extension() == Extension::kSmoothed) bounds.end_ms += context_.lookback_ms();
  return bounds;
}

Status WindowOperator::Open() {
  const int64_t lookback_ms = context_.lookback_ms();
  const int64_t before_ms = extension() == Extension::kNone ? 0 : lookback_ms;
  const int64_t after_ms = extension() == Extension::kSmoothed ? lookback_ms : 0;
  SelectHints hints;
  hints.step_ms = context_.step_ms();
  hints.range_ms = node_.range_ms;
  return series_.Open(context_, selector().matchers,
                      SelectorRange(node_, grid_, node_.range_ms + before_ms, after_ms), hints);
}

Status WindowOperator::Read(size_t first, size_t count, SeriesBatch* out) const {
  RETURN_IF_ERROR(series_.Read(first, count, out));
  RemoveStaleMarkers(out);
  return Status::Ok();
}

void RemoveStaleMarkers(SeriesBatch* batch) {
  const auto stale = std::find_if(batch->values.begin(), batch->values.end(),
                                  [](double value) { return IsStale(value); });
  if (stale == batch->values.end()) return;
  size_t kept = 0;
  size_t begin = 0;
  for (size_t series = 0; series < batch->series_count(); ++series) {
    const size_t end = batch->offsets[series + 1];
    for (size_t i = begin; i < end; ++i) {
      if (IsStale(batch->values[i])) continue;
      batch->timestamps_ms[kept] = batch->timestamps_ms[i];
      batch->values[kept] = batch->values[i];
      if (!batch->start_timestamps_ms.empty()) {
        batch->start_timestamps_ms[kept] = batch->start_timestamps_ms[i];
      }
      ++kept;
    }
    begin = end;
    batch->offsets[series + 1] = static_cast<uint32_t>(kept);
  }
  batch->timestamps_ms.resize(kept);
  batch->values.resize(kept);
  if (!batch->start_timestamps_ms.empty()) batch->start_timestamps_ms.resize(kept);
}

}  // namespace thermocline::promql
