#include "promql/exec/window_function.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>

#include "base/mutex.h"
#include "base/reuse_pool.h"
#include "promql/exec/counted_operator.h"
#include "promql/exec/names.h"
#include "promql/functions/mixed_window.h"
#include "promql/functions/rate_batch.h"
#include "promql/functions/window_extended.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

// A few ms of the most expensive function (sorting each window).
constexpr size_t kSamplesPerCheck = 64 * 1024;

bool LooksLikeCounter(std::string_view name) {
  for (const std::string_view suffix : {"_total", "_sum", "_count", "_bucket"}) {
    if (name.ends_with(suffix)) return true;
  }
  return false;
}

std::optional<RateKind> RateKindOf(Function function) {
  switch (function) {
    case Function::kRate: return RateKind::kRate;
    case Function::kIncrease: return RateKind::kIncrease;
    case Function::kDelta: return RateKind::kDelta;
    default: return std::nullopt;
  }
}

bool LooksAtStarts(Function function) {
  return function == Function::kRate || function == Function::kIrate ||
         function == Function::kIncrease || function == Function::kResets;
}

// The samples of one series, and the part of them that a step's window holds. Windows never move
// back.
struct SeriesView {
  std::span<const TimestampMs> times;
  std::span<const double> values;
  std::span<const TimestampMs> starts;  // empty when they do not count
  size_t begin = 0;
  size_t end = 0;

  void Advance(const WindowBounds& bounds) {
    while (end < times.size() && times[end] <= bounds.end_ms) ++end;
    while (begin < times.size() && times[begin] <= bounds.start_ms) ++begin;
  }
  bool empty() const { return begin >= end; }
  size_t count() const { return empty() ? 0 : end - begin; }
};

// A series with histograms, floats and histograms apart.
struct SplitSeries {
  std::vector<TimestampMs> float_times, histogram_times, float_starts, histogram_starts;
  std::vector<double> values;
  std::vector<const FloatHistogram*> histograms;

  SplitSeries(const RangeBatch& batch, size_t series, bool with_starts) {
    const auto times = batch.times(series);
    const auto starts = batch.starts(series);
    for (size_t i = 0; i < times.size(); ++i) {
      const FloatHistogram* const histogram = batch.histograms(series)[i];
      const bool is_float = histogram == nullptr;
      (is_float ? float_times : histogram_times).push_back(times[i]);
      if (with_starts && !starts.empty()) {
        (is_float ? float_starts : histogram_starts).push_back(starts[i]);
      }
      if (is_float) {
        values.push_back(batch.floats(series)[i]);
      } else {
        histograms.push_back(histogram);
      }
    }
  }
};

class WindowFunctionOperator : public VectorOperator {
 public:
  WindowFunctionOperator(QueryContext& context, const PlanNode& call, const StepGrid& grid,
                         RangePtr source)
      : context_(context),
        call_(call),
        grid_(grid),
        source_(std::move(source)),
        function_(As<Call>(*call.expr).function->function),
        evaluate_(FindWindowFunction(function_)),
        rate_(RateKindOf(function_)),
        with_starts_(context.engine().use_start_timestamps && LooksAtStarts(function_)) {}

  Status Open() override {
    // A subquery is evaluated before the other arguments.
    RETURN_IF_ERROR(source_->Open());
    for (const PlanPtr& arg : call_.children) {
      if (arg->type != ValueType::kScalar) continue;
      ASSIGN_OR_RETURN(auto values, EvaluateScalar(context_, *arg, grid_));
      params_.push_back(std::move(values));
    }
    RETURN_IF_ERROR(CheckExtension(source_->extension(), *As<Call>(*call_.expr).function));
    windows_.reserve(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) windows_.push_back(source_->Window(step));
    if (source_->extension() != Extension::kNone) {
      for (size_t step = 0; step < grid_.count; ++step) {
        sample_windows_.push_back(source_->SampleWindow(step));
      }
    }
    return Status::Ok();
  }
  size_t series_count() const override { return source_->series_count(); }
  Labels labels(size_t series) const override { return source_->labels(series); }
  bool drops_name(size_t series) const override { return source_->drops_name(series); }

