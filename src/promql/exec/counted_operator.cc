#include "promql/exec/counted_operator.h"

#include <algorithm>
#include <utility>

namespace thermocline::promql {
namespace {

// Passes everything on.
class CountedOperator : public VectorOperator {
 public:
  CountedOperator(const StepGrid& grid, VectorPtr source)
      : grid_(grid), source_(std::move(source)) {}
  size_t series_count() const override { return source_->series_count(); }
  Labels labels(size_t series) const override { return source_->labels(series); }
  bool drops_name(size_t series) const override { return source_->drops_name(series); }

 protected:
  StepGrid grid_;
  VectorPtr source_;
};

class StepCounter : public CountedOperator {
 public:
  StepCounter(StepTally* tally, const StepGrid& grid, VectorPtr source)
      : CountedOperator(grid, std::move(source)), tally_(tally) {}

  Status Open() override {
    part_ = tally_->Extend(grid_);
    RETURN_IF_ERROR(source_->Open());
    seen_.Open(source_->series_count());
    return Status::Ok();
  }
  Status Read(size_t first, size_t count, StepBlock* out) const override {
    RETURN_IF_ERROR(source_->Read(first, count, out));
    StepCounts counts;
    counts.first.assign(grid_.count, 0);
    std::vector<uint64_t> beyond(grid_.count, 0);  // what histograms count more than 1
    std::vector<uint64_t> beyond_in_vector(grid_.count, 0);
    for (size_t row = 0; row < count; ++row) {
      if (!seen_.IsNew(first + row)) continue;
      const StepKind* const kinds = out->kinds(row);
      for (size_t step = 0; step < grid_.count; ++step) {
        counts.first[step] += kinds[step] != StepKind::kAbsent ? 1 : 0;
      }
      for (size_t step = 0; out->has_histograms() && step < grid_.count; ++step) {
        if (kinds[step] != StepKind::kHistogram) continue;
        const FloatHistogram& histogram = *out->histograms(row)[step];
        beyond[step] += SampleWeight(histogram) - 1;
        beyond_in_vector[step] += SizeAsPrometheus(histogram) / 16;
      }
    }
    for (size_t step = 0; step < grid_.count; ++step) {
      counts.second.push_back(counts.first[step] + beyond[step]);
      counts.third.push_back(counts.first[step] + beyond_in_vector[step]);
    }
    tally_->Add(part_, counts);
    return Status::Ok();
  }

 private:
  StepTally* const tally_;
  StepTally::Part part_;
  SeenSeries seen_;
};

class SeriesCounter : public CountedOperator {
 public:
  SeriesCounter(SeriesTally* tally, const StepGrid& grid, VectorPtr source)
      : CountedOperator(grid, std::move(source)), tally_(tally) {}

  Status Open() override {
    RETURN_IF_ERROR(source_->Open());
    seen_.Open(source_->series_count());
    return Status::Ok();
  }
  Status Read(size_t first, size_t count, StepBlock* out) const override {
    RETURN_IF_ERROR(source_->Read(first, count, out));
    std::vector<uint64_t> samples(count);
    for (size_t row = 0; row < count; ++row) {
      if (!seen_.IsNew(first + row)) continue;
      samples[row] = SampleWeight(out->kinds(row), out->histograms(row), grid_.count);
    }
    tally_->AddAnswered(first, samples);
    return Status::Ok();
  }

 private:
  SeriesTally* const tally_;
  SeenSeries seen_;
};

class WindowCounter : public RangeOperator {
 public:
  WindowCounter(NodeTally* tally, const PlanNode& node, const StepGrid& grid, RangePtr source)
      : grid_(grid), source_(std::move(source)), scan_(tally, node, grid) {}

  Status Open() override {
    RETURN_IF_ERROR(source_->Open());
    std::vector<WindowBounds> bounds;
    bounds.reserve(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) {
      bounds.push_back(source_->SampleWindow(step));
    }
    scan_.Open(source_->series_count(), std::move(bounds));
    return Status::Ok();
  }
  size_t series_count() const override { return source_->series_count(); }
  Labels labels(size_t series) const override { return source_->labels(series); }
  bool drops_name(size_t series) const override { return source_->drops_name(series); }
  WindowBounds Window(size_t step) const override { return source_->Window(step); }
  Extension extension() const override { return source_->extension(); }
  WindowBounds SampleWindow(size_t step) const override { return scan_.bounds()[step]; }
  int64_t range_ms() const override { return source_->range_ms(); }
  size_t read_run() const override { return source_->read_run(); }

