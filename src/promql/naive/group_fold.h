// One group of an aggregation at one step, in the naive evaluator (promql-semantics 3.1).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "promql/ast.h"
#include "promql/naive/window.h"

namespace thermocline::promql::naive {

// Takes the samples in operand order. sum, avg, count, group, min, max, stddev, stdvar, quantile.
class GroupFold {
 public:
  // `param`: of quantile.
  GroupFold(AggregateOp op, double param) : op_(op), param_(param) {}

  // False: the sample does not count for whether the group's name goes.
  bool Add(double value, const HistogramPtr& histogram, const Labels& labels);
  // nullopt: the group has no sample at the step.
  std::optional<Answer> Finish();

  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::vector<std::string>& infos() const { return infos_; }

 private:
  bool TakesHistograms() const;
  void AddHistogram(const FloatHistogram& histogram, const Labels& labels);
  std::optional<Answer> FinishSum();
  double OfFloats() const;

  const AggregateOp op_;
  const double param_;
  std::vector<std::string> warnings_;
  std::vector<std::string> infos_;
  double count_ = 0;  // samples that count
  std::vector<double> floats_;
  // sum and avg
  bool has_histogram_ = false;
  bool clashed_ = false;  // exponential met custom buckets: nothing after it is looked at
  bool reset_seen_ = false;
  bool not_reset_seen_ = false;
  std::optional<FloatHistogram> sum_;  // histograms are added only if none but they came first
  FloatHistogram lost_;
  bool compensated_ = false;
  std::optional<HistogramMean> mean_;
};

}  // namespace thermocline::promql::naive
