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

// Far beyond any table; libparquet walks groups recursively.
constexpr size_t kMaxGroups = 16;

// Sees the columns in order and refuses a node that would be there twice.
class NodeNames {
 public:
  Status Add(const ColumnSpec& column) {
    std::vector<std::string> around;
    std::string at;
    const auto enter = [&](std::string_view name) {
      at.append(name).push_back('\0');  // names may hold dots
      around.push_back(at);
    };
    for (const std::string& group : column.groups) enter(group);
    if (!column.list.empty()) enter(column.list);
    if (!column.list.empty() && !column.name.empty()) enter("element");
    for (size_t i = 0; i < around.size(); ++i) {
      const bool open = i < open_.size() && open_[i] == around[i];
      if (!open && !nodes_.insert(around[i]).second) {
        return Status::InvalidArgument(
            fmt::format("column '{}': its groups are elsewhere in the schema", column.path()));
      }
    }
    at.append(column.name.empty() ? "element" : column.name).push_back('\0');
    if (!nodes_.insert(at).second || !paths_.insert(column.path()).second) {
      return Status::InvalidArgument(fmt::format("column '{}' is there twice", column.path()));
    }
    open_ = std::move(around);
    return Status::Ok();
  }

 private:
  std::set<std::string> nodes_;
  std::set<std::string> paths_;
  std::vector<std::string> open_;  // around the column before
};

Status CheckPlace(const ColumnSpec& column) {
  bool named = !column.name.empty() || !column.list.empty();
  for (const std::string& group : column.groups) named &= !group.empty();
  if (!named || column.groups.size() > kMaxGroups) {
    return Status::InvalidArgument(
        fmt::format("column '{}' has an empty name or too many groups", column.path()));
  }
  const bool simple = !column.optional && !IsByteArray(column.type) && !column.bloom_filter &&
                      column.encoding != ColumnEncoding::kDictionary;
  if (!column.list.empty() && !simple) {
    return Status::InvalidArgument(
        fmt::format("column '{}': lists have required integers or doubles without a dictionary",
                    column.path()));
  }
  return Status::Ok();
}

}  // namespace

std::string ColumnSpec::path() const {
  std::string path;
  for (const std::string& group : groups) path.append(group).push_back('.');
  if (list.empty()) return path.append(name);
  path.append(list).append(".list.element");
  return name.empty() ? path : path.append(".").append(name);
}

Status FileSchema::Validate() const {
  constexpr uint32_t kMaxRunPageRows = 1 << 20;
  if (columns.empty() || columns.size() > 32767) {
    return Status::InvalidArgument(fmt::format("a file of {} columns", columns.size()));
  }
  NodeNames names;
  for (const ColumnSpec& column : columns) {
    RETURN_IF_ERROR(CheckPlace(column));
    RETURN_IF_ERROR(names.Add(column));
    if (!Fits(column.type, column.encoding)) {
      return Status::InvalidArgument(fmt::format("column '{}': type {} has no encoding {}",
                                                 column.path(), static_cast<int>(column.type),
                                                 static_cast<int>(column.encoding)));
    }
    if (column.bloom_filter &&
        (!IsByteArray(column.type) || column.encoding != ColumnEncoding::kDictionary)) {
      return Status::InvalidArgument(
          fmt::format("column '{}': bloom filters are for dictionary strings", column.path()));
    }
    if (column.run_page_rows > kMaxRunPageRows) {
      return Status::InvalidArgument(
          fmt::format("column '{}': {} rows a page", column.path(), column.run_page_rows));
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

std::optional<uint32_t> FileSchema::Find(std::string_view path) const {
  for (uint32_t i = 0; i < columns.size(); ++i) {
    const ColumnSpec& column = columns[i];
    const bool flat = column.groups.empty() && column.list.empty();
    if (flat ? column.name == path : column.path() == path) return i;
  }
  return std::nullopt;
}

}  // namespace thermocline::columnar
