#include "promql/exec/fold.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "promql/exec/accumulators.h"
#include "promql/exec/matrix.h"

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

template <typename Accumulator>
class FoldOperator : public MatrixOperator {
 public:
  FoldOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid, VectorPtr source)
      : MatrixOperator(context, grid),
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
        [this](MorselRange, size_t slot) {
          const Status merged = MergePartial(slots_[slot]);
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
  // The groups that a morsel met, in the order it met them.
  struct Partial {
    StepBlock block;
    std::vector<uint32_t> groups;
    std::vector<Accumulator> accumulators;  // groups x steps
    uint64_t charged_bytes = 0;
  };

  Status FoldMorsel(MorselRange morsel, Partial& partial) const {
    RETURN_IF_ERROR(source_->Read(morsel.first, morsel.count, &partial.block));
    const size_t steps = grid_.count;
    partial.groups.clear();
    partial.accumulators.clear();
    std::unordered_map<uint32_t, size_t> local;
    for (size_t row = 0; row < morsel.count; ++row) {
      const uint32_t group = table_.group_of(morsel.first + row);
      const auto [found, added] = local.try_emplace(group, partial.groups.size());
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
    const uint64_t bytes = partial.accumulators.size() * sizeof(Accumulator);
    RETURN_IF_ERROR(context_.ChargeBytes(bytes));
    partial.charged_bytes = bytes;
    return Status::Ok();
  }

  Status MergePartial(const Partial& partial) {
    const size_t steps = grid_.count;
    for (size_t i = 0; i < partial.groups.size(); ++i) {
      std::vector<Accumulator>& total = totals_[partial.groups[i]];
      const Accumulator* const added = partial.accumulators.data() + i * steps;
      if (total.empty()) {
        total.assign(added, added + steps);
        continue;
      }
      for (size_t step = 0; step < steps; ++step) total[step].Merge(added[step]);
    }
    return Status::Ok();
  }

  Status Emit() {
    for (size_t group = 0; group < totals_.size(); ++group) {
      const std::vector<Accumulator>& total = totals_[group];
      if (std::none_of(total.begin(), total.end(), [](const auto& a) { return a.any; })) continue;
      ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(table_.groups()[group].labels,
                                                         table_.groups()[group].drops_name));
      for (size_t step = 0; step < grid_.count; ++step) {
        if (!total[step].any) continue;
        row->kinds[step] = StepKind::kFloat;
        row->values[step] = total[step].Value();
      }
      totals_[group] = {};
    }
    return result_.HoldSamples();
  }

  Grouping grouping_;
  VectorPtr source_;
  GroupTable table_;
  std::vector<std::vector<Accumulator>> totals_;
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
