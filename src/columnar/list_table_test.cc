#include "columnar/list_table.h"

#include <fmt/core.h>

#include <bit>
#include <limits>
#include <random>

namespace thermocline::columnar {

FileSchema ListSchema() {
  FileSchema schema;
  const auto add = [&](std::vector<std::string> groups, std::string list, std::string name,
                       ColumnType type, ColumnEncoding encoding) {
    ColumnSpec& column = schema.columns.emplace_back();
    column.groups = std::move(groups);
    column.list = std::move(list);
    column.name = std::move(name);
    column.type = type;
    column.encoding = encoding;
  };
  add({}, "", "time", ColumnType::kTimestampMs, ColumnEncoding::kDelta);
  add({"histogram"}, "", "schema", ColumnType::kInt64, ColumnEncoding::kPlain);
  add({"histogram"}, "", "zero", ColumnType::kDouble, ColumnEncoding::kSplit);
  add({"histogram"}, "spans", "offset", ColumnType::kInt64, ColumnEncoding::kDelta);
  add({"histogram"}, "spans", "length", ColumnType::kInt64, ColumnEncoding::kPlain);
  add({"histogram"}, "counts", "", ColumnType::kInt64, ColumnEncoding::kDelta);
  add({"histogram"}, "empty", "", ColumnType::kInt64, ColumnEncoding::kDelta);
  add({}, "bounds", "", ColumnType::kDouble, ColumnEncoding::kSplitSampled);
  add({"other", "deep"}, "values", "", ColumnType::kDouble, ColumnEncoding::kPlain);
  add({"other"}, "", "note", ColumnType::kString, ColumnEncoding::kDictionary);
  schema.columns[kListZero].optional = true;
  schema.columns[kListZero].null_bits = kListNull;
  schema.columns[kListDeep].bounds = false;
  schema.columns[kListNote].optional = true;
  schema.columns[kListNote].bloom_filter = true;
  schema.sorting = {{kListTime, false, true}};
  return schema;
}

namespace {

uint32_t LengthOf(std::mt19937_64& random, size_t row, size_t rows) {
  if (row == rows / 2) return static_cast<uint32_t>(rows);
  if (row % 500 > 300) return 0;  // whole pages of empty lists
  return random() % 3 == 0 ? 0 : static_cast<uint32_t>(random() % 12);
}

double AnyDouble(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0: return std::bit_cast<double>(random());
    case 1: return std::numeric_limits<double>::infinity();
    default: return static_cast<double>(random() % 100) / 8;
  }
}

bool IsDoubles(uint32_t column) {
  return column == kListZero || column == kListBounds || column == kListDeep;
}

}  // namespace

