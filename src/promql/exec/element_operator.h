// Base of operators that transform each series by itself, value by value, in place.
#pragma once

#include <utility>

#include "promql/exec/operator.h"

namespace thermocline::promql {

// Runs Transform over each row; it may replace values and take them away.
class ElementOperator : public VectorOperator {
 public:
  ElementOperator(QueryContext& context, const StepGrid& grid, VectorPtr source)
      : context_(context), grid_(grid), source_(std::move(source)) {}
  Status Open() override { return source_->Open(); }
  size_t series_count() const override { return source_->series_count(); }
  Labels labels(size_t series) const override { return source_->labels(series); }
  bool drops_name(size_t series) const override { return source_->drops_name(series); }
  Status Read(size_t first, size_t count, StepBlock* out) const override {
    RETURN_IF_ERROR(source_->Read(first, count, out));
    for (size_t row = 0; row < count; ++row) Transform(out->values(row), out->kinds(row));
    if (out->has_histograms()) {
      for (size_t row = 0; row < count; ++row) TransformHistograms(row, out);
      if (!answers_histograms()) out->DropHistograms();
    }
    return Status::Ok();
  }

 protected:
  // Floats: other kinds are to be left as they are.
  virtual void Transform(double* values, StepKind* kinds) const = 0;
  // Histograms of a row; what is left as one is dropped unless answers_histograms().
  virtual void TransformHistograms(size_t row, StepBlock* block) const { (void)row, (void)block; }
  virtual bool answers_histograms() const { return false; }
  QueryContext& context_;
  StepGrid grid_;
  VectorPtr source_;
};

}  // namespace thermocline::promql
