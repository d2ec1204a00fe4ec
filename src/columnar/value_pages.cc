#include "columnar/value_pages.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>

#include "columnar/byte_arrays.h"
#include "columnar/delta.h"
#include "columnar/hybrid.h"
#include "columnar/list_levels.h"
#include "columnar/split.h"

namespace thermocline::columnar {

namespace {

// The sample of a page of doubles: four slices of so many values.
constexpr size_t kSlices = 4;
constexpr size_t kSliceValues = 1024;

template <typename T>
std::span<const uint8_t> AsBytes(std::span<const T> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

bool IsNull(const ColumnSpec& spec, int64_t value) {
  return static_cast<uint64_t>(value) == spec.null_bits;
}
// By its bits: NULL is one pattern of NaN, and NaN equals nothing.
bool IsNull(const ColumnSpec& spec, double value) {
  return std::bit_cast<uint64_t>(value) == spec.null_bits;
}
bool IsNull(const ColumnSpec&, std::string_view value) { return value.data() == nullptr; }

// Whether all are whole numbers that a double holds exactly. PLAIN beats splitting where the same
// fractions come again and again; the bytes of counts and sizes are smaller split.
bool AreWhole(std::span<const double> values) {
  constexpr double kMost = 9007199254740992;  // 2^53
  return std::all_of(values.begin(), values.end(), [](double value) {
    return value >= -kMost && value <= kMost &&
           static_cast<double>(static_cast<int64_t>(value)) == value;
  });
}

// PLAIN must be at least 10 % smaller: splitting compresses steadier than a sample can tell.
bool PlainWins(size_t plain, size_t split) { return plain * 10 <= split * 9; }

}  // namespace

template <typename Null>
void ValuePages::EncodeLevels(const ColumnSpec& spec, size_t rows, const Null& is_null,
                              PageBody* page) {
  levels_.Clear();
  page->rows = static_cast<uint32_t>(rows);
  if (!spec.optional) return;
  HybridEncoder levels(1, &levels_);
  size_t nulls = 0;
  for (size_t i = 0; i < rows;) {
    size_t end = i + 1;
    const bool null = is_null(i);
    while (end < rows && is_null(end) == null) ++end;
    levels.Add(null ? 0 : 1, end - i);
    if (null) nulls += end - i;
    i = end;
  }
  levels.Finish();
  page->nulls = static_cast<uint32_t>(nulls);
  page->levels = levels_.bytes();
}

template <typename T>
std::span<const T> ValuePages::TakePresent(const ColumnSpec& spec, std::span<const T> values,
                                           std::vector<T>* scratch, PageBody* page) {
  EncodeLevels(
      spec, values.size(), [&](size_t i) { return IsNull(spec, values[i]); }, page);
  if (page->nulls == 0) return values;
  scratch->clear();
  for (const T& value : values) {
    if (!IsNull(spec, value)) scratch->push_back(value);
  }
  return *scratch;
}

void ValuePages::EncodeInt64s(const ColumnSpec& spec, std::span<const int64_t> present,
                              PageBody* page, Extent<int64_t>* total) {
  if (spec.encoding == ColumnEncoding::kDelta) {
    page->encoding = PageEncoding::kDeltaBinaryPacked;
    values_.Clear();
    EncodeDelta(present, &values_);
    page->values = values_.bytes();
  } else {
    page->values = AsBytes(present);
  }
  if (!spec.bounds || present.empty()) return;
  const Int64Bounds bounds = BoundsOf(present);
  page->bounds = ToPageBounds(bounds);
  total->Add(Extent<int64_t>{bounds.min, bounds.max, true});
}

Status ValuePages::WriteInt64s(const ColumnSpec& spec, std::span<const int64_t> values,
                               ChunkWriter* chunk) {
  Extent<int64_t> total;
  for (size_t row = 0; row < values.size(); row += options_.page_rows) {
    const auto rows =
        values.subspan(row, std::min<size_t>(options_.page_rows, values.size() - row));
    PageBody page;
    EncodeInt64s(spec, TakePresent(spec, rows, &present_int64s_, &page), &page, &total);
    RETURN_IF_ERROR(chunk->WritePage(page));
  }
  return chunk->Close({ToPageBounds(total, false), std::nullopt});
}

template <typename T, typename Encode>
Status ValuePages::WriteListPages(const ColumnSpec& spec, std::span<const uint32_t> offsets,
                                  std::span<const T> values, ChunkWriter* chunk,
                                  const Encode& encode) {
  const size_t rows = offsets.size() - 1;
  for (size_t row = 0; row < rows; row += options_.page_rows) {
    const size_t end = std::min<size_t>(rows, row + options_.page_rows);
    const uint64_t elements = offsets[end] - offsets[row];
    // An empty list is an entry, too.
    if (elements + (end - row) > kMaxListEntries) {
      return Status::InvalidArgument(
          fmt::format("column '{}': {} elements in a page of {} lists, limit {}; write fewer rows "
                      "a page",
                      spec.path(), elements, end - row, kMaxListEntries - (end - row)));
    }
    levels_.Clear();
    const ListLevels levels = EncodeListLevels(offsets.subspan(row, end - row + 1), &levels_);
    PageBody page;
    page.rows = static_cast<uint32_t>(end - row);
    page.nulls = static_cast<uint32_t>(levels.empty);
    page.list_entries = static_cast<uint32_t>(levels.entries);
    page.repetition_bytes = levels.repetition_bytes;
    page.levels = levels_.bytes();
    RETURN_IF_ERROR(encode(values.subspan(offsets[row], elements), &page));
    RETURN_IF_ERROR(chunk->WritePage(page));
  }
  return Status::Ok();
}

Status ValuePages::WriteInt64Lists(const ColumnSpec& spec, std::span<const uint32_t> offsets,
                                   std::span<const int64_t> values, ChunkWriter* chunk) {
  Extent<int64_t> total;
  RETURN_IF_ERROR(WriteListPages(spec, offsets, values, chunk,
                                 [&](std::span<const int64_t> elements, PageBody* page) {
                                   EncodeInt64s(spec, elements, page, &total);
                                   return Status::Ok();
                                 }));
  return chunk->Close({ToPageBounds(total, false), std::nullopt});
}

Status ValuePages::WriteDoubleLists(const ColumnSpec& spec, std::span<const uint32_t> offsets,
                                    std::span<const double> values, ChunkWriter* chunk) {
  ChunkDoubles total;
  RETURN_IF_ERROR(WriteListPages(spec, offsets, values, chunk,
                                 [&](std::span<const double> elements, PageBody* page) {
                                   return EncodeDoubles(spec, elements, page, &total);
                                 }));
  return chunk->Close(total.Total());
}

Result<bool> ValuePages::SampleSaysPlain(std::span<const double> values) {
  values_.Clear();
  bool whole = true;
  for (size_t slice = 0; slice < kSlices; ++slice) {
    const auto part = values.subspan(values.size() / kSlices * slice, kSliceValues);
    values_.Append(part.data(), 8 * kSliceValues);
    whole = whole && AreWhole(part);
  }
  if (whole) return false;
  split_.Clear();
  split_.Resize(values_.size());
  SplitBytes(values_.data(), kSlices * kSliceValues, split_.data());
  trial_[0].Clear();
  trial_[1].Clear();
  ASSIGN_OR_RETURN(const size_t plain, compressor_->Compress(values_.bytes(), &trial_[0]));
  ASSIGN_OR_RETURN(const size_t split,
                   compressor_->CompressPlanes(split_.bytes(), split_.size() / 8, &trial_[1]));
  return PlainWins(plain, split);
}

Status ValuePages::EncodeDoubles(ColumnEncoding encoding, std::span<const double> values,
                                 PageBody* page) {
  bool plain = encoding == ColumnEncoding::kPlain;
  if (encoding == ColumnEncoding::kSplitSampled && values.size() >= 2 * kSlices * kSliceValues) {
    ASSIGN_OR_RETURN(plain, SampleSaysPlain(values));
  }
  // A page too small to sample is tried whole.
  const bool try_both =
      encoding == ColumnEncoding::kSplitSmallest ||
      (encoding == ColumnEncoding::kSplitSampled && values.size() < 2 * kSlices * kSliceValues);
  if (!plain) {
    split_.Clear();
    split_.Resize(8 * values.size());
    SplitBytes(AsBytes(values).data(), values.size(), split_.data());
  }
  if (try_both && !values.empty()) {
    trial_[0].Clear();
    trial_[1].Clear();
    ASSIGN_OR_RETURN(const size_t as_plain, compressor_->Compress(AsBytes(values), &trial_[0]));
    ASSIGN_OR_RETURN(const size_t as_split,
                     compressor_->CompressPlanes(split_.bytes(), split_.size() / 8, &trial_[1]));
    plain = as_plain < as_split;
    page->compressed = trial_[plain ? 0 : 1].bytes();
  } else if (!plain && values.size() >= kSliceValues) {
    trial_[1].Clear();
    const auto size = compressor_->CompressPlanes(split_.bytes(), split_.size() / 8, &trial_[1]);
    RETURN_IF_ERROR(size.status());
    page->compressed = trial_[1].bytes();
  }
  page->encoding = plain ? PageEncoding::kPlain : PageEncoding::kByteStreamSplit;
  page->values = plain ? AsBytes(values) : split_.bytes();
  return Status::Ok();
}

void ChunkDoubles::Add(const DoubleBounds& page) {
  only_nan_somewhere |= !page.any;
  if (!bounds.any) {
    bounds = page;
  } else {
    bounds.min = std::min(bounds.min, page.min);
    bounds.max = std::max(bounds.max, page.max);
  }
}

ChunkBounds ChunkDoubles::Total() const {
  if (!bounds.any || only_nan_somewhere) return {};
  DoubleBounds total = bounds;
  if (total.min == 0) total.min = -0.0;
  if (total.max == 0) total.max = 0.0;
  return {ToPageBounds(total), std::nullopt};
}

Status ValuePages::EncodeDoubles(const ColumnSpec& spec, std::span<const double> present,
                                 PageBody* page, ChunkDoubles* total) {
  RETURN_IF_ERROR(EncodeDoubles(spec.encoding, present, page));
  if (!spec.bounds || present.empty()) return Status::Ok();
  const DoubleBounds bounds = BoundsOf(present);
  page->bounds = ToPageBounds(bounds);
  total->Add(bounds);
  return Status::Ok();
}

Status ValuePages::WriteDoubles(const ColumnSpec& spec, std::span<const double> values,
                                ChunkWriter* chunk) {
  ChunkDoubles total;
  for (size_t row = 0; row < values.size(); row += options_.page_rows) {
    const auto rows =
        values.subspan(row, std::min<size_t>(options_.page_rows, values.size() - row));
    PageBody page;
    const auto present = TakePresent(spec, rows, &present_doubles_, &page);
    RETURN_IF_ERROR(EncodeDoubles(spec, present, &page, &total));
    RETURN_IF_ERROR(chunk->WritePage(page));
  }
  return chunk->Close(total.Total());
}

Status ValuePages::WriteStrings(const ColumnSpec& spec, std::span<const std::string_view> values,
                                ::parquet::BloomFilter* bloom, ChunkWriter* chunk) {
  const bool utf8 = spec.type == ColumnType::kString;
  Extent<std::string_view> total;
  for (size_t row = 0; row < values.size(); row += options_.page_rows) {
    const auto rows =
        values.subspan(row, std::min<size_t>(options_.page_rows, values.size() - row));
    PageBody page;
    const auto present = TakePresent(spec, rows, &present_strings_, &page);
    values_.Clear();
    if (spec.encoding == ColumnEncoding::kPlain || present.empty()) {
      EncodePlainStrings(present, &values_);
    } else if (spec.encoding == ColumnEncoding::kDeltaLengths) {
      page.encoding = PageEncoding::kDeltaLengthByteArray;
      EncodeDeltaLengths(present, &values_);
    } else {
      page.encoding = PageEncoding::kDeltaByteArray;
      EncodeDeltaStrings(present, &values_);
    }
    page.values = values_.bytes();
    Extent<std::string_view> extent;
    uint64_t string_bytes = 0;
    for (const std::string_view value : present) {
      if (spec.bounds) extent.Add(value);
      string_bytes += value.size();
      if (bloom != nullptr) bloom->InsertHash(bloom->Hash(value));
    }
    total.Add(extent);
    page.bounds = ToPageBounds(extent, utf8);
    page.string_bytes = string_bytes;
    RETURN_IF_ERROR(chunk->WritePage(page));
  }
  return chunk->Close({ToPageBounds(total, utf8), std::nullopt});
}

}  // namespace thermocline::columnar
