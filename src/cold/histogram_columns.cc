#include "cold/histogram_columns.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>
#include <string_view>

namespace thermocline {
namespace {

using columnar::CodeRun;
using columnar::ColumnEncoding;
using columnar::ColumnSpec;
using columnar::ColumnType;
using columnar::ColumnVector;

constexpr std::string_view kStruct = "histogram";

// What the strings mean is stored on disk: never change one. By code: SampleKind less one,
// CounterResetHint.
constexpr std::array<std::string_view, 2> kKindNames = {"int", "float"};
constexpr std::array<std::string_view, 4> kHintNames = {"unknown", "reset", "not_reset", "gauge"};

// In memory NULL is one bit pattern of the counts; the kind tells whether it is one.
constexpr uint64_t kNullCount = uint64_t{1} << 63;
constexpr uint64_t kNullFloatCount = 0x7ff0000000000003ull;

// Stored on disk by name. In schema order.
enum Leaf : uint32_t {
  kKind,
  kSchema,
  kHint,
  kZeroThreshold,
  kSum,
  kCount,
  kZeroCount,
  kFloatCount,
  kFloatZeroCount,
  kPositiveSpans,  // offset, then length
  kNegativeSpans = kPositiveSpans + 2,
  kPositiveCounts = kNegativeSpans + 2,
  kNegativeCounts,
  kPositiveFloats,
  kNegativeFloats,
  kCustomBounds,
  kLeaves,
};

void AddRun(uint32_t code, std::vector<CodeRun>* runs) {
  if (runs->empty() || runs->back().code != code) runs->push_back({code, 0});
  ++runs->back().count;
}

uint64_t Buckets(const std::vector<HistogramSpan>& spans) {
  uint64_t buckets = 0;
  for (const HistogramSpan& span : spans) buckets += span.length;
  return buckets;
}

Status CheckShape(const Histogram& h) {
  const bool is_float = h.is_float();
  if (!is_float && h.kind != SampleKind::kHistogram) {
    return Status::InvalidArgument("write a histogram: the sample is none");
  }
  const size_t positive = is_float ? h.positive_floats.size() : h.positive_counts.size();
  const size_t negative = is_float ? h.negative_floats.size() : h.negative_counts.size();
  const size_t others = is_float ? h.positive_counts.size() + h.negative_counts.size()
                                 : h.positive_floats.size() + h.negative_floats.size();
  if (Buckets(h.positive_spans) == positive && Buckets(h.negative_spans) == negative &&
      others == 0 && static_cast<uint8_t>(h.reset_hint) < kHintNames.size()) {
    return Status::Ok();
  }
  return Status::InvalidArgument(fmt::format(
      "write a histogram: spans of {} and {} buckets, {} and {} counts of its kind, {} of the "
      "other",
      Buckets(h.positive_spans), Buckets(h.negative_spans), positive, negative, others));
}

// Codes of each row by what `names` says of the strings.
template <typename T>
Status TakeNames(const ColumnVector& column, std::span<const std::string_view> names, T first,
                 std::vector<T>* out) {
  out->clear();
  out->reserve(column.rows);
  for (const CodeRun& run : column.runs) {
    const std::string_view name =
        run.code < column.values.size() ? column.values[run.code] : std::string_view();
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) {
      return Status::Corruption(
          fmt::format("a histogram of kind or hint '{}'", name.substr(0, 99)));
    }
    const auto code = static_cast<uint8_t>(it - names.begin());
    out->insert(out->end(), run.count, static_cast<T>(static_cast<uint8_t>(first) + code));
  }
  return out->size() == column.rows ? Status::Ok()
                                    : Status::Corruption("a histogram without a kind or a hint");
}

template <typename T>
void TakeList(const ColumnVector& column, const std::vector<T>& values, size_t row,
              std::vector<T>* out) {
  out->assign(values.begin() + column.offsets[row], values.begin() + column.offsets[row + 1]);
}

}  // namespace

