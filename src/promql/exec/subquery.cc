#include "promql/exec/subquery.h"

namespace thermocline::promql {

Status SubqueryOperator::Open() {
  const TimestampMs first_start_ms = Window(0).start_ms;
  const TimestampMs last_ms = Window(grid_.count - 1).end_ms;
  inner_grid_.step_ms = node_.step_ms;
  inner_grid_.start_ms = FloorTo(first_start_ms, node_.step_ms) + node_.step_ms;
  if (inner_grid_.start_ms > last_ms) return Status::Ok();
  inner_grid_.count =
      static_cast<size_t>((last_ms - inner_grid_.start_ms) / inner_grid_.step_ms) + 1;
  RETURN_IF_ERROR(context_.CheckSteps(inner_grid_.count));
  // What operators of the inner grid keep per step whatever the series: windows, scalars.
  constexpr uint64_t kBytesPerStep = 64;
  RETURN_IF_ERROR(context_.ChargeBytes(inner_grid_.count * kBytesPerStep));
  charged_bytes_ = inner_grid_.count * kBytesPerStep;
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context_, *node_.children[0], inner_grid_));
  RETURN_IF_ERROR(source->Open());
  ASSIGN_OR_RETURN(Matrix matrix, Materialize(context_, *source, inner_grid_.count));
  inner_.emplace(std::move(matrix));
  return Status::Ok();
}

Status SubqueryOperator::Read(size_t first, size_t count, SeriesBatch* out) const {
  out->Clear();
  for (size_t i = 0; i < count; ++i) {
    const Matrix::Row& row = inner_->rows()[first + i];
    for (size_t step = 0; step < inner_grid_.count; ++step) {
      if (row.kinds[step] != StepKind::kFloat) continue;
      out->timestamps_ms.push_back(inner_grid_.At(step));
      out->values.push_back(row.values[step]);
    }
    out->offsets.push_back(static_cast<uint32_t>(out->values.size()));
  }
  return Status::Ok();
}

}  // namespace thermocline::promql
