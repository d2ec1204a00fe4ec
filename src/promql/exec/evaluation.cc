#include "promql/exec/evaluation.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/asking_sort.h"
#include "promql/exec/counted_operator.h"
#include "promql/exec/matrix.h"
#include "promql/exec/names.h"
#include "promql/exec/tiling.h"
#include "promql/functions/window_extended.h"

namespace thermocline::promql {
namespace {

// Values of a morsel on its way to the result: a few MB are in flight.
constexpr size_t kResultMorselValues = size_t{1} << 17;
constexpr size_t kPointsPerCheck = 32 * 1024;
constexpr uint64_t kResultBytesPerValue = sizeof(TimestampMs) + sizeof(double);

uint64_t WeightOf(const ResultSeries& series) {
  uint64_t weight = series.values.size();
  for (const HistogramPtr& histogram : series.histograms) {
    if (histogram != nullptr) weight += SampleWeight(*histogram) - 1;
  }
  return weight;
}

uint64_t SizeBytes(const ResultSeries& series) {
  uint64_t bytes = series.values.size() * kResultBytesPerValue + series.labels.packed().size();
  if (!series.histograms.empty()) bytes += WeightOf(series) * 16;
  return bytes;
}

// Appends the points of `later`, a part of the same series.
void AppendPoints(ResultSeries later, ResultSeries* series) {
  if (!series->histograms.empty() || !later.histograms.empty()) {
    series->histograms.resize(series->values.size());
    later.histograms.resize(later.values.size());
  }
  const auto append = [](const auto& from, auto* to) {
    to->insert(to->end(), from.begin(), from.end());
  };
  append(later.timestamps_ms, &series->timestamps_ms);
  append(later.values, &series->values);
  append(later.histograms, &series->histograms);
}

// Puts the points in time order, of equal times the float first.
void SortPoints(ResultSeries* series) {
  std::vector<size_t> order(series->values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (series->timestamps_ms[a] != series->timestamps_ms[b]) {
      return series->timestamps_ms[a] < series->timestamps_ms[b];
    }
    return series->histogram(a) == nullptr && series->histogram(b) != nullptr;
  });
  ResultSeries sorted;
  for (const size_t point : order) {
    sorted.timestamps_ms.push_back(series->timestamps_ms[point]);
    sorted.values.push_back(series->values[point]);
    if (!series->histograms.empty()) sorted.histograms.push_back(series->histograms[point]);
  }
  sorted.labels = std::move(series->labels);
  *series = std::move(sorted);
}

bool LabelOrder(const ResultSeries& a, const ResultSeries& b) { return a.labels < b.labels; }

// Joins neighbours of equal labels: floats and histograms that share timestamps (promql-semantics
// 1.8).
Status JoinNeighbours(const QueryContext& context, std::vector<ResultSeries>* all) {
  size_t kept = 0;  // the first `kept` are joined
  for (size_t i = 0; i < all->size(); ++i) {
    if (i % 1024 == 0) RETURN_IF_ERROR(context.Check());
    ResultSeries& series = (*all)[i];
    if (kept > 0 && (*all)[kept - 1].labels == series.labels) {
      AppendPoints(std::move(series), &(*all)[kept - 1]);
      SortPoints(&(*all)[kept - 1]);
    } else {
      if (kept != i) (*all)[kept] = std::move(series);
      ++kept;
    }
  }
  all->resize(kept);
  return Status::Ok();
}

// Series of the answer that are held, charged and counted until the query ends.
class HeldSeries {
 public:
  explicit HeldSeries(QueryContext& context) : context_(context) {}
  ~HeldSeries() { Release(); }
  HeldSeries(const HeldSeries&) = delete;
  HeldSeries& operator=(const HeldSeries&) = delete;

  Status Add(ResultSeries series) {
    RETURN_IF_ERROR(Charge(series));
    series_.push_back(std::move(series));
    return Status::Ok();
  }
  // Continues a series that an earlier tile began, or adds it.
  Status Continue(ResultSeries series) {
    const auto [place, added] = places_.try_emplace(std::string(series.labels.packed()),  //
                                                    series_.size());
    if (added) return Add(std::move(series));
    RETURN_IF_ERROR(Charge(series));
    AppendPoints(std::move(series), &series_[place->second]);
    return Status::Ok();
  }
  std::vector<ResultSeries>& series() { return series_; }
  void Release() {
    context_.ReleaseBytes(std::exchange(charged_bytes_, 0));
    context_.ReleaseSamples(std::exchange(held_samples_, 0));
  }