  Status Read(size_t first, size_t count, StepBlock* out) const override {
    out->Reset(count, grid_.count);
    const ReusePool<RangeBatch>::Lease lease(batches_);
    RangeBatch& batch = *lease;
    for (size_t done = 0; done < count;) {
      const size_t run = std::min(source_->read_run(), count - done);
      RETURN_IF_ERROR(source_->Read(first + done, run, &batch));
      for (size_t i = 0; i < run; ++i) {
        const size_t row = done + i;
        if (batch.has_histograms(i)) {
          const SplitSeries split(batch, i, with_starts_);
          RETURN_IF_ERROR(EvaluateMixedSeries(split, first + row, out, row));
        } else {
          RETURN_IF_ERROR(Evaluate({batch.times(i), batch.floats(i), Starts(batch, i)}, first + row,
                                   out->values(row), out->kinds(row)));
        }
        NoteNonCounter(first + row, out->kinds(row));
      }
      RETURN_IF_ERROR(context_.Check());
      done += run;
    }
    return Status::Ok();
  }

 private:
  std::span<const TimestampMs> Starts(const RangeBatch& batch, size_t i) const {
    return with_starts_ ? batch.starts(i) : std::span<const TimestampMs>();
  }

  Status Evaluate(const SeriesView& view, size_t series, double* out, StepKind* kinds) const {
    if (view.times.empty()) return Status::Ok();
    if (source_->extension() != Extension::kNone) {
      return EvaluateBeyondEdges(view, out, kinds);
    }
    if (rate_) {
      return EvaluateRate(view, series, out, kinds);
    }
    const TimestampMs* const times = view.times.data();
    const size_t samples = view.times.size();
    const bool check_params = !params_.empty();
    size_t begin = 0;
    size_t end = 0;
    size_t work = 0;  // samples looked at since the last check
    WindowView window;
    for (size_t step = 0; step < grid_.count; ++step) {
      const WindowBounds& bounds = windows_[step];
      while (end < samples && times[end] <= bounds.end_ms) ++end;
      while (begin < samples && times[begin] <= bounds.start_ms) ++begin;
      if (begin >= end) continue;
      work += end - begin;
      if (work > kSamplesPerCheck) {
        RETURN_IF_ERROR(context_.Check());
        work = 0;
      }
      window.times = times + begin;
      window.values = view.values.data() + begin;
      window.count = end - begin;
      if (!view.starts.empty()) window.starts = view.starts.data() + begin;
      Place(step, &window);
      if (check_params) RETURN_IF_ERROR(CheckParams(window));
      if (evaluate_(window, &out[step])) kinds[step] = StepKind::kFloat;
    }
    return Status::Ok();
  }

  // What a window of the step has besides its samples.
  void Place(size_t step, WindowView* window) const {
    window->start_ms = windows_[step].start_ms;
    window->end_ms = windows_[step].end_ms;
    window->step_ms = grid_.At(step);
    for (size_t i = 0; i < params_.size() && i < 2; ++i) window->params[i] = params_[i][step];
  }

  // Windows of two samples a step cost the same as windows of a thousand: resets are found once.
  Status EvaluateRate(const SeriesView& view, size_t series, double* out, StepKind* kinds) const {
    const std::span<const double> values = view.values;
    std::vector<size_t> resets;
    std::vector<size_t> overlaps;
    if (*rate_ != RateKind::kDelta) {
      for (size_t i = 1; i < values.size(); ++i) {
        if (values[i] < values[i - 1]) resets.push_back(i);
      }
      if (!view.starts.empty()) LookAtStarts(view, &resets, &overlaps);
    }
    const TimestampMs* const times = view.times.data();
    const size_t samples = values.size();
    size_t begin = 0;
    size_t end = 0;
    int overlapping = 0;    // windows
    size_t next_reset = 0;  // the first that is not before the window's second sample
    size_t work = 0;        // resets looked at since the last check
    RateBatch batch;
    std::array<size_t, RateBatch::kCapacity> steps;  // of the batch's windows
    const bool with_starts = !view.starts.empty();
    for (size_t step = 0; step < grid_.count; ++step) {
      const WindowBounds& bounds = windows_[step];
      while (end < samples && times[end] <= bounds.end_ms) ++end;
      while (begin < samples && times[begin] <= bounds.start_ms) ++begin;
      if (begin >= end) continue;
      while (next_reset < resets.size() && resets[next_reset] <= begin) ++next_reset;
      double change = values[end - 1] - values[begin];
      for (size_t r = next_reset; r < resets.size() && resets[r] < end; ++r, ++work) {
        change += values[resets[r] - 1];
      }
      if (work > kSamplesPerCheck) {
        RETURN_IF_ERROR(context_.Check());
        work = 0;
      }
      if (!overlaps.empty()) {
        const auto overlap = std::upper_bound(overlaps.begin(), overlaps.end(), begin);
        overlapping += overlap != overlaps.end() && *overlap < end;
      }
      const SampledSpan span{times[begin],    times[end - 1], end - begin,
                             bounds.start_ms, bounds.end_ms,  with_starts ? view.starts[begin] : 0};
      if (with_starts) {
        if (Extrapolate(*rate_, span, values[begin], change, &out[step])) {
          kinds[step] = StepKind::kFloat;
        }
        continue;
      }
      if (span.count < 2) continue;
      steps[batch.count] = step;
      batch.Add(span, values[begin], change);
      if (batch.full()) PutBatch(&batch, steps.data(), out, kinds);
    }
    PutBatch(&batch, steps.data(), out, kinds);
    NoteOverlaps(series, overlapping);
    return Status::Ok();
  }

