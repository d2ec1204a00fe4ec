#include "columnar/stock_decode.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/memory_pool.h>
#include <fmt/core.h>
#include <parquet/column_reader.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "columnar/arrow_wall.h"
#include "columnar/decode_limits.h"
#include "columnar/list_levels.h"
#include "columnar/parquet_schema.h"

namespace thermocline::columnar {

namespace {

::parquet::Compression::type ToLibrary(PageCodec codec) {
  switch (codec) {
    case PageCodec::kNone: return ::parquet::Compression::UNCOMPRESSED;
    case PageCodec::kSnappy: return ::parquet::Compression::SNAPPY;
    case PageCodec::kGzip: return ::parquet::Compression::GZIP;
    case PageCodec::kBrotli: return ::parquet::Compression::BROTLI;
    case PageCodec::kZstd: return ::parquet::Compression::ZSTD;
    case PageCodec::kLz4Raw: break;
  }
  return ::parquet::Compression::LZ4;
}

// Reads all rows: `levels` one per row (1 = present), `values` dense.
template <typename Reader>
Status ReadAll(::parquet::ColumnReader* column, uint64_t rows, bool optional,
               std::vector<int16_t>* levels, std::vector<typename Reader::T>* values) {
  auto* reader = static_cast<Reader*>(column);
  levels->assign(rows, 1);
  values->resize(rows);
  uint64_t row = 0;
  int64_t present = 0;
  while (row < rows) {
    int64_t got = 0;
    const int64_t read = reader->ReadBatch(static_cast<int64_t>(rows - row),
                                           optional ? levels->data() + row : nullptr, nullptr,
                                           values->data() + present, &got);
    if (read <= 0) break;
    row += static_cast<uint64_t>(read);
    present += got;
  }
  if (row != rows) return Status::Corruption(fmt::format("page has {} rows of {}", row, rows));
  uint64_t wanted = 0;
  for (const int16_t level : *levels) wanted += level == 1 ? 1 : 0;
  if (wanted != static_cast<uint64_t>(present)) {
    return Status::Corruption(fmt::format("page has {} values of {}", present, wanted));
  }
  values->resize(static_cast<size_t>(present));
  return Status::Ok();
}

// Reads lists batch by batch, so that memory grows with what is there and not with what the header
// claims.
template <typename Reader>
Status ReadLists(::parquet::ColumnReader* column, uint64_t rows, uint64_t entries,
                 std::vector<uint32_t>* offsets, std::vector<typename Reader::T>* elements) {
  constexpr uint64_t kBatch = 8 << 10;
  if (entries > kMaxListEntries) return Status::Corruption("a page of too many elements");
  auto* reader = static_cast<Reader*>(column);
  std::vector<int16_t> definition(kBatch);
  std::vector<int16_t> repetition(kBatch);
  std::vector<typename Reader::T> values(kBatch);
  offsets->clear();
  elements->clear();
  uint32_t count = 0;
  bool goes_on = false;  // the entry before was an element
  for (uint64_t done = 0; done < entries;) {
    int64_t got = 0;
    const int64_t read =
        reader->ReadBatch(static_cast<int64_t>(std::min(kBatch, entries - done)), definition.data(),
                          repetition.data(), values.data(), &got);
    if (read <= 0)
      return Status::Corruption(fmt::format("page has {} of {} entries", done, entries));
    for (size_t i = 0; i < static_cast<size_t>(read); ++i) {
      const bool element = definition[i] == 1;
      if (repetition[i] == 0) {
        offsets->push_back(count);
      } else if (!element || !goes_on) {
        return Status::Corruption("list levels contradict one another");
      }
      goes_on = element;
      count += element ? 1 : 0;
    }
    elements->insert(elements->end(), values.begin(), values.begin() + got);
    done += static_cast<uint64_t>(read);
  }
  if (offsets->size() != rows || elements->size() != count) {
    return Status::Corruption(fmt::format("page has {} rows of {}, {} elements of {}",
                                          offsets->size(), rows, elements->size(), count));
  }
  offsets->push_back(count);
  return Status::Ok();
}

template <typename T>
void Spread(const std::vector<int16_t>& levels, const std::vector<T>& values, uint64_t null_bits,
            std::vector<T>* out) {
  out->resize(levels.size() + kSlack);
  T null;
  std::memcpy(&null, &null_bits, sizeof(T));
  size_t next = 0;
  for (size_t i = 0; i < levels.size(); ++i) (*out)[i] = levels[i] == 1 ? values[next++] : null;
}

// Copies the strings, of neighbours that are one dictionary entry one.
Status CopyStrings(const std::vector<int16_t>& levels,
                   const std::vector<::parquet::ByteArray>& values, uint64_t limit_bytes,
                   ColumnVector* out) {
  const auto repeats = [&](size_t i) {
    return i > 0 && values[i].ptr == values[i - 1].ptr && values[i].len == values[i - 1].len;
  };
  size_t total = 1;  // an empty string still has a place, unlike NULL
  for (size_t i = 0; i < values.size(); ++i) total += repeats(i) ? 0 : values[i].len;
  if (total > limit_bytes) {
    return Status::Corruption(
        fmt::format("page has {} bytes of strings, limit {}", total, limit_bytes));
  }
  out->arena.resize(total);
  out->own_values.clear();
  out->runs.clear();
  char* at = out->arena.data();
  size_t next = 0;
  for (const int16_t level : levels) {
    if (level != 1) {
      out->runs.push_back({kNullCode, 1});
      continue;
    }
    const ::parquet::ByteArray& value = values[next];
    if (!repeats(next++)) {
      if (value.len > 0) std::memcpy(at, value.ptr, value.len);
      out->own_values.emplace_back(at, value.len);
      at += value.len;
    }
    out->runs.push_back({static_cast<uint32_t>(out->own_values.size() - 1), 1});
  }
  out->values = out->own_values;
  return Status::Ok();
}

Status Read(const PageTask& task, std::string_view page, uint64_t rows, uint64_t entries,
            ColumnVector* out) {
  const ColumnSpec& spec = task.index->schema().columns[task.column];
  FileSchema one;
  one.columns.push_back(spec);
  ::parquet::SchemaDescriptor descriptor;
  descriptor.Init(ToParquet(one));
  std::string stitched(task.dictionary_page);
  stitched.append(page);
  ::parquet::ReaderProperties properties(::arrow::system_memory_pool());
  properties.set_page_checksum_verification(true);
  const ColumnEntry& entry = task.index->entry(task.column);
  const PageCodec codec = entry.chunks[entry.layout->row_group(task.page)].codec;
  auto pages = ::parquet::PageReader::Open(
      std::make_shared<::arrow::io::BufferReader>(std::make_shared<::arrow::Buffer>(stitched)),
      static_cast<int64_t>(entries), ToLibrary(codec), properties, *descriptor.Column(0));
  const auto reader = ::parquet::ColumnReader::Make(descriptor.Column(0), std::move(pages),
                                                    ::arrow::system_memory_pool());
  if (!spec.list.empty()) {
    if (spec.type == ColumnType::kDouble) {
      return ReadLists<::parquet::DoubleReader>(reader.get(), rows, entries, &out->offsets,
                                                &out->doubles);
    }
    return ReadLists<::parquet::Int64Reader>(reader.get(), rows, entries, &out->offsets,
                                             &out->int64s);
  }
  std::vector<int16_t> levels;
  if (IsInt64(spec.type)) {
    std::vector<int64_t> values;
    RETURN_IF_ERROR(
        ReadAll<::parquet::Int64Reader>(reader.get(), rows, spec.optional, &levels, &values));
    Spread(levels, values, task.null_bits, &out->int64s);
  } else if (spec.type == ColumnType::kDouble) {
    std::vector<double> values;
    RETURN_IF_ERROR(
        ReadAll<::parquet::DoubleReader>(reader.get(), rows, spec.optional, &levels, &values));
    Spread(levels, values, task.null_bits, &out->doubles);
  } else {
    std::vector<::parquet::ByteArray> values;
    RETURN_IF_ERROR(
        ReadAll<::parquet::ByteArrayReader>(reader.get(), rows, spec.optional, &levels, &values));
    return CopyStrings(levels, values, DecodedLimit(stitched.size()), out);
  }
  return Status::Ok();
}

}  // namespace

Status StockDecode(const PageTask& task, std::string_view page, uint64_t rows, uint64_t entries,
                   ColumnVector* out) {
  return AtWall(Code::kCorruption, "stock page reader",
                [&] { return Read(task, page, rows, entries, out); });
}

}  // namespace thermocline::columnar