 private:
  Status Charge(const ResultSeries& series) {
    const uint64_t weight = WeightOf(series);
    RETURN_IF_ERROR(context_.HoldSamples(weight));
    held_samples_ += weight;
    RETURN_IF_ERROR(context_.ChargeBytes(SizeBytes(series)));
    charged_bytes_ += SizeBytes(series);
    return Status::Ok();
  }

  QueryContext& context_;
  std::vector<ResultSeries> series_;
  std::unordered_map<std::string, size_t> places_;  // by packed labels
  uint64_t charged_bytes_ = 0;
  uint64_t held_samples_ = 0;
};

class Evaluation {
 public:
  Evaluation(QueryContext& context, const PlanNode& plan, const StepGrid& grid, ResultSink* sink)
      : context_(context), plan_(plan), grid_(grid), sink_(sink), kept_(context) {}

  Result<QueryResult> Run() {
    RETURN_IF_ERROR(AtStart());
    result_.kind = KindOf();
    switch (plan_.type) {
      case ValueType::kString: result_.text = As<StringLiteral>(*plan_.expr).value; break;
      case ValueType::kScalar: RETURN_IF_ERROR(RunScalar()); break;
      case ValueType::kMatrix: RETURN_IF_ERROR(RunRangeVector()); break;
      default: RETURN_IF_ERROR(RunVector()); break;
    }
    RETURN_IF_ERROR(BeginOnce());
    result_.series = std::move(kept_.series());
    result_.at_ms = context_.start_ms();
    result_.step_ms = context_.step_ms();
    result_.samples_scanned = context_.scanned();
    result_.peak_samples = context_.peak();
    return std::move(result_);
  }

 private:
  ResultKind KindOf() const {
    if (plan_.type == ValueType::kString) return ResultKind::kString;
    if (plan_.type == ValueType::kMatrix || !context_.is_instant()) return ResultKind::kMatrix;
    return plan_.type == ValueType::kScalar ? ResultKind::kScalar : ResultKind::kVector;
  }

  Status AtStart() const {
    const Status status = context_.Check();
    if (status.code() == Code::kCancelled) {
      return Status::Cancelled("query was canceled in query execution");
    }
    if (status.code() == Code::kDeadlineExceeded) {
      return Status::DeadlineExceeded("query timed out in query execution");
    }
    return status;
  }

  Status BeginOnce() {
    if (sink_ == nullptr || std::exchange(begun_, true)) return Status::Ok();
    return sink_->Begin(result_.kind);
  }

  // The next series of the answer.
  Status Deliver(ResultSeries series) {
    if (sink_ == nullptr) return kept_.Add(std::move(series));
    RETURN_IF_ERROR(BeginOnce());
    return HandOn(std::move(series));
  }

  // Writing points as text takes some 100 ns each.
  Status HandOn(ResultSeries series) {
    handed_on_ += 16 + series.values.size();
    if (handed_on_ >= kPointsPerCheck) {
      RETURN_IF_ERROR(context_.Check());
      handed_on_ = 0;
    }
    return sink_->Add(std::move(series));
  }

  // Puts what was kept in label order and hands it on.
  Status DeliverKept() {
    const int64_t started_ns = context_.clock().SteadyNs();
    RETURN_IF_ERROR(SortAsking(&kept_.series(), LabelOrder, [this] { return context_.Check(); }));
    RETURN_IF_ERROR(JoinNeighbours(context_, &kept_.series()));
    result_.timings.sort_ns = context_.clock().SteadyNs() - started_ns;
    if (sink_ == nullptr) return Status::Ok();
    RETURN_IF_ERROR(BeginOnce());
    for (ResultSeries& series : kept_.series()) RETURN_IF_ERROR(HandOn(std::move(series)));
    kept_.series().clear();
    return Status::Ok();
  }