  Status Read(size_t first, size_t count, RangeBatch* out) const override {
    RETURN_IF_ERROR(source_->Read(first, count, out));
    scan_.Count(*out, first);
    return Status::Ok();
  }

 private:
  StepGrid grid_;
  RangePtr source_;
  WindowScan scan_;
};

// How many samples a series has before each of its entries, and in all.
std::vector<uint64_t> SamplesBefore(const RangeBatch& batch, size_t i) {
  const auto histograms = batch.histograms(i);
  std::vector<uint64_t> before(batch.times(i).size() + 1, 0);
  for (size_t at = 0; at + 1 < before.size(); ++at) {
    const bool is_float = histograms.empty() || histograms[at] == nullptr;
    before[at + 1] = before[at] + (is_float ? 1 : SampleWeight(*histograms[at]));
  }
  return before;
}

}  // namespace

NodeTally* TallyOf(const QueryContext& context, const PlanNode& node) {
  return context.tallies() == nullptr ? nullptr : context.tallies()->Find(node);
}

void WindowScan::Open(size_t series, std::vector<WindowBounds> bounds) {
  bounds_ = std::move(bounds);
  part_ = tally_->windows.Extend(grid_);
  tally_->series.Extend(series);
  seen_.Open(series);
}

void WindowScan::Count(const RangeBatch& batch, size_t first) const {
  StepCounts counts;
  counts.first.assign(grid_.count, 0);
  counts.second.assign(grid_.count, 0);
  for (size_t i = 0; i < batch.series_count(); ++i) {
    if (!seen_.IsNew(first + i)) continue;
    tally_->series.AddWindows(first + i, CountSeries(batch, i, &counts));
  }
  tally_->windows.Add(part_, counts);
}

SeriesWindows WindowScan::CountSeries(const RangeBatch& batch, size_t i, StepCounts* counts) const {
  const auto times = batch.times(i);
  const std::vector<uint64_t> before = SamplesBefore(batch, i);
  const bool stored = node_.kind != PlanKind::kSubquery;  // whose selectors count what they read
  SeriesWindows windows;
  size_t begin = 0;
  size_t end = 0;
  size_t known = 0;  // the first sample that the step before did not see
  for (size_t step = 0; step < grid_.count; ++step) {
    const WindowBounds& bounds = bounds_[step];
    while (end < times.size() && times[end] <= bounds.end_ms) ++end;
    while (begin < times.size() && times[begin] <= bounds.start_ms) ++begin;
    while (known < times.size() && times[known] <= bounds.end_ms - grid_.step_ms) ++known;
    windows.last = begin < end ? before[end] - before[begin] : 0;
    windows.most = std::max(windows.most, windows.last);
    if (step < part_.skip || begin >= end) continue;
    ++windows.occupied;
    counts->first[step] += windows.last;
    if (!stored) continue;
    if (part_.place + step == part_.skip) {
      counts->second[step] += windows.last;
    } else if (!node_.at_ms) {
      counts->second[step] += before[end] - before[std::min(std::max(begin, known), end)];
    }
  }
  return windows;
}

VectorPtr CountAnswer(const QueryContext& context, const PlanNode& node, const StepGrid& grid,
                      VectorPtr source) {
  NodeTally* const tally = TallyOf(context, node);
  if (tally == nullptr) return source;
  return std::make_unique<StepCounter>(&tally->answer, grid, std::move(source));
}

VectorPtr CountSelected(const QueryContext& context, const PlanNode& node, const StepGrid& grid,
                        VectorPtr source) {
  NodeTally* const tally = TallyOf(context, node);
  if (tally == nullptr) return source;
  return std::make_unique<StepCounter>(&tally->selected, grid, std::move(source));
}

VectorPtr CountPerSeries(const QueryContext& context, const PlanNode& range, const StepGrid& grid,
                         VectorPtr source) {
  NodeTally* const tally = TallyOf(context, range);
  if (tally == nullptr) return source;
  return std::make_unique<SeriesCounter>(&tally->series, grid, std::move(source));
}

RangePtr CountWindows(const QueryContext& context, const PlanNode& node, const StepGrid& grid,
                      RangePtr source) {
  NodeTally* const tally = TallyOf(context, node);
  if (tally == nullptr) return source;
  return std::make_unique<WindowCounter>(tally, node, grid, std::move(source));
}

}  // namespace thermocline::promql
