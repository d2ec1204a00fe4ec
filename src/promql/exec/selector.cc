#include "promql/exec/selector.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <unordered_map>

#include "promql/exec/shared.h"
#include "promql/explain.h"

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

Selection SelectionOf(const QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  const bool window = node.kind == PlanKind::kWindow;
  const auto& selector =
      window ? As<MatrixSelector>(*node.expr).vector() : As<VectorSelector>(*node.expr);
  const int64_t lookback_ms = context.lookback_ms();
  const int64_t before_ms =
      !window ? lookback_ms
              : node.range_ms + (selector.extension == Extension::kNone ? 0 : lookback_ms);
  const int64_t after_ms = selector.extension == Extension::kSmoothed ? lookback_ms : 0;
  Selection selection;
  selection.matchers = &node.matchers;
  selection.record = context.RecordOf(node);
  selection.range = SelectorRange(node, grid, before_ms, after_ms);
  selection.hints.sorted = node.sorted;
  selection.hints.step_ms = context.step_ms();
  selection.hints.range_ms = node.range_ms;
  selection.hints.function = node.function;
  return selection;
}

Result<std::unique_ptr<SeriesSet>> SelectSeries(QueryContext& context, const Selection& selection) {
  if (selection.range.empty()) return std::unique_ptr<SeriesSet>();
  RETURN_IF_ERROR(context.Check());
  SelectRequest request;
  request.tenant = context.query().tenant;
  request.matchers = *selection.matchers;
  request.range = selection.range;
  request.hints = selection.hints;
  request.budget = context.query().budget;
  request.counters = context.query().counters;
  if (selection.record != nullptr) {
    request.counters = &selection.record->read;
    selection.record->selects.fetch_add(1, std::memory_order_relaxed);
  }
  auto selected = context.source().Select(request);
  if (!selected.ok()) return selected.status().WithContext("expanding series");
  for (const std::string& warning : (*selected)->warnings()) {
    context.annotations().WarnPlain(warning);
  }
  return std::move(selected).value();
}

namespace {

// What the selector lists; the same set for all that share it.
Result<std::shared_ptr<const SeriesSet>> SelectOrShare(QueryContext& context, const PlanNode& node,
                                                       const Selection& selection) {
  const auto select = [&]() -> Result<std::shared_ptr<const SeriesSet>> {
    ASSIGN_OR_RETURN(auto set, SelectSeries(context, selection));
    return std::shared_ptr<const SeriesSet>(std::move(set));
  };
  const PlanNode& lister = node.source != nullptr ? *node.source : node;
  if (lister.uses == 0) return select();
  const SharedTable::Key key{&lister, selection.range.start_ms, selection.range.end_ms, 0};
  return context.shared().Take<const SeriesSet>(key, lister.uses, select);
}

}  // namespace

Status SelectedSeries::Open(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  context_ = &context;
  record_ = context.RecordOf(node);
  const Selection selection = SelectionOf(context, node, grid);
  const int64_t samples =
      (selection.range.end_ms - selection.range.start_ms) / kGuessedIntervalMs + 1;
  read_run_ = static_cast<size_t>(
      std::clamp<int64_t>(kReadSamples / samples, 8, static_cast<int64_t>(kMorselSeries)));
  listing_ = context.FindListing(node);
  if (listing_ != nullptr && !context.is_tiled()) return Status::Ok();
  ASSIGN_OR_RETURN(set_, SelectOrShare(context, node, selection));
  if (listing_ != nullptr) return FindParts();
  listing_ = set_.get();
  return Status::Ok();
}

// A tile lists some of the series of the whole query, mostly in the same order.
Status SelectedSeries::FindParts() {
  parts_.assign(listing_->series_count(), kNoPart);
  const auto count = set_ == nullptr ? 0 : static_cast<uint32_t>(set_->series_count());
  uint32_t next = 0;
  for (size_t i = 0; i < parts_.size() && next < count; ++i) {
    if (i % 4096 == 0) RETURN_IF_ERROR(context_->Check());
    if (listing_->labels(i) == set_->labels(next)) parts_[i] = next++;
  }
  if (next == count) return Status::Ok();
  std::unordered_map<std::string, uint32_t> places;
  places.reserve(count);
  for (uint32_t i = 0; i < count; ++i) places.emplace(set_->labels(i).packed(), i);
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (i % 4096 == 0) RETURN_IF_ERROR(context_->Check());
    const auto found = places.find(std::string(listing_->labels(i).packed()));
    parts_[i] = found == places.end() ? kNoPart : found->second;
  }
  return Status::Ok();
}

