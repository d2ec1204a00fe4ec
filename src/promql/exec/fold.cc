#include "promql/exec/fold.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "promql/exec/accumulators.h"
#include "promql/exec/histogram_cell.h"
#include "promql/exec/matrix.h"
#include "promql/functions/mixed_window.h"

namespace thermocline::promql {
namespace {

// Groups are numbered in the order of their first series.
class GroupTable {
 public:
  // The group of every series of `source`.
  Status Assign(QueryContext& context, const Grouping& grouping, const VectorOperator& source) {
    const size_t count = source.series_count();
    group_of_.assign(count, 0);
    if (grouping.single()) {
      if (count > 0) groups_.push_back({Labels(), false});
      for (size_t i = 0; i < count && !groups_[0].drops_name; ++i) {
        groups_[0].drops_name = source.drops_name(i);
      }
      return Status::Ok();
    }
    std::unordered_map<std::string, uint32_t> ids;
    std::string key;
    for (size_t i = 0; i < count; ++i) {
      if (i % 4096 == 0) RETURN_IF_ERROR(context.Check());
      const Labels labels = source.labels(i);
      grouping.Key(labels, &key);
      const auto [found, added] = ids.try_emplace(key, static_cast<uint32_t>(groups_.size()));
      if (added) groups_.push_back({Labels(LabelsView(key)), false});
      group_of_[i] = found->second;
      if (source.drops_name(i)) groups_[found->second].drops_name = true;
    }
    return Status::Ok();
  }
  struct Group {
    Labels labels;
    bool drops_name;
  };
  const std::vector<Group>& groups() const { return groups_; }
  uint32_t group_of(size_t series) const { return group_of_[series]; }

 private:
  std::vector<Group> groups_;
  std::vector<uint32_t> group_of_;
};

// Series that tell whether a morsel holds histograms.
constexpr size_t kProbedSeries = 8;
// Histograms that a fold holds at once.
constexpr size_t kRunHistograms = size_t{1} << 14;

// Floats are folded morsel by morsel in parallel. What happens to histograms depends on all samples
// before them, so that morsels with histograms are folded sample by sample when it is their turn.
template <typename Accumulator>
class FoldOperator : public MatrixOperator {
 public:
  FoldOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid, VectorPtr source)
      : MatrixOperator(context, grid),
        node_(node),
        grouping_(As<AggregateExpr>(*node.expr)),
        source_(std::move(source)) {}

  Status Open() override {
    RETURN_IF_ERROR(source_->Open());
    RETURN_IF_ERROR(table_.Assign(context_, grouping_, *source_));
    totals_.resize(table_.groups().size());
    slots_.resize(MorselWindow(context_));
    const uint64_t bytes = totals_.size() * grid_.count * sizeof(Accumulator);
    RETURN_IF_ERROR(context_.ChargeBytes(bytes));
    const Status folded = ForEachMorsel(
        context_, source_->series_count(), grid_.count,
        [this](MorselRange morsel, size_t slot) { return FoldMorsel(morsel, slots_[slot]); },
        [this](MorselRange morsel, size_t slot) {
          const Status merged =
              slots_[slot].has_histograms ? FoldInTurn(morsel) : MergePartial(slots_[slot]);
          context_.ReleaseBytes(std::exchange(slots_[slot].charged_bytes, 0));
          return merged;
        });
    for (Partial& partial : slots_) context_.ReleaseBytes(partial.charged_bytes);
    const Status emitted = folded.ok() ? Emit() : folded;
    context_.ReleaseBytes(bytes);
    totals_.clear();
    slots_.clear();
    source_.reset();
    return emitted;
  }

 private:
  using Total = std::conditional_t<Accumulator::kHistograms == HistogramUse::kAveraged,
                                   HistogramMean, HistogramTotal>;
  static constexpr bool kAdds = Accumulator::kHistograms == HistogramUse::kSummed ||
                                Accumulator::kHistograms == HistogramUse::kAveraged;

  // The groups that a morsel met, in the order it met them.
  struct Partial {
    StepBlock block;
    std::vector<uint32_t> groups;
    std::vector<Accumulator> accumulators;  // groups x steps
    uint64_t charged_bytes = 0;
    bool has_histograms = false;  // nothing is folded yet
  };