ListTable MakeListTable(uint64_t seed, size_t rows) {
  std::mt19937_64 random(seed);
  ListTable table;
  table.rows = rows;
  const FileSchema schema = ListSchema();
  for (uint32_t c = 0; c < kListColumns; ++c) {
    ListTable::Column& column = table.columns[c];
    const bool list = !schema.columns[c].list.empty();
    if (list) column.offsets.push_back(0);
    for (size_t row = 0; row < rows; ++row) {
      uint32_t count = 1;
      if (list) count = c == kListEmpty ? 0 : LengthOf(random, row, rows);
      // The fields of one element struct have the same lists.
      if (c == kSpanLength) {
        const auto& offsets = table.columns[kSpanOffset].offsets;
        count = offsets[row + 1] - offsets[row];
      }
      for (uint32_t i = 0; i < count; ++i) {
        if (c == kListNote) {
          column.strings.push_back(random() % 3 == 0 ? "" : fmt::format("note {}", random() % 9));
        } else if (c == kListZero && random() % 2 == 0) {
          column.doubles.push_back(std::bit_cast<double>(kListNull));
        } else if (IsDoubles(c)) {
          column.doubles.push_back(AnyDouble(random));
        } else if (c == kListTime) {
          column.int64s.push_back(static_cast<int64_t>(15'000 * row));
        } else {
          column.int64s.push_back(static_cast<int64_t>(random() % 1000) - 300);
        }
      }
      if (list) column.offsets.push_back(column.offsets.back() + count);
    }
  }
  return table;
}

namespace {

Status WriteColumn(const ListTable& table, uint32_t column, size_t begin, size_t end,
                   FileWriter& writer) {
  const ListTable::Column& from = table.columns[column];
  if (!from.offsets.empty()) {
    // As a slice that begins above 0: the writer takes both.
    const auto offsets = std::span(from.offsets).subspan(begin, end - begin + 1);
    return IsDoubles(column) ? writer.WriteDoubleLists(column, offsets, from.doubles)
                             : writer.WriteInt64Lists(column, offsets, from.int64s);
  }
  if (column == kListNote) {
    std::vector<std::string_view> values;
    for (size_t i = begin; i < end; ++i) {
      const std::string& value = from.strings[i];
      values.push_back(value.empty() ? std::string_view() : value);
    }
    return writer.WriteStrings(column, values);
  }
  if (IsDoubles(column)) {
    return writer.WriteDoubles(column, std::span(from.doubles).subspan(begin, end - begin));
  }
  return writer.WriteInt64(column, std::span(from.int64s).subspan(begin, end - begin));
}

}  // namespace

Result<FileSummary> WriteListTable(const ListTable& table, const FileWriterOptions& options,
                                   uint64_t group_rows, Bucket& bucket, const std::string& key) {
  ASSIGN_OR_RETURN(auto sink, bucket.NewWriter(key));
  ASSIGN_OR_RETURN(auto writer, FileWriter::Open(sink.get(), ListSchema(), options));
  for (size_t begin = 0; begin < table.rows; begin += group_rows) {
    const size_t end = std::min<size_t>(table.rows, begin + group_rows);
    RETURN_IF_ERROR(writer->BeginRowGroup(end - begin));
    for (uint32_t column = 0; column < kListColumns; ++column) {
      RETURN_IF_ERROR(WriteColumn(table, column, begin, end, *writer));
    }
    RETURN_IF_ERROR(writer->EndRowGroup());
  }
  ASSIGN_OR_RETURN(const FileSummary summary, writer->Finish({}));
  RETURN_IF_ERROR(sink->Finish());
  return summary;
}

std::vector<FetchColumn> ListColumns() {
  std::vector<FetchColumn> columns;
  for (uint32_t column = 0; column < kListColumns; ++column) columns.push_back({column, 0});
  columns[kListZero].null_bits = kListNull;
  return columns;
}

namespace {

// Elements [from, from + count) of the table's column against the first `count` got.
std::string CompareValues(const ListTable::Column& wanted, uint32_t column, size_t from,
                          size_t count, const ColumnVector& got) {
  for (size_t i = 0; i < count; ++i) {
    const uint64_t a = IsDoubles(column) ? std::bit_cast<uint64_t>(wanted.doubles[from + i])
                                         : static_cast<uint64_t>(wanted.int64s[from + i]);
    const uint64_t b = IsDoubles(column) ? std::bit_cast<uint64_t>(got.double_values()[i])
                                         : static_cast<uint64_t>(got.int64_values()[i]);
    if (a != b) return fmt::format("column {} value {}: {:x} {:x}", column, from + i, a, b);
  }
  return "";
}

std::string CompareNotes(const ListTable::Column& wanted, size_t first, const ColumnVector& got) {
  std::string difference;
  got.ForEachString([&](uint64_t row, uint64_t run, std::string_view value) {
    for (uint64_t i = row; i < row + run; ++i) {
      if (wanted.strings[first + i] != value) difference = fmt::format("note {}", first + i);
    }
  });
  return difference;
}

}  // namespace

std::string Difference(const ListTable& table, uint64_t first, uint64_t count,
                       const std::vector<ColumnVector>& got) {
  if (got.size() != kListColumns) return "columns";
  for (uint32_t column = 0; column < kListColumns; ++column) {
    const ListTable::Column& wanted = table.columns[column];
    const ColumnVector& at = got[column];
    if (at.rows != count) return fmt::format("column {}: {} rows", column, at.rows);
    std::string difference;
    if (column == kListNote) {
      difference = CompareNotes(wanted, first, at);
    } else if (wanted.offsets.empty()) {
      if (!at.offsets.empty()) return fmt::format("column {} has offsets", column);
      difference = CompareValues(wanted, column, first, count, at);
    } else {
      if (at.offsets.size() != count + 1) {
        return fmt::format("column {}: {} offsets", column, at.offsets.size());
      }
      const uint32_t from = wanted.offsets[first];
      for (uint64_t i = 0; i <= count; ++i) {
        if (wanted.offsets[first + i] - from != at.offsets[i]) {
          return fmt::format("column {}: offset {} is {}", column, first + i, at.offsets[i]);
        }
      }
      difference = CompareValues(wanted, column, from, at.offsets[count], at);
    }
    if (!difference.empty()) return difference;
  }
  return "";
}

}  // namespace thermocline::columnar
