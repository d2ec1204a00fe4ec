#include "columnar/schema.h"

#include <fmt/core.h>

#include <set>

namespace thermocline::columnar {

namespace {

bool Fits(ColumnType type, ColumnEncoding encoding) {
  switch (encoding) {
    case ColumnEncoding::kPlain: return true;
    case ColumnEncoding::kDictionary: return type != ColumnType::kDouble;
    case ColumnEncoding::kDelta: return IsInt64(type);
    case ColumnEncoding::kSplit:
    case ColumnEncoding::kSplitSampled:
    case ColumnEncoding::kSplitSmallest: return type == ColumnType::kDouble;
    case ColumnEncoding::kDeltaStrings:
    case ColumnEncoding::kDeltaLengths: return IsByteArray(type);
  }
  return false;
}

}  // namespace

Status FileSchema::Validate() const {
  if (columns.empty() || columns.size() > 10000) {
    return Status::InvalidArgument(fmt::format("a file of {} columns", columns.size()));
  }
  std::set<std::string_view> names;
  for (const ColumnSpec& column : columns) {
    if (column.name.empty() || !names.insert(column.name).second) {
      return Status::InvalidArgument(
          fmt::format("column name '{}' is empty or there twice", column.name));
    }
    if (!Fits(column.type, column.encoding)) {
      return Status::InvalidArgument(fmt::format("column '{}': type {} has no encoding {}",
                                                 column.name, static_cast<int>(column.type),
                                                 static_cast<int>(column.encoding)));
    }
    if (column.bloom_filter &&
        (!IsByteArray(column.type) || column.encoding != ColumnEncoding::kDictionary)) {
      return Status::InvalidArgument(
          fmt::format("column '{}': bloom filters are for dictionary strings", column.name));
    }
  }
  for (const SortingColumn& sorted : sorting) {
    if (sorted.column >= columns.size()) {
      return Status::InvalidArgument(
          fmt::format("sorting column {} of {}", sorted.column, columns.size()));
    }
  }
  return Status::Ok();
}

std::optional<uint32_t> FileSchema::Find(std::string_view name) const {
  for (uint32_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace thermocline::columnar