Status SelectedSeries::Read(size_t first, size_t count, SeriesBatch* out) const {
  RETURN_IF_ERROR(context_->Check());
  if (!parts_.empty()) {
    RETURN_IF_ERROR(ReadParts(first, count, out));
  } else {
    uint32_t indexes[kMorselSeries];
    std::iota(indexes, indexes + count, static_cast<uint32_t>(first));
    const Status status = listing_->Read(std::span(indexes, count), out);
    if (!status.ok()) return status.WithContext("expanding series");
  }
  context_->CountScanned(out->timestamps_ms.size());
  if (record_ != nullptr) {
    record_->samples_read.fetch_add(out->timestamps_ms.size(), std::memory_order_relaxed);
  }
  return Status::Ok();
}

namespace {

// Appends the samples of a series of `from`; histograms keep their index.
void AppendSeries(const SeriesBatch& from, size_t series, SeriesBatch* to) {
  const auto append = [&](const auto& column, auto* target) {
    if (column.empty()) return;
    target->insert(target->end(), column.begin() + from.offsets[series],
                   column.begin() + from.offsets[series + 1]);
  };
  append(from.timestamps_ms, &to->timestamps_ms);
  append(from.values, &to->values);
  append(from.start_timestamps_ms, &to->start_timestamps_ms);
  append(from.histogram_index, &to->histogram_index);
}

}  // namespace

Status SelectedSeries::ReadParts(size_t first, size_t count, SeriesBatch* out) const {
  std::vector<uint32_t> wanted;
  for (size_t i = first; i < first + count; ++i) {
    if (parts_[i] != kNoPart) wanted.push_back(parts_[i]);
  }
  std::sort(wanted.begin(), wanted.end());
  SeriesBatch read;
  if (!wanted.empty()) {
    const Status status = set_->Read(wanted, &read);
    if (!status.ok()) return status.WithContext("expanding series");
  }
  out->Clear();
  for (size_t i = first; i < first + count; ++i) {
    if (parts_[i] != kNoPart) {
      const auto place = static_cast<size_t>(
          std::lower_bound(wanted.begin(), wanted.end(), parts_[i]) - wanted.begin());
      AppendSeries(read, place, out);
    }
    out->offsets.push_back(static_cast<uint32_t>(out->values.size()));
  }
  out->histograms = std::move(read.histograms);
  return Status::Ok();
}

WindowBounds WindowOperator::SampleWindow(size_t step) const {
  WindowBounds bounds = Window(step);
  if (extension() != Extension::kNone) bounds.start_ms -= context_.lookback_ms();
  if (extension() == Extension::kSmoothed) bounds.end_ms += context_.lookback_ms();
  return bounds;
}

Status WindowOperator::Read(size_t first, size_t count, RangeBatch* out) const {
  const ReusePool<SeriesBatch>::Lease batch(batches_);
  RETURN_IF_ERROR(series_.Read(first, count, &*batch));
  RemoveStaleMarkers(&*batch);
  out->Take(&*batch, node_.statistics);
  return Status::Ok();
}

void RemoveStaleMarkers(SeriesBatch* batch) {
  const auto stale = std::find_if(batch->values.begin(), batch->values.end(),
                                  [](double value) { return IsStale(value); });
  if (stale == batch->values.end()) return;
  const bool starts = !batch->start_timestamps_ms.empty();
  const bool histograms = !batch->histogram_index.empty();
  size_t kept = 0;
  size_t begin = 0;
  for (size_t series = 0; series < batch->series_count(); ++series) {
    const size_t end = batch->offsets[series + 1];
    for (size_t i = begin; i < end; ++i) {
      if (IsStale(batch->values[i])) continue;
      batch->timestamps_ms[kept] = batch->timestamps_ms[i];
      batch->values[kept] = batch->values[i];
      if (starts) batch->start_timestamps_ms[kept] = batch->start_timestamps_ms[i];
      if (histograms) batch->histogram_index[kept] = batch->histogram_index[i];
      ++kept;
    }
    begin = end;
    batch->offsets[series + 1] = static_cast<uint32_t>(kept);
  }
  batch->timestamps_ms.resize(kept);
  batch->values.resize(kept);
  if (starts) batch->start_timestamps_ms.resize(kept);
  if (histograms) batch->histogram_index.resize(kept);
}

}  // namespace thermocline::promql