  // Evaluates the windows and empties the batch.
  void PutBatch(RateBatch* batch, const size_t* steps, double* out, StepKind* kinds) const {
    std::array<double, RateBatch::kCapacity> values;
    ExtrapolateBatch(*rate_, *batch, values.data());
    for (size_t i = 0; i < batch->count; ++i) {
      out[steps[i]] = values[i];
      kinds[steps[i]] = StepKind::kFloat;
    }
    batch->count = 0;
  }

  // Resets that only start timestamps show are added; `overlaps` are samples that claim to have
  // begun before the one before them was taken.
  static void LookAtStarts(const SeriesView& view, std::vector<size_t>* resets,
                           std::vector<size_t>* overlaps) {
    resets->clear();
    for (size_t i = 1; i < view.values.size(); ++i) {
      if (view.values[i] < view.values[i - 1] ||
          IsStartReset(view.starts[i - 1], view.times[i - 1], view.starts[i], view.times[i])) {
        resets->push_back(i);
      }
      if (StartsOverlap(view.starts[i - 1], view.times[i - 1], view.starts[i])) {
        overlaps->push_back(i);
      }
    }
  }

  Status EvaluateBeyondEdges(SeriesView view, double* out, StepKind* kinds) const {
    size_t work = 0;  // samples looked at since the last check
    for (size_t step = 0; step < grid_.count; ++step) {
      view.Advance(sample_windows_[step]);
      if (view.empty()) continue;
      work += view.count();
      if (work > kSamplesPerCheck) {
        RETURN_IF_ERROR(context_.Check());
        work = 0;
      }
      if (EvaluateExtended(function_, source_->extension(), Window(view, step), &out[step])) {
        kinds[step] = StepKind::kFloat;
      }
    }
    return Status::Ok();
  }

  // A series that has histograms: every window is evaluated anew.
  Status EvaluateMixedSeries(const SplitSeries& split, size_t series, StepBlock* out,
                             size_t row) const {
    SeriesView floats{split.float_times, split.values, split.float_starts};
    SeriesView histograms{split.histogram_times, {}, split.histogram_starts};
    const Labels labels = source_->labels(series);
    const bool extended = source_->extension() != Extension::kNone;
    std::vector<HistogramTraits> traits;
    if (rate_ && !extended) {
      traits = TraitsOf({split.histogram_times.data(), split.histograms.data(),
                         split.histogram_starts.empty() ? nullptr : split.histogram_starts.data(),
                         split.histograms.size()},
                        *rate_ != RateKind::kDelta);
    }
    WindowNotes notes;
    int overlapping = 0;  // windows
    for (size_t step = 0; step < grid_.count; ++step) {
      const WindowBounds& bounds = extended ? sample_windows_[step] : windows_[step];
      floats.Advance(bounds);
      histograms.Advance(bounds);
      if (floats.empty() && histograms.empty()) continue;
      if (step % 64 == 0) RETURN_IF_ERROR(context_.Check());
      MixedWindow window;
      window.floats = Window(floats, step);
      window.histograms = {
          histograms.times.data() + histograms.begin, split.histograms.data() + histograms.begin,
          histograms.starts.empty() ? nullptr : histograms.starts.data() + histograms.begin,
          histograms.count(), traits.empty() ? nullptr : traits.data() + histograms.begin};
      if (!floats.empty() || function_ != Function::kQuantileOverTime) {
        RETURN_IF_ERROR(CheckParams(window.floats));
      }
      WindowAnswer answer;
      const bool answered =
          extended ? EvaluateMixedExtended(function_, source_->extension(), window,
                                           labels.metric_name(), &notes, &answer)
                   : EvaluateMixed(function_, window, labels.metric_name(), &notes, &answer);
      overlapping += notes.start_overlaps;
      if (!notes.empty()) Report(&notes);
      if (!answered) continue;
      if (answer.histogram != nullptr) {
        out->SetHistogram(row, step, std::move(answer.histogram));
      } else {
        out->kinds(row)[step] = StepKind::kFloat;
        out->values(row)[step] = answer.value;
      }
    }
    NoteOverlaps(series, overlapping);
    return Status::Ok();
  }