std::vector<ColumnSpec> HistogramColumnSpecs(bool smallest_values) {
  const ColumnEncoding split =
      smallest_values ? ColumnEncoding::kSplitSmallest : ColumnEncoding::kSplitSampled;
  std::vector<ColumnSpec> specs;
  const auto add = [&](std::string_view name, ColumnType type, ColumnEncoding encoding) {
    ColumnSpec& spec = specs.emplace_back();
    spec.name = name;
    spec.type = type;
    spec.encoding = encoding;
    spec.groups = {std::string(kStruct)};
    return &spec;
  };
  const auto optional = [&](std::string_view name, ColumnType type, ColumnEncoding encoding,
                            uint64_t null_bits) {
    ColumnSpec* const spec = add(name, type, encoding);
    spec->optional = true;
    spec->null_bits = null_bits;
  };
  const auto list = [&](std::string_view name, std::string_view field, ColumnType type,
                        ColumnEncoding encoding) {
    ColumnSpec* const spec = add(field, type, encoding);
    spec->list = name;
    spec->bounds = false;  // of elements, they tell little about a row
  };
  add("kind", ColumnType::kString, ColumnEncoding::kDictionary);
  add("schema", ColumnType::kInt64, ColumnEncoding::kDictionary);
  add("reset_hint", ColumnType::kString, ColumnEncoding::kDictionary);
  add("zero_threshold", ColumnType::kDouble, split);
  optional("sum", ColumnType::kDouble, split, kStaleBits);
  optional("count", ColumnType::kInt64, ColumnEncoding::kDelta, kNullCount);
  optional("zero_count", ColumnType::kInt64, ColumnEncoding::kDelta, kNullCount);
  optional("float_count", ColumnType::kDouble, split, kNullFloatCount);
  optional("float_zero_count", ColumnType::kDouble, split, kNullFloatCount);
  for (const std::string_view spans : {"positive_spans", "negative_spans"}) {
    list(spans, "offset", ColumnType::kInt64, ColumnEncoding::kDelta);
    list(spans, "length", ColumnType::kInt64, ColumnEncoding::kDelta);
  }
  list("positive_counts", "", ColumnType::kInt64, ColumnEncoding::kDelta);
  list("negative_counts", "", ColumnType::kInt64, ColumnEncoding::kDelta);
  list("positive_float_counts", "", ColumnType::kDouble, split);
  list("negative_float_counts", "", ColumnType::kDouble, split);
  list("custom_bounds", "", ColumnType::kDouble, split);
  return specs;
}

void HistogramColumns::Spans::Add(const std::vector<HistogramSpan>& row) {
  for (const HistogramSpan& span : row) {
    offsets.values.push_back(span.offset);
    lengths.push_back(span.length);
  }
  offsets.offsets.push_back(static_cast<uint32_t>(lengths.size()));
}

void HistogramColumns::Spans::Clear() {
  offsets.Clear();
  lengths.clear();
}

Status HistogramColumns::Add(const Histogram& h) {
  RETURN_IF_ERROR(CheckShape(h));
  const bool is_float = h.is_float();
  AddRun(is_float ? 1 : 0, &kinds_);
  const auto schema = std::find(schemas_.begin(), schemas_.end(), h.schema);
  const auto code = static_cast<uint32_t>(schema - schemas_.begin());
  if (schema == schemas_.end()) schemas_.push_back(h.schema);
  AddRun(code, &schema_runs_);
  AddRun(static_cast<uint32_t>(h.reset_hint), &hints_);
  zero_thresholds_.push_back(h.zero_threshold);
  sums_.push_back(h.sum);
  const auto null_count = static_cast<int64_t>(kNullCount);
  counts_.push_back(is_float ? null_count : static_cast<int64_t>(h.count));
  zero_counts_.push_back(is_float ? null_count : static_cast<int64_t>(h.zero_count));
  const auto null_float = std::bit_cast<double>(kNullFloatCount);
  float_counts_.push_back(is_float ? h.float_count : null_float);
  float_zero_counts_.push_back(is_float ? h.float_zero_count : null_float);
  positive_spans_.Add(h.positive_spans);
  negative_spans_.Add(h.negative_spans);
  positive_counts_.Add(h.positive_counts);
  negative_counts_.Add(h.negative_counts);
  positive_floats_.Add(h.positive_floats);
  negative_floats_.Add(h.negative_floats);
  custom_bounds_.Add(h.custom_bounds);
  return Status::Ok();
}

