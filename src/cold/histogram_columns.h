// The struct column `histogram` of the `histograms` table: native histograms to columns and back.
// Which field is what: FORMAT.md 2.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "columnar/file_reader.h"
#include "columnar/row_group_encoder.h"
#include "columnar/schema.h"
#include "model/histogram.h"

namespace thermocline {

// The leaves of the struct, in the order in which HistogramColumns writes them.
std::vector<columnar::ColumnSpec> HistogramColumnSpecs(bool smallest_values);

// Histograms gathered as columns.
class HistogramColumns {
 public:
  // InvalidArgument: not a histogram, or its buckets are not those of its spans.
  Status Add(const Histogram& histogram);
  // Writes all rows, `first` being the place of the first leaf.
  Status Write(uint32_t first, columnar::RowGroupColumns* out) const;
  void Clear();

  uint64_t rows() const { return sums_.size(); }
  // Of the largest list column.
  uint64_t elements() const;

 private:
  template <typename T>
  struct List {
    std::vector<uint32_t> offsets = {0};
    std::vector<T> values;
    void Add(std::span<const T> row) {
      values.insert(values.end(), row.begin(), row.end());
      offsets.push_back(static_cast<uint32_t>(values.size()));
    }
    void Clear() {
      offsets.assign(1, 0);
      values.clear();
    }
  };
  struct Spans {
    List<int64_t> offsets;
    std::vector<int64_t> lengths;  // with the list's offsets
    void Add(const std::vector<HistogramSpan>& row);
    void Clear();
  };

  std::vector<columnar::CodeRun> kinds_;  // 0 int, 1 float
  std::vector<int64_t> schemas_;          // distinct
  std::vector<columnar::CodeRun> schema_runs_;
  std::vector<columnar::CodeRun> hints_;  // CounterResetHint
  std::vector<double> zero_thresholds_;
  std::vector<double> sums_;
  std::vector<int64_t> counts_;
  std::vector<int64_t> zero_counts_;
  std::vector<double> float_counts_;
  std::vector<double> float_zero_counts_;
  Spans positive_spans_;
  Spans negative_spans_;
  List<int64_t> positive_counts_;
  List<int64_t> negative_counts_;
  List<double> positive_floats_;
  List<double> negative_floats_;
  List<double> custom_bounds_;
};

// The histograms of a decoded page.
class HistogramPage {
 public:
  // What to fetch. Corruption when the file lacks a leaf or has one of another type.
  static Result<std::vector<columnar::FetchColumn>> Columns(const columnar::FileSchema& schema);

  // `columns` are those of Columns(), decoded; borrowed until the next Open. Corruption when they
  // contradict each other.
  Status Open(std::span<const columnar::ColumnVector> columns);
  // Corruption when the row is no histogram: buckets that are not those of its spans.
  Status Get(size_t row, Histogram* out) const;

 private:
  Status GetSpans(size_t row, size_t leaf, uint64_t buckets, std::vector<HistogramSpan>* out) const;

  std::span<const columnar::ColumnVector> columns_;
  std::vector<SampleKind> kinds_;        // by row
  std::vector<CounterResetHint> hints_;  // by row
};

}  // namespace thermocline
