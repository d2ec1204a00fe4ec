#include "promql/exec/window_function.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "promql/exec/names.h"
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
        rate_(RateKindOf(function_)) {}

  Status Open() override {
    // A subquery is evaluated before the other arguments.
    RETURN_IF_ERROR(source_->Open());
    for (const PlanPtr& arg : call_.children) {
      if (arg->type != ValueType::kScalar) continue;
      ASSIGN_OR_RETURN(auto values, EvaluateScalar(context_, *arg, grid_));
      params_.push_back(std::move(values));
    }
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
    SeriesBatch batch;
    for (size_t done = 0; done < count;) {
      const size_t run = std::min(source_->read_run(), count - done);
      RETURN_IF_ERROR(source_->Read(first + done, run, &batch));
      for (size_t i = 0; i < run; ++i) {
        const size_t row = done + i;
        RETURN_IF_ERROR(
            Evaluate(batch.times(i), batch.floats(i), out->values(row), out->kinds(row)));
        NoteNonCounter(first + row, out->kinds(row));
      }
      RETURN_IF_ERROR(context_.Check());
      done += run;
    }
    return Status::Ok();
  }

 private:
  Status Evaluate(std::span<const TimestampMs> times, std::span<const double> values, double* out,
                  StepKind* kinds) const {
    if (times.empty()) return Status::Ok();
    if (source_->extension() != Extension::kNone) {
      EvaluateBeyondEdges(times, values, out, kinds);
      return Status::Ok();
    }
    if (rate_) {
      EvaluateRate(times, values, out, kinds);
      return Status::Ok();
    }
    size_t begin = 0;
    size_t end = 0;
    size_t work = 0;  // samples looked at since the last check
    for (size_t step = 0; step < grid_.count; ++step) {
      const WindowBounds& bounds = windows_[step];
      Advance(times, bounds, &begin, &end);
      if (begin >= end) continue;
      work += end - begin;
      if (work > kSamplesPerCheck) {
        RETURN_IF_ERROR(context_.Check());
        work = 0;
      }
      WindowView window = View(times, values, begin, end, step);
      RETURN_IF_ERROR(CheckParams(window));
      if (evaluate_(window, &out[step])) kinds[step] = StepKind::kFloat;
    }
    return Status::Ok();
  }

  // Windows of two samples a step cost the same as windows of a thousand: resets are found once.
  void EvaluateRate(std::span<const TimestampMs> times, std::span<const double> values, double* out,
                    StepKind* kinds) const {
    std::vector<size_t> resets;
    if (*rate_ != RateKind::kDelta) {
      for (size_t i = 1; i < values.size(); ++i) {
        if (values[i] < values[i - 1]) resets.push_back(i);
      }
    }
    size_t begin = 0;
    size_t end = 0;
    size_t next_reset = 0;  // the first that is not before the window's second sample
    for (size_t step = 0; step < grid_.count; ++step) {
      Advance(times, windows_[step], &begin, &end);
      if (begin + 1 >= end) continue;
      while (next_reset < resets.size() && resets[next_reset] <= begin) ++next_reset;
      double resets_sum = 0;
      for (size_t r = next_reset; r < resets.size() && resets[r] < end; ++r) {
        resets_sum += values[resets[r] - 1];
      }
      const WindowView window = View(times, values, begin, end, step);
      if (Extrapolate(*rate_, window, resets_sum, &out[step])) kinds[step] = StepKind::kFloat;
    }
  }

  void EvaluateBeyondEdges(std::span<const TimestampMs> times, std::span<const double> values,
                           double* out, StepKind* kinds) const {
    size_t begin = 0;
    size_t end = 0;
    for (size_t step = 0; step < grid_.count; ++step) {
      Advance(times, sample_windows_[step], &begin, &end);
      if (begin >= end) continue;
      const WindowView window = View(times, values, begin, end, step);
      if (EvaluateExtended(function_, source_->extension(), window, &out[step])) {
        kinds[step] = StepKind::kFloat;
      }
    }
  }

  // Moves [begin, end) to the samples in the window; windows never move back.
  static void Advance(std::span<const TimestampMs> times, const WindowBounds& bounds, size_t* begin,
                      size_t* end) {
    while (*end < times.size() && times[*end] <= bounds.end_ms) ++*end;
    while (*begin < times.size() && times[*begin] <= bounds.start_ms) ++*begin;
  }

  WindowView View(std::span<const TimestampMs> times, std::span<const double> values, size_t begin,
                  size_t end, size_t step) const {
    WindowView view;
    view.times = times.data() + begin;
    view.values = values.data() + begin;
    view.count = end - begin;
    view.start_ms = windows_[step].start_ms;
    view.end_ms = windows_[step].end_ms;
    view.step_ms = grid_.At(step);
    for (size_t i = 0; i < params_.size() && i < 2; ++i) view.params[i] = params_[i][step];
    return view;
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
    if (name.empty() || LooksLikeCounter(name)) return;
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
  std::vector<WindowBounds> windows_;
  std::vector<WindowBounds> sample_windows_;  // with an extension
  std::vector<std::vector<double>> params_;
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
  return {arg.kind == PlanKind::kSubquery ? 0 : arg.position, call.order};
}

Result<VectorPtr> BuildWindowFunction(QueryContext& context, const PlanNode& call,
                                      const StepGrid& grid) {
  const size_t range_arg = static_cast<size_t>(RangeArgument(call));
  ASSIGN_OR_RETURN(RangePtr source, BuildRange(context, *call.children[range_arg], grid));
  RETURN_IF_ERROR(CheckExtension(source->extension(), *As<Call>(*call.expr).function));
  VectorPtr windows =
      std::make_unique<WindowFunctionOperator>(context, call, grid, std::move(source));
  const Function function = As<Call>(*call.expr).function->function;
  if (function == Function::kLastOverTime || function == Function::kFirstOverTime) return windows;
  return DropNames(context, std::move(windows), grid, JoinRule::kPerSeries);
}

}  // namespace thermocline::promql
