// A whole answer in memory: for operators that need all series at once, and for results.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "promql/exec/operator.h"

namespace thermocline::promql {

// Rows of values by step. Its bytes are charged to the query's budget and its samples held until
// it is destroyed.
class Matrix {
 public:
  struct Row {
    Labels labels;
    bool drops_name = false;
    double* values = nullptr;  // steps of them, owned by the matrix
    StepKind* kinds = nullptr;
    StepBlock* block = nullptr;  // which has the row's histograms
    size_t place = 0;            // in the block

    // By step; null when the block has none.
    const HistogramPtr* histograms() const { return block->histograms(place); }
    // Null unless the kind is kHistogram.
    const FloatHistogram* histogram(size_t step) const {
      return kinds[step] == StepKind::kHistogram ? histograms()[step].get() : nullptr;
    }
    void SetFloat(size_t step, double value) {
      kinds[step] = StepKind::kFloat;
      values[step] = value;
    }
    void SetHistogram(size_t step, HistogramPtr histogram) {
      block->SetHistogram(place, step, std::move(histogram));
    }
    // Takes over what `from` has at the step.
    void SetSample(size_t step, const Row& from) {
      if (from.kinds[step] == StepKind::kHistogram) {
        SetHistogram(step, from.histograms()[step]);
      } else {
        kinds[step] = from.kinds[step];
        values[step] = from.values[step];
      }
    }
    void CopyTo(StepBlock* out, size_t row) const { out->CopyRow(row, *block, place); }
  };

  Matrix(QueryContext& context, size_t steps) : context_(&context), steps_(steps) {}
  ~Matrix() { Release(); }
  Matrix(Matrix&& other) noexcept { *this = std::move(other); }
  Matrix& operator=(Matrix&& other) noexcept;
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  size_t steps() const { return steps_; }
  std::vector<Row>& rows() { return rows_; }
  const std::vector<Row>& rows() const { return rows_; }
  QueryContext& context() const { return *context_; }

  // Adds a row without values. The pointer is good until the next call.
  Result<Row*> AddRow(Labels labels, bool drops_name);
  // Takes over the block's rows; `names` are their labels and drop-name bits, and rows without any
  // value are left out of it (`keep` lists the block's rows that have one).
  Status AddBlock(std::unique_ptr<StepBlock> block, const std::vector<uint32_t>& keep,
                  std::vector<std::pair<Labels, bool>> names);
  // Counts what the rows hold now, and charges the bytes of their histograms.
  Status HoldSamples();
  bool has_histograms() const;
  // Gives all rows their histogram columns, so that many threads may set histograms in them.
  void MakeHistograms();
  // Removes rows that have no value at any step.
  void RemoveEmptyRows();
  // True per step when some row has a value.
  Result<std::vector<bool>> OccupiedSteps() const;

 private:
  void Release();
  Status Charge(uint64_t bytes);

  QueryContext* context_ = nullptr;
  size_t steps_ = 0;
  std::vector<Row> rows_;
  std::vector<std::unique_ptr<StepBlock>> blocks_;
  size_t free_rows_ = 0;  // at the end of the last block
  uint64_t charged_bytes_ = 0;
  uint64_t held_samples_ = 0;
  uint64_t histogram_bytes_ = 0;  // charged besides charged_bytes_
};

// Everything `source` (open) answers, without empty rows, in its order.
Result<Matrix> Materialize(QueryContext& context, const VectorOperator& source, size_t steps);

// How rows that have come to carry equal labels are joined (promql-semantics 1.8).
enum class JoinRule {
  kPerStep,    // an error when two have a value at the same step
  kPerSeries,  // always an error
  kPerKind,    // an error when two have floats, or two have histograms, at the same step
  // As kPerKind; of a float and a histogram at the same step one stays.
  kFloatsFirst,
  kHistogramsFirst
};
// Joins rows with equal labels; the first row's place stays, and its drop-name bit, with kPerStep
// the bit of the row with the earliest sample. With kPerKind samples that meet one of another kind
// stay in a second row. Errors: OutOfRange.
Status JoinEqualRows(Matrix& matrix, JoinRule rule);

// Base of operators that compute their whole answer when opened.
class MatrixOperator : public VectorOperator {
 public:
  size_t series_count() const override { return result_.rows().size(); }
  Labels labels(size_t series) const override { return result_.rows()[series].labels; }
  bool drops_name(size_t series) const override { return result_.rows()[series].drops_name; }
  Status Read(size_t first, size_t count, StepBlock* out) const override;

 protected:
  MatrixOperator(QueryContext& context, const StepGrid& grid)
      : context_(context), grid_(grid), result_(context, grid.count) {}
  QueryContext& context_;
  StepGrid grid_;
  Matrix result_;
};

}  // namespace thermocline::promql