uint64_t HistogramColumns::elements() const {
  return std::max({positive_spans_.lengths.size(), negative_spans_.lengths.size(),
                   positive_counts_.values.size(), negative_counts_.values.size(),
                   positive_floats_.values.size(), negative_floats_.values.size(),
                   custom_bounds_.values.size()});
}

Status HistogramColumns::Write(uint32_t first, columnar::RowGroupColumns* out) const {
  RETURN_IF_ERROR(out->WriteStringRuns(first + kKind, kKindNames, kinds_));
  RETURN_IF_ERROR(out->WriteInt64Runs(first + kSchema, schemas_, schema_runs_));
  RETURN_IF_ERROR(out->WriteStringRuns(first + kHint, kHintNames, hints_));
  RETURN_IF_ERROR(out->WriteDoubles(first + kZeroThreshold, zero_thresholds_));
  RETURN_IF_ERROR(out->WriteDoubles(first + kSum, sums_));
  RETURN_IF_ERROR(out->WriteInt64(first + kCount, counts_));
  RETURN_IF_ERROR(out->WriteInt64(first + kZeroCount, zero_counts_));
  RETURN_IF_ERROR(out->WriteDoubles(first + kFloatCount, float_counts_));
  RETURN_IF_ERROR(out->WriteDoubles(first + kFloatZeroCount, float_zero_counts_));
  uint32_t leaf = first + kPositiveSpans;
  for (const Spans* spans : {&positive_spans_, &negative_spans_}) {
    const std::vector<uint32_t>& offsets = spans->offsets.offsets;
    RETURN_IF_ERROR(out->WriteInt64Lists(leaf++, offsets, spans->offsets.values));
    RETURN_IF_ERROR(out->WriteInt64Lists(leaf++, offsets, spans->lengths));
  }
  for (const List<int64_t>* counts : {&positive_counts_, &negative_counts_}) {
    RETURN_IF_ERROR(out->WriteInt64Lists(leaf++, counts->offsets, counts->values));
  }
  for (const List<double>* floats : {&positive_floats_, &negative_floats_, &custom_bounds_}) {
    RETURN_IF_ERROR(out->WriteDoubleLists(leaf++, floats->offsets, floats->values));
  }
  return Status::Ok();
}

void HistogramColumns::Clear() {
  for (auto* runs : {&kinds_, &schema_runs_, &hints_}) runs->clear();
  for (auto* ints : {&schemas_, &counts_, &zero_counts_}) ints->clear();
  for (auto* doubles : {&zero_thresholds_, &sums_, &float_counts_, &float_zero_counts_}) {
    doubles->clear();
  }
  for (Spans* spans : {&positive_spans_, &negative_spans_}) spans->Clear();
  for (List<int64_t>* counts : {&positive_counts_, &negative_counts_}) counts->Clear();
  for (List<double>* floats : {&positive_floats_, &negative_floats_, &custom_bounds_}) {
    floats->Clear();
  }
}

Result<std::vector<columnar::FetchColumn>> HistogramPage::Columns(
    const columnar::FileSchema& schema) {
  std::vector<columnar::FetchColumn> columns;
  for (const ColumnSpec& spec : HistogramColumnSpecs(false)) {
    const auto place = schema.Find(spec.path());
    if (!place || schema.columns[*place].type != spec.type ||
        schema.columns[*place].list.empty() != spec.list.empty()) {
      return Status::Corruption(fmt::format("no column '{}' as it should be", spec.path()));
    }
    columns.push_back({*place, spec.null_bits});
  }
  return columns;
}

