// Leaves of the operator tree: series from the Queryable.
#pragma once

#include <memory>
#include <optional>

#include "base/reuse_pool.h"
#include "promql/exec/counted_operator.h"
#include "promql/exec/operator.h"
#include "promql/functions/mixed_window.h"

namespace thermocline::promql {

// What a kSelector or kWindow node asks of the source to answer for `grid`. Borrows from the plan.
struct Selection {
  const std::vector<Matcher>* matchers = nullptr;
  TimeRange range;
  SelectHints hints;
  NodeRecord* record = nullptr;  // where reads are counted; null: only with the query's
};
Selection SelectionOf(const QueryContext& context, const PlanNode& node, const StepGrid& grid);
// Null when the range is empty.
Result<std::unique_ptr<SeriesSet>> SelectSeries(QueryContext& context, const Selection& selection);

// The series a selector names, listed once.
class SelectedSeries {
 public:
  Status Open(QueryContext& context, const PlanNode& node, const StepGrid& grid);
  size_t count() const { return listing_ != nullptr ? listing_->series_count() : 0; }
  Labels labels(size_t series) const { return listing_->labels(series); }
  // Samples of `count` neighbours, markers included.
  Status Read(size_t first, size_t count, SeriesBatch* out) const;
  // Series to read at once so that their samples stay in a cache, guessing 15 s between samples.
  size_t read_run() const { return read_run_; }

 private:
  static constexpr uint32_t kNoPart = UINT32_MAX;
  Status FindParts();
  Status ReadParts(size_t first, size_t count, SeriesBatch* out) const;

  QueryContext* context_ = nullptr;
  NodeRecord* record_ = nullptr;
  const SeriesSet* listing_ = nullptr;    // the context's, or set_
  std::shared_ptr<const SeriesSet> set_;  // null when the listing is read itself
  std::vector<uint32_t> parts_;           // with both: where each listed series is in set_
  size_t read_run_ = kMorselSeries;
};

// An instant vector: at each step the newest sample in (reference - lookback, reference], unless
// that is a stale marker.
class VectorSelectorOperator : public VectorOperator {
 public:
  // kSampleTime answers the sample's own time in seconds: timestamp(selector); kInfoTime too, but
  // refuses histograms. kStartTime: its start timestamp.
  enum class Answer { kValue, kSampleTime, kInfoTime, kStartTime };
  VectorSelectorOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid,
                         Answer answer = Answer::kValue)
      : context_(context), node_(node), grid_(grid), answer_(answer) {}
  Status Open() override;
  size_t series_count() const override { return series_.count(); }
  Labels labels(size_t series) const override { return series_.labels(series); }
  Status Read(size_t first, size_t count, StepBlock* out) const override;

 private:
  Status ReadSmoothed(size_t first, size_t count, StepBlock* out) const;
  Status ReadStatistics(size_t first, const RangeBatch& batch, StepBlock* out) const;
  // Calls `visit(step, sample)` for the steps that see a sample.
  template <typename Visit>
  void ForEachStep(std::span<const TimestampMs> times, std::span<const double> floats,
                   const Visit& visit) const;
  void EvaluateSeries(const SeriesBatch& batch, size_t series, StepBlock* out, size_t row) const;
  void EvaluateTimes(const SeriesBatch& batch, size_t series, StepBlock* out, size_t row) const;
  void EvaluateSmoothed(std::span<const TimestampMs> times, std::span<const double> floats,
                        double* values, StepKind* kinds) const;
  void EvaluateSmoothedMix(const RangeBatch& batch, size_t series, std::string_view metric_name,
                           StepBlock* out, size_t row) const;
  HistogramPtr SmoothedHistogram(const HistogramView& view, TimestampMs at_ms,
                                 std::string_view metric_name, WindowNotes* notes) const;
  Status RefuseHistograms(const SeriesBatch& batch, size_t first) const;
  // `smoothed` means nothing to timestamp().
  bool smoothed() const {
    return answer_ == Answer::kValue &&
           As<VectorSelector>(*node_.expr).extension == Extension::kSmoothed;
  }

  QueryContext& context_;
  const PlanNode& node_;
  StepGrid grid_;
  Answer answer_;
  SelectedSeries series_;
  std::optional<WindowScan> scan_;  // for statistics, when smoothed
  mutable ReusePool<SeriesBatch> batches_;
};

// The times a selector has to read for the reference times of `grid`: (first - before, last +
// after].
TimeRange SelectorRange(const PlanNode& node, const StepGrid& grid, int64_t before_ms,
                        int64_t after_ms);

// A range vector: stored samples in (reference - range, reference].
class WindowOperator : public RangeOperator {
 public:
  WindowOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid)
      : context_(context), node_(node), grid_(grid) {}
  Status Open() override { return series_.Open(context_, node_, grid_); }
  size_t series_count() const override { return series_.count(); }
  Labels labels(size_t series) const override { return series_.labels(series); }
  Status Read(size_t first, size_t count, RangeBatch* out) const override;
  WindowBounds Window(size_t step) const override {
    const TimestampMs end_ms = node_.ReferenceMs(grid_.At(step));
    return {end_ms - node_.range_ms, end_ms};
  }
  int64_t range_ms() const override { return node_.range_ms; }
  Extension extension() const override { return selector().extension; }
  WindowBounds SampleWindow(size_t step) const override;
  size_t read_run() const override { return series_.read_run(); }

 private:
  const VectorSelector& selector() const { return As<MatrixSelector>(*node_.expr).vector(); }

  QueryContext& context_;
  const PlanNode& node_;
  StepGrid grid_;
  SelectedSeries series_;
  mutable ReusePool<SeriesBatch> batches_;
};

// Takes stale markers out of `batch`.
void RemoveStaleMarkers(SeriesBatch* batch);

}  // namespace thermocline::promql
