#include "promql/exec/sample_statistics.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "promql/exec/subquery.h"
#include "promql/exec/window_function.h"

namespace thermocline::promql {
namespace {

uint64_t SumOf(const std::vector<uint64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

// An evaluation over a grid: the query's, a subquery's, or a single step that is repeated.
struct Frame {
  StepGrid grid;
  uint64_t held = 0;  // samples in memory
  std::vector<uint64_t> total;
  std::vector<uint64_t> read;

  Frame(const StepGrid& steps, uint64_t held_before)
      : grid(steps), held(held_before), total(steps.count, 0), read(steps.count, 0) {}
};

// What a node hands to the one above: series and samples by step.
StepCounts OneSeries(size_t steps) {
  StepCounts counts;
  counts.first.assign(steps, 1);
  counts.second = counts.first;
  counts.third = counts.first;
  return counts;
}

bool IsLiteral(const Expr& expr) { return StripParens(expr).kind == ExprKind::kNumber; }

class Counter {
 public:
  explicit Counter(const TallyBook& book) : book_(book) {}

  SampleStatistics Run(const PlanNode& plan, const StepGrid& grid) {
    Frame frame(grid, 0);
    Visit(plan, &frame);
    SampleStatistics statistics;
    statistics.total = SumOf(frame.total);
    statistics.read = SumOf(frame.read);
    statistics.peak = peak_;
    statistics.total_per_step = std::move(frame.total);
    statistics.read_per_step = std::move(frame.read);
    return statistics;
  }

 private:
  void Peak(uint64_t held) { peak_ = std::max(peak_, held); }

  // The counts of a node's own answer.
  StepCounts AnswerOf(const PlanNode& node, const Frame& frame) const {
    if (node.type == ValueType::kScalar) return OneSeries(frame.grid.count);
    const NodeTally* const tally = book_.Find(node);
    return tally == nullptr ? StepCounts() : tally->answer.counts();
  }

  StepCounts Visit(const PlanNode& node, Frame* frame) {
    switch (node.kind) {
      case PlanKind::kString: return {};
      case PlanKind::kNumber: return VisitNumber(node, frame);
      case PlanKind::kSelector: return VisitSelector(node, frame);
      case PlanKind::kWindow: return VisitWindow(node, frame);
      case PlanKind::kSubquery: return VisitSubquery(node, frame);
      case PlanKind::kNegate: Visit(*node.children[0], frame); return AnswerOf(node, *frame);
      case PlanKind::kAggregate: return VisitAggregate(node, frame);
      case PlanKind::kCall: return VisitCall(node, frame);
      case PlanKind::kOnce: return VisitOnce(node, frame);
      default: return StepByStep(node, frame);
    }
  }

  // Operands whole, then step by step a vector of each and the answer.
  StepCounts StepByStep(const PlanNode& node, Frame* frame) {
    const uint64_t before = frame->held;
    std::vector<StepCounts> operands;
    for (const PlanPtr& child : node.children) operands.push_back(Visit(*child, frame));
    StepCounts answer = AnswerOf(node, *frame);
    Gather(operands, answer, before, frame);
    return answer;
  }

  void Gather(const std::vector<StepCounts>& operands, const StepCounts& answer, uint64_t before,
              Frame* frame) {
    uint64_t vectors = 0;
    uint64_t answered = 0;
    for (size_t step = 0; step < frame->grid.count; ++step) {
      vectors += answer.Third(step);
      answered += answer.Second(step);
      uint64_t now = frame->held + vectors;
      for (const StepCounts& operand : operands) now += operand.First(step);
      Peak(now);
    }
    frame->held = before + answered;
    Peak(frame->held);
  }

  // A number that was an expression is evaluated once, as any expression that no step changes.
  StepCounts VisitNumber(const PlanNode& node, Frame* frame) {
    if (frame->grid.count == 1 || IsLiteral(*node.expr)) return VisitConstant(*node.expr, frame);
    StepGrid one = frame->grid;
    one.count = 1;
    Frame inner(one, frame->held);
    VisitConstant(*node.expr, &inner);
    frame->held = inner.held + frame->grid.count - 1;
    Peak(frame->held);
    return OneSeries(frame->grid.count);
  }

  StepCounts VisitConstant(const Expr& expr, Frame* frame) {
    const uint64_t before = frame->held;
    std::vector<StepCounts> operands;
    ForEachChild(StripParens(expr),
                 [&](const Expr& child) { operands.push_back(VisitConstant(child, frame)); });
    StepCounts answer = OneSeries(frame->grid.count);
    if (StripParens(expr).kind == ExprKind::kUnary) return answer;
    Gather(operands, answer, before, frame);
    return answer;
  }

  StepCounts VisitSelector(const PlanNode& node, Frame* frame) {
    const bool smoothed = As<VectorSelector>(*node.expr).extension == Extension::kSmoothed;
    StepCounts answer = AnswerOf(node, *frame);
    if (smoothed) {
      SeeWindows(node, Windows::kShown, frame);
      return answer;
    }
    CountSamples(answer.second, answer.second, frame);
    frame->held += SumOf(answer.second);
    Peak(frame->held);
    return answer;
  }

  static void CountSamples(const std::vector<uint64_t>& total, const std::vector<uint64_t>& read,
                           Frame* frame) {
    for (size_t step = 0; step < frame->grid.count; ++step) {
      if (step < total.size()) frame->total[step] += total[step];
      if (step < read.size()) frame->read[step] += read[step];
    }
  }

  // Below a function the window of a series makes room for the next one's, and what the function
  // answers stays (of absent_over_time, a sample wherever there is one); else the windows stay.
  enum class Windows { kShown, kFunction, kPresence };
  void SeeWindows(const PlanNode& node, Windows kind, Frame* frame) {
    const NodeTally* const tally = book_.Find(node);
    if (tally == nullptr) return;
    for (const SeriesWindows& series : tally->series.series()) {
      const uint64_t answered = kind == Windows::kPresence ? series.occupied : series.answered;
      Peak(frame->held + std::max(series.most, series.last + answered));
      frame->held += answered + (kind == Windows::kShown ? series.last : 0);
    }
  }

  // The answer itself is a range vector.
  StepCounts VisitWindow(const PlanNode& node, Frame* frame) {
    const NodeTally* const tally = book_.Find(node);
    if (tally == nullptr) return {};
    const StepCounts shown = tally->selected.counts();  // with an extension
    const StepCounts windows = shown.first.empty() ? tally->windows.counts() : shown;
    CountSamples(windows.first, windows.first, frame);
    SeeWindows(node, Windows::kShown, frame);
    return {};
  }

  StepCounts VisitSubquery(const PlanNode& node, Frame* frame) {
    const StepGrid inner_grid = SubqueryGrid(node, frame->grid);
    if (inner_grid.count == 0) return {};
    Frame inner(inner_grid, frame->held);
    Visit(*node.children[0], &inner);
    frame->held = inner.held;
    frame->total.back() += SumOf(inner.total);
    MergeRead(inner, 0, 0, frame);
    return {};
  }

  // A subquery below a function, whose windows count anew. Returns the samples of its matrix.
  uint64_t VisitInner(const PlanNode& node, Frame* frame) {
    const StepGrid inner_grid = SubqueryGrid(node, frame->grid);
    if (inner_grid.count == 0) return 0;
    Frame inner(inner_grid, frame->held);
    const StepCounts matrix = Visit(*node.children[0], &inner);
    frame->held = inner.held;
    MergeRead(inner, node.offset_ms, node.range_ms, frame);
    uint64_t samples = 0;
    for (size_t step = 0; step < inner_grid.count; ++step) samples += matrix.Second(step);
    return samples;
  }

  // What an inner step reads is read by the first step that sees it, unless it lies between the
  // windows.
  static void MergeRead(const Frame& inner, int64_t offset_ms, int64_t range_ms, Frame* frame) {
    const StepGrid& grid = frame->grid;
    if (grid.count == 1) {
      frame->read[0] += SumOf(inner.read);
      return;
    }
    for (size_t k = 0; k < inner.grid.count; ++k) {
      const TimestampMs t_ms = inner.grid.At(k) + offset_ms;
      size_t step = 0;
      if (t_ms > grid.start_ms) {
        step = static_cast<size_t>((t_ms - grid.start_ms + grid.step_ms - 1) / grid.step_ms);
      }
      step = std::min(step, grid.count - 1);
      if (range_ms > 0 && t_ms <= grid.At(step) - range_ms) continue;
      frame->read[step] += inner.read[k];
    }
  }

  StepCounts VisitAggregate(const PlanNode& node, Frame* frame) {
    if (As<AggregateExpr>(*node.expr).op == AggregateOp::kCountValues) {
      return StepByStep(node, frame);
    }
    const uint64_t before = frame->held;
    for (size_t i = node.children.size(); i-- > 0;) Visit(*node.children[i], frame);
    StepCounts answer = AnswerOf(node, *frame);
    frame->held = before;
    for (size_t step = 0; step < frame->grid.count; ++step) frame->held += answer.Second(step);
    Peak(frame->held);
    return answer;
  }

  StepCounts VisitCall(const PlanNode& node, Frame* frame) {
    if (RangeArgument(node) >= 0) return VisitWindowCall(node, frame);
    switch (As<Call>(*node.expr).function->function) {
      case Function::kLabelReplace:
      case Function::kLabelJoin: Visit(*node.children[0], frame); return AnswerOf(node, *frame);
      case Function::kInfo: return VisitInfo(node, frame);
      case Function::kTimestamp:
      case Function::kStartTimestamp:
        if (node.children[0]->kind == PlanKind::kSelector) return VisitSampleTimes(node, frame);
        break;
      default: break;
    }
    return StepByStep(node, frame);
  }

  StepCounts VisitWindowCall(const PlanNode& node, Frame* frame) {
    const auto range_argument = static_cast<size_t>(RangeArgument(node));
    const PlanNode& range = *node.children[range_argument];
    const bool presence = As<Call>(*node.expr).function->function == Function::kAbsentOverTime;
    const uint64_t matrix = range.kind == PlanKind::kSubquery ? VisitInner(range, frame) : 0;
    for (size_t i = 0; i < node.children.size(); ++i) {
      if (i != range_argument) Visit(*node.children[i], frame);
    }
    if (const NodeTally* const tally = book_.Find(range); tally != nullptr) {
      const StepCounts windows = tally->windows.counts();
      CountSamples(windows.first, windows.second, frame);
    }
    SeeWindows(range, presence ? Windows::kPresence : Windows::kFunction, frame);
    frame->held -= matrix;
    return AnswerOf(node, *frame);
  }

  StepCounts VisitSampleTimes(const PlanNode& node, Frame* frame) {
    const NodeTally* const tally = book_.Find(node);
    if (tally == nullptr) return {};
    const StepCounts selected = tally->selected.counts();
    CountSamples(selected.first, selected.first, frame);
    StepCounts answer = AnswerOf(node, *frame);
    Gather({selected}, answer, frame->held, frame);
    return answer;
  }

  StepCounts VisitInfo(const PlanNode& node, Frame* frame) {
    const StepCounts base = Visit(*node.children[0], frame);
    const NodeTally* const tally = book_.Find(node);
    if (tally == nullptr) return {};
    const StepCounts infos = tally->selected.counts();
    CountSamples(infos.second, infos.second, frame);
    frame->held += SumOf(infos.second);
    Peak(frame->held);
    StepCounts answer = AnswerOf(node, *frame);
    Gather({base, infos}, answer, frame->held, frame);
    return answer;
  }

  // Evaluated at one step, then repeated: every step saw all of it, the first read it.
  StepCounts VisitOnce(const PlanNode& node, Frame* frame) {
    StepGrid one = frame->grid;
    one.count = 1;
    Frame inner(one, frame->held);
    StepCounts answer = Visit(*node.children[0], &inner);
    frame->held = inner.held + answer.Second(0) * (frame->grid.count - 1);
    Peak(frame->held);
    for (uint64_t& total : frame->total) total += inner.total[0];
    frame->read[0] += inner.read[0];
    answer.once = true;
    answer.first.resize(1);
    answer.second.resize(1);
    answer.third.resize(1);
    return answer;
  }

  const TallyBook& book_;
  uint64_t peak_ = 0;
};

}  // namespace

SampleStatistics CountAsPrometheus(const PlanNode& plan, const StepGrid& grid,
                                   const TallyBook& book) {
  return Counter(book).Run(plan, grid);
}

}  // namespace thermocline::promql