  Status FoldMorsel(MorselRange morsel, Partial& partial) const {
    partial.groups.clear();
    partial.accumulators.clear();
    std::unordered_map<uint32_t, size_t> local;
    const size_t probed = std::min(kProbedSeries, morsel.count);
    for (const MorselRange& run :
         {MorselRange{morsel.first, probed}, {morsel.first + probed, morsel.count - probed}}) {
      if (run.count == 0) continue;
      RETURN_IF_ERROR(source_->Read(run.first, run.count, &partial.block));
      partial.has_histograms = partial.block.has_histograms();
      if (partial.has_histograms) return Status::Ok();
      FoldBlock(run, &local, partial);
    }
    const uint64_t bytes = partial.accumulators.size() * sizeof(Accumulator);
    RETURN_IF_ERROR(context_.ChargeBytes(bytes));
    partial.charged_bytes = bytes;
    return Status::Ok();
  }

  void FoldBlock(MorselRange run, std::unordered_map<uint32_t, size_t>* local,
                 Partial& partial) const {
    const size_t steps = grid_.count;
    for (size_t row = 0; row < run.count; ++row) {
      const uint32_t group = table_.group_of(run.first + row);
      const auto [found, added] = local->try_emplace(group, partial.groups.size());
      if (added) {
        partial.groups.push_back(group);
        partial.accumulators.resize(partial.groups.size() * steps);
      }
      Accumulator* const accumulators = partial.accumulators.data() + found->second * steps;
      const double* const values = partial.block.values(row);
      const StepKind* const kinds = partial.block.kinds(row);
      for (size_t step = 0; step < steps; ++step) {
        if (kinds[step] == StepKind::kFloat) accumulators[step].Add(values[step]);
      }
    }
  }

  // Runs are read in parallel and folded in order.
  Status FoldInTurn(MorselRange morsel) {
    const size_t rows = std::clamp<size_t>(kRunHistograms / grid_.count, 1, morsel.count);
    const size_t wave = MorselWindow(context_);
    std::vector<StepBlock> blocks(wave);
    const size_t end = morsel.first + morsel.count;
    for (size_t first = morsel.first; first < end; first += rows * wave) {
      RETURN_IF_ERROR(context_.Check());
      const size_t runs = std::min(wave, (end - first + rows - 1) / rows);
      const auto run_at = [&](size_t i) {
        const size_t begin = first + i * rows;
        return MorselRange{begin, std::min(rows, end - begin)};
      };
      RETURN_IF_ERROR(ParallelFor(context_.executor(), runs, [&](size_t i) {
        return source_->Read(run_at(i).first, run_at(i).count, &blocks[i]);
      }));
      for (size_t i = 0; i < runs; ++i) {
        for (size_t row = 0; row < run_at(i).count; ++row) {
          FoldRow(run_at(i).first + row, blocks[i], row);
        }
        blocks[i].Reset(0, 0);
      }
    }
    return Status::Ok();
  }

  void FoldRow(size_t series, const StepBlock& block, size_t row) {
    const uint32_t group = table_.group_of(series);
    std::vector<Accumulator>& total = totals_[group];
    if (total.empty()) total.resize(grid_.count);
    if (kAdds && cells_.empty()) cells_.resize(totals_.size());
    const StepKind* const kinds = block.kinds(row);
    for (size_t step = 0; step < grid_.count; ++step) {
      if (kinds[step] == StepKind::kFloat) {
        if (!Clashed(group, step)) total[step].Add(block.values(row)[step]);
      } else if (kinds[step] == StepKind::kHistogram) {
        FoldHistogram(series, step, *block.histograms(row)[step]);
      }
    }
  }

  bool Clashed(uint32_t group, size_t step) const {
    return !cells_.empty() && !cells_[group].empty() && cells_[group][step].clashed();
  }

  void FoldHistogram(size_t series, size_t step, const FloatHistogram& histogram) {
    const uint32_t group = table_.group_of(series);
    Accumulator& accumulator = totals_[group][step];
    if constexpr (kAdds) {
      std::vector<HistogramCell<Total>>& cells = cells_[group];
      if (cells.empty()) cells.resize(grid_.count);
      if (cells[step].clashed()) return;
      switch (cells[step].Add(histogram, accumulator.any)) {
        case HistogramCell<Total>::Added::kFine: return;
        case HistogramCell<Total>::Added::kReconciled:
          context_.annotations().Info(MismatchedBoundsText("aggregation"), OperandPlace());
          return;
        case HistogramCell<Total>::Added::kClashed:
          context_.annotations().Warn(MixedBucketsText(source_->labels(series).metric_name()),
                                      OperandPlace());
          return;
      }
    } else if constexpr (Accumulator::kHistograms == HistogramUse::kCounted) {
      accumulator.Add(0);
    } else {
      const auto op = As<AggregateExpr>(*node_.expr).op;
      context_.annotations().Info(IgnoredHistogramText(op), OperandPlace());
    }
  }

  NotePlace OperandPlace() const { return {node_.children[0]->position, node_.order}; }

