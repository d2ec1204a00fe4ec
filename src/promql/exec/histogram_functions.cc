#include "promql/exec/histogram_functions.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>
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

// What is answered for: a native series, or a classic histogram.
struct Subject {
  const Labels* labels = nullptr;
  const Matrix::Row* native = nullptr;
  const BucketGroup* classic = nullptr;
  std::vector<uint8_t> dropped;  // by step, where the other kind has the same labels; may be empty
};

// A number as a label value: OpenMetrics' canonical form.
std::string NumberLabel(double value) {
  std::string text = FormatShortest(value == 0 ? 0 : value);  // no -0
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
    std::vector<Subject> subjects = SubjectsOf(input, groups);
    for (const Subject& subject : subjects) {
      RETURN_IF_ERROR(context_.Check());
      if (function_ == Function::kHistogramQuantiles) {
        for (size_t q = 0; q < scalars_.size(); ++q) RETURN_IF_ERROR(EmitLabelled(subject, q));
      } else {
        RETURN_IF_ERROR(Emit(subject));
      }
    }
    // A quantile may be asked for twice, and kinds of histograms of one name follow one another.
    if (context_.delayed_names() && !grid_.alone) {
      RETURN_IF_ERROR(JoinEqualRows(result_, JoinRule::kPerStep));
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
      if (!Has(row, StepKind::kFloat)) continue;
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

  bool Has(const Matrix::Row& row, StepKind kind) const {
    return std::find(row.kinds, row.kinds + grid_.count, kind) != row.kinds + grid_.count;
  }

  // Native series first. Where a native series and a classic histogram of the same labels meet,
  // neither counts.
  std::vector<Subject> SubjectsOf(const Matrix& input, const std::vector<BucketGroup>& groups) {
    std::vector<Subject> natives;
    std::vector<Subject> classics;
    std::unordered_map<std::string_view, size_t> places;
    for (const BucketGroup& group : groups) {
      places.emplace(group.labels.packed(), classics.size());
      classics.push_back({&group.labels, nullptr, &group, {}});
    }
    for (const Matrix::Row& row : input.rows()) {
      if (!Has(row, StepKind::kHistogram)) continue;
      natives.push_back({&row.labels, &row, nullptr, {}});
      const auto found = places.find(row.labels.packed());
      if (found != places.end()) DropMeetings(&natives.back(), &classics[found->second]);
    }
    for (Subject& classic : classics) natives.push_back(std::move(classic));
    return natives;
  }

  void DropMeetings(Subject* native, Subject* classic) const {
    for (size_t step = 0; step < grid_.count; ++step) {
      const auto& buckets = classic->classic->buckets;
      if (native->native->kinds[step] != StepKind::kHistogram ||
          std::none_of(buckets.begin(), buckets.end(), [step](const auto& bucket) {
            return bucket.second->kinds[step] == StepKind::kFloat;
          })) {
        continue;
      }
      context_.annotations().Warn(
          "vector contains a mix of classic and native histograms" + NameTail(*native->labels),
          ArgumentPlace(call_, vector_arg()));
      for (Subject* subject : {native, classic}) {
        subject->dropped.resize(grid_.count, 0);
        subject->dropped[step] = 1;
      }
    }
  }

  Status Emit(const Subject& subject) {
    ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(*subject.labels, false));
    for (size_t step = 0; step < grid_.count; ++step) {
      if (const auto value = ValueAt(subject, 0, step)) row->SetFloat(step, *value);
    }
    return Status::Ok();
  }

  // histogram_quantiles: the quantile is a label, and may change from step to step.
  Status EmitLabelled(const Subject& subject, size_t q) {
    const std::string& name = As<StringLiteral>(*call_.children[1]->expr).value;
    std::unordered_map<std::string, size_t> rows;
    for (size_t step = 0; step < grid_.count; ++step) {
      const auto value = ValueAt(subject, q, step);
      if (!value) continue;
      const std::string label = NumberLabel(scalars_[q][step]);
      const auto [found, added] = rows.try_emplace(label, result_.rows().size());
      if (added) {
        Labels labels = LabelsBuilder(*subject.labels).Set(name, label).Build();
        RETURN_IF_ERROR(result_.AddRow(std::move(labels), false).status());
      }
      result_.rows()[found->second].SetFloat(step, *value);
    }
    return Status::Ok();
  }

  // nullopt: the subject has no sample, or one that does not count.
  std::optional<double> ValueAt(const Subject& subject, size_t q, size_t step) {
    if (!subject.dropped.empty() && subject.dropped[step] != 0) return std::nullopt;
    if (subject.native != nullptr) {
      const FloatHistogram* const histogram = subject.native->histogram(step);
      if (histogram == nullptr) return std::nullopt;
      return NativeValue(subject, *histogram, q, step);
    }
    buckets_.clear();
    for (const auto& [bound, row] : subject.classic->buckets) {
      if (row->kinds[step] == StepKind::kFloat) buckets_.push_back({bound, row->values[step]});
    }
    if (buckets_.empty()) return std::nullopt;
    if (function_ == Function::kHistogramFraction) {
      return BucketFraction(scalars_[0][step], scalars_[1][step], &buckets_);
    }
    return ClassicQuantile(subject, q, step);
  }

  double ClassicQuantile(const Subject& subject, size_t q, size_t step) {
    BucketRepair repair;
    const double value = BucketQuantile(scalars_[q][step], &buckets_, &repair);
    if (repair.forced) {
      context_.annotations().ForcedMonotonicity(
          context_.delayed_names() ? subject.labels->metric_name() : std::string_view(),
          repair.min_bucket, repair.max_bucket, repair.max_diff, grid_.At(step),
          ArgumentPlace(call_, vector_arg()));
    }
    return value;
  }

  double NativeValue(const Subject& subject, const FloatHistogram& histogram, size_t q,
                     size_t step) const {
    const bool fraction = function_ == Function::kHistogramFraction;
    const HistogramEstimate estimate =
        fraction ? HistogramFraction(scalars_[0][step], scalars_[1][step], histogram)
                 : HistogramQuantile(scalars_[q][step], histogram);
    if (estimate.has_nan_observations) {
      const char* const text =
          fraction ? "input to histogram_fraction has NaN observations, which are excluded from "
                     "all fractions"
          : estimate.skewed_by_nan
              ? "input to histogram_quantile has NaN observations, result is skewed higher"
              : "input to histogram_quantile has NaN observations, result is NaN";
      context_.annotations().Info(std::string(text) + NameTail(*subject.labels),
                                  ArgumentPlace(call_, 0));
    }
    return estimate.value;
  }

  const PlanNode& call_;
  Function function_;
  VectorPtr source_;
  std::vector<std::vector<double>> scalars_;
  std::vector<size_t> scalar_args_;
  std::vector<Bucket> buckets_;  // of the step at hand
};

}  // namespace

bool IsHistogramFunction(Function function) {
  return function == Function::kHistogramQuantile || function == Function::kHistogramQuantiles ||
         function == Function::kHistogramFraction;
}

Result<VectorPtr> BuildHistogramFunction(QueryContext& context, const PlanNode& call,
                                         const StepGrid& grid) {
  size_t vector_arg = 0;
  while (call.children[vector_arg]->type != ValueType::kVector) ++vector_arg;
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *call.children[vector_arg], grid));
  return DropNames(context,
                   std::make_unique<HistogramOperator>(context, call, grid, std::move(source)),
                   grid, JoinRule::kPerStep);
}

}  // namespace thermocline::promql