  Status RunScalar() {
    ASSIGN_OR_RETURN(std::vector<double> values, EvaluateScalar(context_, plan_, grid_));
    ResultSeries series;
    for (size_t step = 0; step < grid_.count; ++step) {
      series.timestamps_ms.push_back(grid_.At(step));
    }
    series.values = std::move(values);
    return Deliver(std::move(series));
  }

  Status RunVector() {
    if (context_.delayed_names()) return RunMarked();
    ASSIGN_OR_RETURN(const size_t tile_steps, PrepareTiles(context_, plan_, grid_));
    if (tile_steps < grid_.count) return RunTiles(tile_steps);
    ASSIGN_OR_RETURN(VectorPtr root, BuildVector(context_, plan_, grid_));
    RETURN_IF_ERROR(root->Open());
    ASSIGN_OR_RETURN(const bool ready, IsInResultOrder(*root));
    if (ready) {
      return ForEachSeries(*root, grid_,
                           [this](ResultSeries series) { return Deliver(std::move(series)); });
    }
    RETURN_IF_ERROR(ForEachSeries(
        *root, grid_, [this](ResultSeries series) { return kept_.Add(std::move(series)); }));
    root.reset();
    return DeliverKept();
  }

  // Steps in tiles: what the operators hold is as large as a tile, the answer is put together.
  Status RunTiles(size_t tile_steps) {
    for (size_t first = 0; first < grid_.count; first += tile_steps) {
      const StepGrid tile{grid_.At(first), grid_.step_ms,
                          std::min(tile_steps, grid_.count - first)};
      ASSIGN_OR_RETURN(VectorPtr root, BuildVector(context_, plan_, tile));
      RETURN_IF_ERROR(root->Open());
      RETURN_IF_ERROR(ForEachSeries(
          *root, tile, [this](ResultSeries series) { return kept_.Continue(std::move(series)); }));
    }
    return DeliverKept();
  }

  // Whether series that lose their names become equal is known only once all are there.
  Status RunMarked() {
    ASSIGN_OR_RETURN(VectorPtr root, BuildVector(context_, plan_, grid_));
    RETURN_IF_ERROR(root->Open());
    ASSIGN_OR_RETURN(Matrix matrix, Materialize(context_, *root, grid_.count));
    RETURN_IF_ERROR(DropMarkedNames(context_, matrix));
    if (!context_.is_instant()) {
      RETURN_IF_ERROR(SortAsking(
          &matrix.rows(),
          [](const Matrix::Row& a, const Matrix::Row& b) { return a.labels < b.labels; },
          [this] { return context_.Check(); }));
    }
    RETURN_IF_ERROR(BeginOnce());
    std::vector<ResultSeries> all;  // charged as rows of the matrix
    for (Matrix::Row& row : matrix.rows()) {
      if (all.size() % 64 == 0) RETURN_IF_ERROR(context_.Check());
      all.push_back(SeriesOf(std::move(row.labels), *row.block, row.place, grid_));
    }
    RETURN_IF_ERROR(JoinNeighbours(context_, &all));
    for (ResultSeries& series : all) {
      if (sink_ == nullptr) {
        kept_.series().push_back(std::move(series));
      } else {
        RETURN_IF_ERROR(HandOn(std::move(series)));
      }
    }
    return Status::Ok();
  }

  // An instant vector keeps the expression's order; else the list has to be in label order.
  Result<bool> IsInResultOrder(const VectorOperator& root) const {
    if (context_.is_instant()) return true;
    std::optional<Labels> previous;
    for (size_t i = 0; i < root.series_count(); ++i) {
      if (i % 4096 == 0) RETURN_IF_ERROR(context_.Check());
      Labels labels = root.labels(i);
      if (previous && !(*previous < labels)) return false;
      previous = std::move(labels);
    }
    return true;
  }