  Status MergePartial(const Partial& partial) {
    const size_t steps = grid_.count;
    for (size_t i = 0; i < partial.groups.size(); ++i) {
      std::vector<Accumulator>& total = totals_[partial.groups[i]];
      const Accumulator* const added = partial.accumulators.data() + i * steps;
      if (total.empty()) {
        total.assign(added, added + steps);
        continue;
      }
      for (size_t step = 0; step < steps; ++step) {
        if (!Clashed(partial.groups[i], step)) total[step].Merge(added[step]);
      }
    }
    return Status::Ok();
  }

  Status Emit() {
    for (uint32_t group = 0; group < totals_.size(); ++group) {
      const std::vector<Accumulator>& total = totals_[group];
      const bool has_cells = !cells_.empty() && !cells_[group].empty();
      if (!has_cells &&
          std::none_of(total.begin(), total.end(), [](const auto& a) { return a.any; })) {
        continue;
      }
      ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(table_.groups()[group].labels,
                                                         table_.groups()[group].drops_name));
      for (size_t step = 0; step < grid_.count; ++step) {
        if (has_cells && cells_[group][step].has_histogram()) {
          EmitHistogram(&cells_[group][step], total[step].any, step, row);
        } else if (total[step].any) {
          row->SetFloat(step, total[step].Value());
        }
      }
      totals_[group] = {};
      if (has_cells) cells_[group].clear();
    }
    if (!cells_.empty()) result_.RemoveEmptyRows();
    return result_.HoldSamples();
  }

  void EmitHistogram(HistogramCell<Total>* cell, bool any_float, size_t step, Matrix::Row* row) {
    if (any_float) {
      context_.annotations().Warn("encountered a mix of histograms and floats for aggregation",
                                  OperandPlace());
      return;
    }
    if (cell->clashed()) return;
    if (cell->resets_collided()) {
      context_.annotations().Warn(ResetCollisionText("aggregation"), OperandPlace());
    }
    row->SetHistogram(step, cell->Take());
  }

  const PlanNode& node_;
  Grouping grouping_;
  VectorPtr source_;
  GroupTable table_;
  std::vector<std::vector<Accumulator>> totals_;
  std::vector<std::vector<HistogramCell<Total>>> cells_;  // by group, step; empty: no histograms
  std::vector<Partial> slots_;
};

template <typename Accumulator>
VectorPtr MakeFold(QueryContext& context, const PlanNode& node, const StepGrid& grid,
                   VectorPtr source) {
  return std::make_unique<FoldOperator<Accumulator>>(context, node, grid, std::move(source));
}

}  // namespace

Grouping::Grouping(const AggregateExpr& aggregate)
    : without_(aggregate.without), names_(aggregate.grouping) {
  if (without_) names_.emplace_back(kMetricNameLabel);
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

void Grouping::Key(LabelsView labels, std::string* packed) const {
  packed->clear();
  auto name = names_.begin();
  for (const LabelPair& pair : labels) {
    while (name != names_.end() && *name < pair.name) ++name;
    const bool listed = name != names_.end() && *name == pair.name;
    if (listed != without_) AppendPackedLabel(packed, pair.name, pair.value);
  }
}

std::string IgnoredHistogramText(AggregateOp op) {
  return "ignored histogram in " + std::string(AggregateOpText(op)) + " aggregation";
}

bool IsFold(AggregateOp op) { return !HasParameter(op); }

Result<VectorPtr> BuildFold(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *node.children[0], grid));
  switch (As<AggregateExpr>(*node.expr).op) {
    case AggregateOp::kSum: return MakeFold<SumAccumulator>(context, node, grid, std::move(source));
    case AggregateOp::kAvg:
      return MakeFold<AverageAccumulator>(context, node, grid, std::move(source));
    case AggregateOp::kCount:
      return MakeFold<CountAccumulator>(context, node, grid, std::move(source));
    case AggregateOp::kGroup:
      return MakeFold<GroupAccumulator>(context, node, grid, std::move(source));
    case AggregateOp::kMin:
      return MakeFold<ExtremeAccumulator<true>>(context, node, grid, std::move(source));
    case AggregateOp::kMax:
      return MakeFold<ExtremeAccumulator<false>>(context, node, grid, std::move(source));
    case AggregateOp::kStddev:
      return MakeFold<VarianceAccumulator<true>>(context, node, grid, std::move(source));
    case AggregateOp::kStdvar:
      return MakeFold<VarianceAccumulator<false>>(context, node, grid, std::move(source));
    default: return Status::Internal("not a folding aggregation");
  }
}

}  // namespace thermocline::promql
