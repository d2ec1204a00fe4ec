#include "promql/exec/matrix.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace thermocline::promql {
namespace {

bool HasValue(const StepKind* kinds, size_t steps) {
  return std::any_of(kinds, kinds + steps, [](StepKind kind) { return kind != StepKind::kAbsent; });
}

}  // namespace

Matrix& Matrix::operator=(Matrix&& other) noexcept {
  if (this == &other) return *this;
  Release();
  context_ = other.context_;
  steps_ = other.steps_;
  rows_ = std::move(other.rows_);
  blocks_ = std::move(other.blocks_);
  free_rows_ = std::exchange(other.free_rows_, 0);
  charged_bytes_ = std::exchange(other.charged_bytes_, 0);
  held_samples_ = std::exchange(other.held_samples_, 0);
  histogram_bytes_ = std::exchange(other.histogram_bytes_, 0);
  return *this;
}

void Matrix::Release() {
  if (context_ == nullptr) return;
  context_->ReleaseBytes(std::exchange(charged_bytes_, 0) + std::exchange(histogram_bytes_, 0));
  context_->ReleaseSamples(std::exchange(held_samples_, 0));
}

Status Matrix::Charge(uint64_t bytes) {
  RETURN_IF_ERROR(context_->ChargeBytes(bytes));
  charged_bytes_ += bytes;
  return Status::Ok();
}

Result<Matrix::Row*> Matrix::AddRow(Labels labels, bool drops_name) {
  if (free_rows_ == 0) {
    // Few rows at first, so that a small answer of many steps stays small.
    const size_t rows = std::clamp<size_t>(rows_.size(), 1, MorselSeries(steps_));
    RETURN_IF_ERROR(Charge(rows * steps_ * StepBlock::kBytesPerStep));
    auto block = std::make_unique<StepBlock>();
    block->Reset(rows, steps_);
    blocks_.push_back(std::move(block));
    free_rows_ = rows;
  }
  StepBlock& block = *blocks_.back();
  const size_t place = block.series() - free_rows_--;
  rows_.push_back(
      {std::move(labels), drops_name, block.values(place), block.kinds(place), &block, place});
  return &rows_.back();
}

Status Matrix::AddBlock(std::unique_ptr<StepBlock> block, const std::vector<uint32_t>& keep,
                        std::vector<std::pair<Labels, bool>> names) {
  if (keep.empty()) return Status::Ok();
  RETURN_IF_ERROR(Charge(block->size_bytes()));
  for (size_t i = 0; i < keep.size(); ++i) {
    rows_.push_back({std::move(names[i].first), names[i].second, block->values(keep[i]),
                     block->kinds(keep[i]), block.get(), keep[i]});
  }
  blocks_.push_back(std::move(block));
  free_rows_ = 0;
  return Status::Ok();
}

Status Matrix::HoldSamples() {
  uint64_t samples = 0;
  uint64_t histogram_bytes = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (i % kMorselSeries == 0) RETURN_IF_ERROR(context_->Check());
    const Row& row = rows_[i];
    const uint64_t weight = SampleWeight(row.kinds, row.histograms(), steps_);
    samples += weight;
    if (weight > steps_) histogram_bytes += weight * 16;
  }
  context_->ReleaseSamples(std::exchange(held_samples_, 0));
  RETURN_IF_ERROR(context_->HoldSamples(samples));
  held_samples_ = samples;
  context_->ReleaseBytes(std::exchange(histogram_bytes_, 0));
  RETURN_IF_ERROR(context_->ChargeBytes(histogram_bytes));
  histogram_bytes_ = histogram_bytes;
  return Status::Ok();
}

bool Matrix::has_histograms() const {
  return std::any_of(blocks_.begin(), blocks_.end(),
                     [](const auto& block) { return block->has_histograms(); });
}

void Matrix::MakeHistograms() {
  for (const auto& block : blocks_) block->MakeHistograms();
}

void Matrix::RemoveEmptyRows() {
  std::erase_if(rows_, [this](const Row& row) { return !HasValue(row.kinds, steps_); });
}

Result<std::vector<bool>> Matrix::OccupiedSteps() const {
  std::vector<bool> occupied(steps_, false);
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (i % kMorselSeries == 0) RETURN_IF_ERROR(context_->Check());
    const Row& row = rows_[i];
    for (size_t step = 0; step < steps_; ++step) {
      if (row.kinds[step] != StepKind::kAbsent) occupied[step] = true;
    }
  }
  return occupied;
}