  static ResultSeries SeriesOf(Labels labels, const StepBlock& block, size_t row,
                               const StepGrid& grid) {
    ResultSeries series;
    const double* const values = block.values(row);
    const StepKind* const kinds = block.kinds(row);
    const HistogramPtr* const histograms = block.histograms(row);
    const auto absent =
        static_cast<size_t>(std::count(kinds, kinds + grid.count, StepKind::kAbsent));
    if (absent == grid.count) return series;
    series.labels = std::move(labels);
    series.timestamps_ms.reserve(grid.count - absent);
    series.values.reserve(grid.count - absent);
    bool any_histogram = false;
    for (size_t step = 0; step < grid.count; ++step) {
      if (kinds[step] == StepKind::kAbsent) continue;
      any_histogram = any_histogram || kinds[step] == StepKind::kHistogram;
      series.timestamps_ms.push_back(grid.At(step));
      series.values.push_back(kinds[step] == StepKind::kFloat ? values[step] : 0);
    }
    if (!any_histogram) return series;
    for (size_t step = 0; step < grid.count; ++step) {
      if (kinds[step] == StepKind::kAbsent) continue;
      series.histograms.push_back(kinds[step] == StepKind::kHistogram ? histograms[step] : nullptr);
    }
    return series;
  }

  // Hands on the series of `root` that have a value, in its order.
  template <typename Take>
  Status ForEachSeries(const VectorOperator& root, const StepGrid& grid, Take take) {
    struct Slot {
      StepBlock block;
      std::vector<ResultSeries> series;
      uint64_t samples = 0;
      uint64_t bytes = 0;
    };
    std::vector<Slot> slots(MorselWindow(context_));
    const auto let_go = [this](Slot& slot) {
      slot.series.clear();
      context_.ReleaseSamples(std::exchange(slot.samples, 0));
      context_.ReleaseBytes(std::exchange(slot.bytes, 0));
    };
    const auto work = [&](MorselRange morsel, size_t index) -> Status {
      Slot& slot = slots[index];
      RETURN_IF_ERROR(root.Read(morsel.first, morsel.count, &slot.block));
      uint64_t samples = 0;
      uint64_t bytes = 0;
      for (size_t row = 0; row < morsel.count; ++row) {
        const StepKind* const kinds = slot.block.kinds(row);
        if (std::all_of(kinds, kinds + grid.count,
                        [](StepKind kind) { return kind == StepKind::kAbsent; })) {
          continue;
        }
        slot.series.push_back(SeriesOf(root.labels(morsel.first + row), slot.block, row, grid));
        samples += WeightOf(slot.series.back());
        bytes += SizeBytes(slot.series.back());
      }
      RETURN_IF_ERROR(context_.HoldSamples(samples));
      slot.samples = samples;
      RETURN_IF_ERROR(context_.ChargeBytes(bytes));
      slot.bytes = bytes;
      return Status::Ok();
    };
    const auto merge = [&](MorselRange, size_t index) -> Status {
      std::vector<ResultSeries> ready = std::move(slots[index].series);
      let_go(slots[index]);
      for (ResultSeries& series : ready) RETURN_IF_ERROR(take(std::move(series)));
      return Status::Ok();
    };
    const size_t rows = std::clamp<size_t>(kResultMorselValues / grid.count, 8, kMorselSeries);
    const Status status = ForEachMorsel(context_, root.series_count(), grid.count, work, merge,
                                        std::min(rows, MorselSeries(grid.count)));
    for (Slot& slot : slots) let_go(slot);
    return status;
  }

  Status RunRangeVector() {
    ASSIGN_OR_RETURN(RangePtr root, BuildRange(context_, plan_, grid_));
    RETURN_IF_ERROR(root->Open());
    const bool ready = IsStrictlyInOrder(*root);
    RangeBatch batch;
    uint64_t points = 0;
    for (size_t first = 0; first < root->series_count(); first += root->read_run()) {
      const size_t run = std::min(root->read_run(), root->series_count() - first);
      RETURN_IF_ERROR(context_.Check());
      RETURN_IF_ERROR(root->Read(first, run, &batch));
      for (size_t i = 0; i < run; ++i) {
        ASSIGN_OR_RETURN(ResultSeries series, PointsOf(*root, batch, i));
        if (series.values.empty()) continue;
        points += series.values.size();
        series.labels = ShownLabels(*root, first + i);
        RETURN_IF_ERROR(ready ? Deliver(std::move(series)) : kept_.Add(std::move(series)));
      }
    }
    if (root->extension() != Extension::kNone) CountShown(points);
    if (ready) return Status::Ok();
    RETURN_IF_ERROR(CheckDistinct(kept_.series()));
    return DeliverKept();
  }