Status HistogramPage::Open(std::span<const ColumnVector> columns) {
  CHECK(columns.size() == kLeaves);
  columns_ = columns;
  RETURN_IF_ERROR(TakeNames(columns[kKind], kKindNames, SampleKind::kHistogram, &kinds_));
  RETURN_IF_ERROR(TakeNames(columns[kHint], kHintNames, CounterResetHint::kUnknown, &hints_));
  for (const uint32_t spans : {kPositiveSpans, kNegativeSpans}) {
    if (columns[spans].offsets != columns[spans + 1].offsets) {
      return Status::Corruption("histograms: spans have more offsets than lengths, or fewer");
    }
  }
  return Status::Ok();
}

Status HistogramPage::GetSpans(size_t row, size_t leaf, uint64_t buckets,
                               std::vector<HistogramSpan>* out) const {
  const ColumnVector& offsets = columns_[leaf];
  const ColumnVector& lengths = columns_[leaf + 1];
  out->clear();
  uint64_t total = 0;
  for (uint32_t i = offsets.offsets[row]; i < offsets.offsets[row + 1]; ++i) {
    const int64_t offset = offsets.int64s[i];
    const int64_t length = lengths.int64s[i];
    if (offset < std::numeric_limits<int32_t>::min() ||
        offset > std::numeric_limits<int32_t>::max() || length < 0 ||
        length > std::numeric_limits<uint32_t>::max()) {
      return Status::Corruption(fmt::format("a histogram with the span {} + {}", offset, length));
    }
    out->push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
    total += static_cast<uint64_t>(length);
  }
  if (total == buckets) return Status::Ok();
  return Status::Corruption(
      fmt::format("a histogram with spans of {} buckets and {} counts", total, buckets));
}

Status HistogramPage::Get(size_t row, Histogram* out) const {
  Histogram& h = *out;
  h.kind = kinds_[row];
  h.reset_hint = hints_[row];
  const int64_t schema = columns_[kSchema].int64s[row];
  if (schema < std::numeric_limits<int32_t>::min() ||
      schema > std::numeric_limits<int32_t>::max()) {
    return Status::Corruption(fmt::format("a histogram of schema {}", schema));
  }
  h.schema = static_cast<int32_t>(schema);
  h.zero_threshold = columns_[kZeroThreshold].doubles[row];
  h.sum = columns_[kSum].doubles[row];
  if (h.is_float()) {
    h.float_count = columns_[kFloatCount].doubles[row];
    h.float_zero_count = columns_[kFloatZeroCount].doubles[row];
  } else {
    h.count = static_cast<uint64_t>(columns_[kCount].int64s[row]);
    h.zero_count = static_cast<uint64_t>(columns_[kZeroCount].int64s[row]);
  }
  const auto ints = [&](uint32_t leaf, std::vector<int64_t>* to) {
    TakeList(columns_[leaf], columns_[leaf].int64s, row, to);
  };
  const auto floats = [&](uint32_t leaf, std::vector<double>* to) {
    TakeList(columns_[leaf], columns_[leaf].doubles, row, to);
  };
  ints(kPositiveCounts, &h.positive_counts);
  ints(kNegativeCounts, &h.negative_counts);
  floats(kPositiveFloats, &h.positive_floats);
  floats(kNegativeFloats, &h.negative_floats);
  floats(kCustomBounds, &h.custom_bounds);
  const size_t positive = h.is_float() ? h.positive_floats.size() : h.positive_counts.size();
  const size_t negative = h.is_float() ? h.negative_floats.size() : h.negative_counts.size();
  const size_t all = h.positive_floats.size() + h.positive_counts.size() +
                     h.negative_floats.size() + h.negative_counts.size();
  if (all != positive + negative) {
    return Status::Corruption("a histogram with counts of both kinds");
  }
  RETURN_IF_ERROR(GetSpans(row, kPositiveSpans, positive, &h.positive_spans));
  return GetSpans(row, kNegativeSpans, negative, &h.negative_spans);
}

}  // namespace thermocline
