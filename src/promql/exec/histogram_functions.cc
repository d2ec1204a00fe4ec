#include "promql/exec/histogram_functions.h"

#include <fmt/core.h>

#include <cmath>
#include <unordered_map>

#include "promql/exec/names.h"
#include "promql/exec/window_function.h"
#include "promql/functions/buckets.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

// Series that are the buckets of one classic histogram.
struct BucketGroup {
  Labels labels;  // without `le`
  std::vector<std::pair<double, const Matrix::Row*>> buckets;
};

// A number as a label value: OpenMetrics' canonical form.
std::string NumberLabel(double value) {
  std::string text = FormatShortest(value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

class HistogramOperator : public MatrixOperator {
 public:
  HistogramOperator(QueryContext& context, const PlanNode& call, const StepGrid& grid,
                    VectorPtr source)
      : MatrixOperator(context, grid),
        call_(call),
        function_(As<Call>(*call.expr).function->function),
        source_(std::move(source)) {}

  Status Open() override {
    RETURN_IF_ERROR(EvaluateArguments());
    RETURN_IF_ERROR(source_->Open());
    ASSIGN_OR_RETURN(const Matrix input, Materialize(context_, *source_, grid_.count));
    source_.reset();
    if (function_ != Function::kHistogramFraction) WarnQuantiles();
    const std::vector<BucketGroup> groups = Group(input);
    for (const BucketGroup& group : groups) {
      RETURN_IF_ERROR(context_.Check());
      if (function_ == Function::kHistogramFraction) {
        RETURN_IF_ERROR(EmitFraction(group));
      } else {
        for (size_t q = 0; q < scalars_.size(); ++q) RETURN_IF_ERROR(EmitQuantile(group, q));
      }
    }
    return result_.HoldSamples();
  }

 private:
  size_t vector_arg() const {
    switch (function_) {
      case Function::kHistogramQuantile: return 1;
      case Function::kHistogramFraction: return 2;
      default: return 0;
    }
  }

  Status EvaluateArguments() {
    for (size_t i = 0; i < call_.children.size(); ++i) {
      if (call_.children[i]->type != ValueType::kScalar) continue;
      ASSIGN_OR_RETURN(auto values, EvaluateScalar(context_, *call_.children[i], grid_));
      scalars_.push_back(std::move(values));
      scalar_args_.push_back(i);
    }
    return Status::Ok();
  }

  void WarnQuantiles() {
    for (size_t i = 0; i < scalars_.size(); ++i) {
      for (const double q : scalars_[i]) {
        if (q >= 0 && q <= 1) continue;
        context_.annotations().Warn(
            fmt::format("quantile value should be between 0 and 1, got {}", FormatShortest(q)),
            ArgumentPlace(call_, scalar_args_[i]));
      }
    }
  }

  // " for metric name ..." as far as the texts about buckets know it.
  std::string NameTail(LabelsView labels) const {
    if (!context_.delayed_names() || labels.metric_name().empty()) return "";
    return " for metric name " + GoQuote(labels.metric_name());
  }

  std::vector<BucketGroup> Group(const Matrix& input) const {
    std::vector<BucketGroup> groups;
    std::unordered_map<std::string, size_t> ids;
    for (const Matrix::Row& row : input.rows()) {
      const std::string_view text = row.labels.Get(kBucketLabel);
      const std::optional<double> bound = ParseBound(text);
      if (!bound) {
        context_.annotations().Warn("bucket label \"le\" is missing or has a malformed value of " +
                                        GoQuote(text) + NameTail(row.labels),
                                    ArgumentPlace(call_, vector_arg()));
        continue;
      }
      Labels labels = LabelsBuilder(row.labels).Remove(kBucketLabel).Build();
      const auto [found, added] = ids.try_emplace(labels.packed(), groups.size());
      if (added) groups.push_back({std::move(labels), {}});
      groups[found->second].buckets.emplace_back(*bound, &row);
    }
    return groups;
  }

  static void Collect(const BucketGroup& group, size_t step, std::vector<Bucket>* buckets) {
    buckets->clear();
    for (const auto& [bound, row] : group.buckets) {
      if (row->kinds[step] == StepKind::kFloat) buckets->push_back({bound, row->values[step]});
    }
  }

  Status EmitQuantile(const BucketGroup& group, size_t q) {
    Labels labels = group.labels;
    if (function_ == Function::kHistogramQuantiles) return EmitLabelledQuantile(group, q);
    ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(std::move(labels), false));
    std::vector<Bucket> buckets;
    for (size_t step = 0; step < grid_.count; ++step) {
      Collect(group, step, &buckets);
      if (buckets.empty()) continue;
      row->kinds[step] = StepKind::kFloat;
      row->values[step] = QuantileAt(group, q, step, &buckets);
    }
    return Status::Ok();
  }

  // histogram_quantiles: the quantile is a label, and may change from step to step.
  Status EmitLabelledQuantile(const BucketGroup& group, size_t q) {
    const std::string& name = As<StringLiteral>(*call_.children[1]->expr).value;
    std::unordered_map<std::string, size_t> rows;
    std::vector<Bucket> buckets;
    for (size_t step = 0; step < grid_.count; ++step) {
      Collect(group, step, &buckets);
      if (buckets.empty()) continue;
      const std::string value = NumberLabel(scalars_[q][step]);
      const auto [found, added] = rows.try_emplace(value, result_.rows().size());
      if (added) {
        Labels labels = LabelsBuilder(group.labels).Set(name, value).Build();
        ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(std::move(labels), false));
        (void)row;
      }
      Matrix::Row& row = result_.rows()[found->second];
      row.kinds[step] = StepKind::kFloat;
      row.values[step] = QuantileAt(group, q, step, &buckets);
    }
    return Status::Ok();
  }

  double QuantileAt(const BucketGroup& group, size_t q, size_t step,
                    std::vector<Bucket>* buckets) const {
    BucketRepair repair;
    const double value = BucketQuantile(scalars_[q][step], buckets, &repair);
    if (repair.forced) {
      context_.annotations().ForcedMonotonicity(
          context_.delayed_names() ? group.labels.metric_name() : std::string_view(),
          repair.min_bucket, repair.max_bucket, repair.max_diff, grid_.At(step),
          ArgumentPlace(call_, vector_arg()));
    }
    return value;
  }

  Status EmitFraction(const BucketGroup& group) {
    ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(group.labels, false));
    std::vector<Bucket> buckets;
    for (size_t step = 0; step < grid_.count; ++step) {
      Collect(group, step, &buckets);
      if (buckets.empty()) continue;
      row->kinds[step] = StepKind::kFloat;
      row->values[step] = BucketFraction(scalars_[0][step], scalars_[1][step], &buckets);
    }
    return Status::Ok();
  }

  const PlanNode& call_;
  Function function_;
  VectorPtr source_;
  std::vector<std::vector<double>> scalars_;
  std::vector<size_t> scalar_args_;
};