Result<Matrix> Materialize(QueryContext& context, const VectorOperator& source, size_t steps) {
  struct Slot {
    std::unique_ptr<StepBlock> block;
    std::vector<uint32_t> keep;
    std::vector<std::pair<Labels, bool>> names;
  };
  std::vector<Slot> slots(MorselWindow(context));
  Matrix matrix(context, steps);
  const auto work = [&](MorselRange morsel, size_t index) -> Status {
    Slot& slot = slots[index];
    slot = {std::make_unique<StepBlock>(), {}, {}};
    RETURN_IF_ERROR(source.Read(morsel.first, morsel.count, slot.block.get()));
    for (size_t row = 0; row < morsel.count; ++row) {
      if (!HasValue(slot.block->kinds(row), steps)) continue;
      const size_t series = morsel.first + row;
      slot.keep.push_back(static_cast<uint32_t>(row));
      slot.names.emplace_back(source.labels(series), source.drops_name(series));
    }
    return Status::Ok();
  };
  const auto merge = [&](MorselRange, size_t index) -> Status {
    Slot& slot = slots[index];
    RETURN_IF_ERROR(matrix.AddBlock(std::move(slot.block), slot.keep, std::move(slot.names)));
    return Status::Ok();
  };
  RETURN_IF_ERROR(ForEachMorsel(context, source.series_count(), steps, work, merge));
  RETURN_IF_ERROR(matrix.HoldSamples());
  return matrix;
}

namespace {

// Rows of equal labels that are kept: one, or two where floats and histograms meet.
using KeptRows = std::vector<size_t>;

// Moves the samples of row `i` to the first kept row that has none at their step. OutOfRange when
// two of a kind meet, and with kPerStep when any two do.
Status MoveSamples(std::vector<Matrix::Row>& rows, size_t i, const KeptRows& kept, JoinRule rule,
                   size_t steps) {
  for (size_t step = 0; step < steps; ++step) {
    const StepKind kind = rows[i].kinds[step];
    if (kind == StepKind::kAbsent) continue;
    std::optional<size_t> free;
    for (const size_t other : kept) {
      const StepKind held = rows[other].kinds[step];
      if (held == StepKind::kAbsent) {
        if (!free) free = other;
      } else if (rule == JoinRule::kPerStep || held == kind) {
        return Status::OutOfRange("vector cannot contain metrics with the same labelset");
      }
    }
    if (!free) continue;
    rows[*free].SetSample(step, rows[i]);
    rows[i].kinds[step] = StepKind::kAbsent;
  }
  return Status::Ok();
}

size_t FirstStep(const Matrix::Row& row, size_t steps) {
  return static_cast<size_t>(std::find_if(row.kinds, row.kinds + steps,
                                          [](StepKind kind) { return kind != StepKind::kAbsent; }) -
                             row.kinds);
}

// Where two rows have a sample, leaves that of kind `first` alone, in the first row.
void Prefer(StepKind first, Matrix::Row* one, Matrix::Row* two, size_t steps) {
  for (size_t step = 0; step < steps; ++step) {
    if (two->kinds[step] == StepKind::kAbsent) continue;
    if (one->kinds[step] != first) one->SetSample(step, *two);
    two->kinds[step] = StepKind::kAbsent;
  }
}

}  // namespace

Status JoinEqualRows(Matrix& matrix, JoinRule rule) {
  std::unordered_map<std::string_view, KeptRows> kept_with;
  std::vector<Matrix::Row>& rows = matrix.rows();
  const size_t steps = matrix.steps();
  kept_with.reserve(rows.size());
  bool joined = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % kMorselSeries == 0) RETURN_IF_ERROR(matrix.context().Check());
    KeptRows& kept = kept_with[rows[i].labels.packed()];
    if (!kept.empty()) {
      if (rule == JoinRule::kPerSeries) {
        return Status::OutOfRange("vector cannot contain metrics with the same labelset");
      }
      Matrix::Row& first = rows[kept[0]];
      if (rule == JoinRule::kPerStep && FirstStep(rows[i], steps) < FirstStep(first, steps)) {
        first.drops_name = rows[i].drops_name;
      }
      RETURN_IF_ERROR(MoveSamples(rows, i, kept, rule, steps));
      joined = true;
    }
    if (kept.empty() || FirstStep(rows[i], steps) < steps) kept.push_back(i);
  }
  if (rule == JoinRule::kFloatsFirst || rule == JoinRule::kHistogramsFirst) {
    const StepKind first = rule == JoinRule::kFloatsFirst ? StepKind::kFloat : StepKind::kHistogram;
    for (const auto& [labels, kept] : kept_with) {
      if (kept.size() > 1) Prefer(first, &rows[kept[0]], &rows[kept[1]], steps);
    }
  }
  if (joined) matrix.RemoveEmptyRows();
  return Status::Ok();
}

Status MatrixOperator::Read(size_t first, size_t count, StepBlock* out) const {
  out->Reset(count, grid_.count);
  for (size_t i = 0; i < count; ++i) {
    result_.rows()[first + i].CopyTo(out, i);
  }
  return Status::Ok();
}

}  // namespace thermocline::promql