  void Report(WindowNotes* notes) const {
    const NotePlace place = ArgumentPlace(call_, 0);
    for (std::string& text : notes->warnings) context_.annotations().Warn(std::move(text), place);
    for (std::string& text : notes->infos) context_.annotations().Info(std::move(text), place);
    notes->Clear();
  }

  // In how many of the series' windows start timestamps overlap; once, also of a series that is
  // read again.
  void NoteOverlaps(size_t series, int windows) const {
    if (windows == 0) return;
    {
      const MutexLock lock(noted_mutex_);
      if (!noted_.insert(series).second) return;
    }
    const Labels labels = source_->labels(series);
    context_.annotations().StartOverlap(labels.metric_name(), windows, ArgumentPlace(call_, 0));
  }

  WindowView Window(const SeriesView& view, size_t step) const {
    WindowView window;
    window.times = view.times.data() + view.begin;
    window.values = view.values.data() + view.begin;
    window.count = view.count();
    Place(step, &window);
    if (!view.starts.empty()) window.starts = view.starts.data() + view.begin;
    return window;
  }

  Status CheckParams(const WindowView& window) const {
    if (function_ == Function::kQuantileOverTime) {
      const double q = window.params[0];
      if (std::isnan(q) || q < 0 || q > 1) {
        context_.annotations().Warn(
            fmt::format("quantile value should be between 0 and 1, got {}", FormatShortest(q)),
            ArgumentPlace(call_, 0));
      }
      return Status::Ok();
    }
    return CheckWindowParams(function_, window.params);
  }

  // rate and increase of what is not named like a counter, once it yielded something.
  void NoteNonCounter(size_t series, const StepKind* kinds) const {
    if (function_ != Function::kRate && function_ != Function::kIncrease) return;
    if (std::find(kinds, kinds + grid_.count, StepKind::kFloat) == kinds + grid_.count) return;
    const Labels labels = source_->labels(series);
    const std::string_view name = labels.metric_name();
    if (name.empty()) return;
    if (context_.engine().type_and_unit_labels) {
      const std::string_view type = labels.Get("__type__");
      if (type == "counter" || type == "histogram") return;
      context_.annotations().Info(
          fmt::format("metric might not be a counter, __type__ label is not set to \"counter\" or "
                      "\"histogram\", got {}: {}",
                      GoQuote(type), GoQuote(name)),
          ArgumentPlace(call_, 0));
      return;
    }
    if (LooksLikeCounter(name)) return;
    context_.annotations().Info(fmt::format("metric might not be a counter, name does not end in "
                                            "_total/_sum/_count/_bucket: {}",
                                            GoQuote(name)),
                                ArgumentPlace(call_, 0));
  }

  QueryContext& context_;
  const PlanNode& call_;
  StepGrid grid_;
  RangePtr source_;
  Function function_;
  WindowFunction evaluate_;
  std::optional<RateKind> rate_;
  bool with_starts_;
  std::vector<WindowBounds> windows_;
  std::vector<WindowBounds> sample_windows_;  // with an extension
  std::vector<std::vector<double>> params_;
  mutable ReusePool<RangeBatch> batches_;
  mutable Mutex noted_mutex_;
  mutable std::set<size_t> noted_ GUARDED_BY(noted_mutex_);  // series whose overlaps are counted
};

}  // namespace

int RangeArgument(const PlanNode& call) {
  for (size_t i = 0; i < call.children.size(); ++i) {
    if (call.children[i]->type == ValueType::kMatrix) return static_cast<int>(i);
  }
  return -1;
}

NotePlace ArgumentPlace(const PlanNode& call, size_t index) {
  const PlanNode& arg = *call.children[index];
  return {arg.expr->kind == ExprKind::kSubquery ? 0 : arg.position, call.order};
}

Result<VectorPtr> BuildWindowFunction(QueryContext& context, const PlanNode& call,
                                      const StepGrid& grid) {
  const size_t range_arg = static_cast<size_t>(RangeArgument(call));
  ASSIGN_OR_RETURN(RangePtr source, BuildRange(context, *call.children[range_arg], grid));
  VectorPtr windows =
      std::make_unique<WindowFunctionOperator>(context, call, grid, std::move(source));
  windows = CountPerSeries(context, *call.children[range_arg], grid, std::move(windows));
  const Function function = As<Call>(*call.expr).function->function;
  if (function == Function::kLastOverTime || function == Function::kFirstOverTime) return windows;
  return DropNames(context, std::move(windows), grid, JoinRule::kPerSeries);
}

}  // namespace thermocline::promql
