// What the naive evaluator computes with: points, series, matrices.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/float_histogram.h"
#include "model/labels.h"
#include "model/sample.h"

namespace thermocline::promql::naive {

using HistogramPtr = std::shared_ptr<const FloatHistogram>;

// A float, or a histogram when `histogram` is set.
struct Point {
  TimestampMs t_ms = 0;
  double value = 0;
  HistogramPtr histogram;
  TimestampMs start_ms = 0;  // of stored samples; 0 for none

  bool stale() const { return IsStale(histogram != nullptr ? histogram->sum : value); }
};

// Points in time order; of two at one time the float comes first.
struct Series {
  Labels labels;
  bool drop_name = false;  // the name goes at the very end
  std::vector<Point> points;
};
using Matrix = std::vector<Series>;

// A series' point at one step.
struct Element {
  Labels labels;
  double value = 0;
  HistogramPtr histogram;
  bool drop_name = false;
  TimestampMs taken_ms = 0;  // when the sample was taken; the step for all but stored samples
  TimestampMs start_ms = 0;
};
using Vector = std::vector<Element>;

// The steps at which an expression is evaluated: start, start + step, ... up to end. `step_ms` is
// positive, also for one step alone.
struct Grid {
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  int64_t step_ms = 1;

  // As Prometheus tells an instant query.
  bool single() const { return start_ms == end_ms; }
  std::vector<TimestampMs> Times() const;
};

// Every value is a matrix over the grid; a scalar is one series without labels and with a point at
// every step. A range vector's points have their own times. `text`: of strings.
struct Value {
  Matrix matrix;
  std::string text;
};

// The elements of the series that have a point at `t_ms`, in order; of two the float.
Vector At(const Matrix& matrix, TimestampMs t_ms);

// Without __name__, __type__ and __unit__.
Labels WithoutName(const Labels& labels);
// OutOfRange "vector cannot contain metrics with the same labelset".
Status SameLabelsError();
bool HasSameLabels(const Matrix& matrix);
// Joins series of equal labels; SameLabelsError when two floats or two histograms share a time.
Result<Matrix> JoinSameLabels(const Matrix& matrix);

// Of a float and a histogram of one time leaves the one that is a float, or the other.
void KeepOneOfTwo(bool keep_float, Series* series);

// Puts the vectors of step after step together into series.
class StepCollector {
 public:
  // `refuse_same`: equal labels at the only step of `grid` are an error.
  StepCollector(const Grid& grid, bool refuse_same) : grid_(grid), refuse_same_(refuse_same) {}

  Status Add(TimestampMs t_ms, const Vector& elements);
  Matrix Take() { return std::move(matrix_); }

 private:
  const Grid grid_;
  const bool refuse_same_;
  Matrix matrix_;
  std::map<Labels, size_t> places_;
};

// Kahan's compensated sum in Neumaier's form.
class KahanSum {
 public:
  KahanSum() = default;
  explicit KahanSum(double first) : sum_(first) {}
  void Add(double value);
  void Multiply(double factor);
  KahanSum DividedBy(double divisor) const;
  double sum() const { return sum_; }
  double lost() const { return lost_; }
  // The sum alone where it is infinite.
  double value() const;

 private:
  double sum_ = 0;
  double lost_ = 0;
};

// As Prometheus' avg: a sum until it would overflow, then an incremental mean. Not empty.
double MeanOf(const std::vector<double>& values);
// Prometheus' quantile(): NaN sorts first.
double QuantileOf(double q, std::vector<double> values);

// Go's math.Max and math.Min: an infinity on the winning side beats NaN.
double GoMax(double a, double b);
double GoMin(double a, double b);

}  // namespace thermocline::promql::naive