  // Points that an extension made are what statistics count, not the samples they were made from.
  void CountShown(uint64_t points) {
    NodeTally* const tally = TallyOf(context_, plan_);
    if (tally == nullptr) return;
    StepCounts counts;
    counts.first = {points};
    counts.second = {points};
    tally->selected.Add(tally->selected.Extend(grid_), counts);
  }

  static Labels ShownLabels(const RangeOperator& root, size_t series) {
    Labels labels = root.labels(series);
    return root.drops_name(series) ? WithoutName(labels) : labels;
  }

  static bool IsStrictlyInOrder(const RangeOperator& root) {
    std::optional<Labels> previous;
    for (size_t i = 0; i < root.series_count(); ++i) {
      Labels labels = ShownLabels(root, i);
      if (previous && !(*previous < labels)) return false;
      previous = std::move(labels);
    }
    return true;
  }

  // What a range vector shows of a series.
  static Result<ResultSeries> PointsOf(const RangeOperator& root, const RangeBatch& batch,
                                       size_t i) {
    ResultSeries series;
    const auto times = batch.times(i);
    const WindowBounds inside = root.SampleWindow(0);
    const auto begin = static_cast<size_t>(
        std::upper_bound(times.begin(), times.end(), inside.start_ms) - times.begin());
    const auto end = static_cast<size_t>(
        std::upper_bound(times.begin(), times.end(), inside.end_ms) - times.begin());
    if (root.extension() != Extension::kNone) {
      if (batch.has_histograms(i)) return NoHistograms(root.extension());
      WindowView window;
      window.times = times.data() + begin;
      window.values = batch.floats(i).data() + begin;
      window.count = end - begin;
      window.start_ms = root.Window(0).start_ms;
      window.end_ms = root.Window(0).end_ms;
      for (const Sample& sample : ExtendSamples(root.extension(), window)) {
        series.timestamps_ms.push_back(sample.timestamp_ms);
        series.values.push_back(sample.value);
      }
      return series;
    }
    series.timestamps_ms.assign(times.begin() + begin, times.begin() + end);
    series.values.assign(batch.floats(i).begin() + begin, batch.floats(i).begin() + end);
    if (!batch.has_histograms(i)) return series;
    for (size_t at = begin; at < end; ++at) {
      const FloatHistogram* const one = batch.histograms(i)[at];
      series.histograms.push_back(one == nullptr ? nullptr
                                                 : std::make_shared<const FloatHistogram>(*one));
      if (one != nullptr) series.values[at - begin] = 0;
    }
    return series;
  }

  static Status NoHistograms(Extension extension) {
    return Status::OutOfRange(
        std::string(extension == Extension::kAnchored ? "anchored" : "smoothed") +
        " modifier is not supported with histograms");
  }

  // Series of a range vector that a dropped name made equal.
  Status CheckDistinct(std::vector<ResultSeries>& series) const {
    RETURN_IF_ERROR(SortAsking(&series, LabelOrder, [this] { return context_.Check(); }));
    const auto equal = std::adjacent_find(
        series.begin(), series.end(),
        [](const ResultSeries& a, const ResultSeries& b) { return a.labels == b.labels; });
    if (equal == series.end()) return Status::Ok();
    return Status::OutOfRange("vector cannot contain metrics with the same labelset");
  }

  QueryContext& context_;
  const PlanNode& plan_;
  StepGrid grid_;
  ResultSink* const sink_;
  bool begun_ = false;
  size_t handed_on_ = 0;  // points since the last check
  HeldSeries kept_;
  QueryResult result_;
};

}  // namespace

Result<QueryResult> EvaluatePlan(QueryContext& context, const PlanNode& plan, const StepGrid& grid,
                                 ResultSink* sink) {
  return Evaluation(context, plan, grid, sink).Run();
}

}  // namespace thermocline::promql