// Functions that float samples without a start timestamp do not answer.
class SkipFloatsOperator : public MatrixOperator {
 public:
  SkipFloatsOperator(QueryContext& context, const StepGrid& grid, VectorPtr source)
      : MatrixOperator(context, grid), source_(std::move(source)) {}
  Status Open() override { return source_->Open(); }

 private:
  VectorPtr source_;
};

bool SkipsFloats(Function function) {
  switch (function) {
    case Function::kStartTimestamp:
    case Function::kHistogramCount:
    case Function::kHistogramSum:
    case Function::kHistogramAvg:
    case Function::kHistogramStddev:
    case Function::kHistogramStdvar: return true;
    default: return false;
  }
}

}  // namespace

bool IsHistogramFunction(Function function) {
  return SkipsFloats(function) || function == Function::kHistogramQuantile ||
         function == Function::kHistogramQuantiles || function == Function::kHistogramFraction;
}

Result<VectorPtr> BuildHistogramFunction(QueryContext& context, const PlanNode& call,
                                         const StepGrid& grid) {
  size_t vector_arg = 0;
  while (call.children[vector_arg]->type != ValueType::kVector) ++vector_arg;
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *call.children[vector_arg], grid));
  if (SkipsFloats(As<Call>(*call.expr).function->function)) {
    return VectorPtr(std::make_unique<SkipFloatsOperator>(context, grid, std::move(source)));
  }
  return DropNames(context,
                   std::make_unique<HistogramOperator>(context, call, grid, std::move(source)),
                   grid, JoinRule::kPerStep);
}

}  // namespace thermocline::promql
