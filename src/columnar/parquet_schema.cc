#include "columnar/parquet_schema.h"

#include <fmt/core.h>

#include <span>
#include <string>
#include <vector>

namespace thermocline::columnar {

using ::parquet::LogicalType;
using ::parquet::Repetition;
using ::parquet::Type;
using ::parquet::schema::GroupNode;
using ::parquet::schema::Node;
using ::parquet::schema::NodePtr;
using ::parquet::schema::NodeVector;
using ::parquet::schema::PrimitiveNode;

namespace {

const std::string kElement = "element";

NodePtr ToLeaf(const ColumnSpec& column) {
  const std::string& name = column.name.empty() ? kElement : column.name;
  const Repetition::type repetition = column.optional ? Repetition::OPTIONAL : Repetition::REQUIRED;
  switch (column.type) {
    case ColumnType::kInt64: return PrimitiveNode::Make(name, repetition, Type::INT64);
    case ColumnType::kTimestampMs:
      return PrimitiveNode::Make(name, repetition,
                                 LogicalType::Timestamp(true, LogicalType::TimeUnit::MILLIS),
                                 Type::INT64);
    case ColumnType::kDouble: return PrimitiveNode::Make(name, repetition, Type::DOUBLE);
    case ColumnType::kString:
      return PrimitiveNode::Make(name, repetition, LogicalType::String(), Type::BYTE_ARRAY);
    case ColumnType::kBytes: break;
  }
  return PrimitiveNode::Make(name, repetition, Type::BYTE_ARRAY);
}

// The list of these neighbours: one that is the element, or the fields of the element struct.
NodePtr ToList(std::span<const ColumnSpec> columns) {
  NodePtr element;
  if (columns[0].name.empty()) {
    element = ToLeaf(columns[0]);
  } else {
    NodeVector fields;
    for (const ColumnSpec& column : columns) fields.push_back(ToLeaf(column));
    element = GroupNode::Make(kElement, Repetition::REQUIRED, fields);
  }
  const NodePtr repeated = GroupNode::Make("list", Repetition::REPEATED, {element});
  return GroupNode::Make(columns[0].list, Repetition::REQUIRED, {repeated}, LogicalType::List());
}

// The nodes of neighbours that share their first `depth` groups.
NodeVector ToNodes(std::span<const ColumnSpec> columns, size_t depth) {
  NodeVector nodes;
  for (size_t begin = 0; begin < columns.size();) {
    const ColumnSpec& first = columns[begin];
    const bool grouped = first.groups.size() > depth;
    const auto together = [&](const ColumnSpec& column) {
      if (grouped)
        return column.groups.size() > depth && column.groups[depth] == first.groups[depth];
      return column.groups.size() == depth && !first.list.empty() && column.list == first.list;
    };
    size_t end = begin + 1;
    while (end < columns.size() && together(columns[end])) ++end;
    const auto part = columns.subspan(begin, end - begin);
    if (grouped) {
      nodes.push_back(
          GroupNode::Make(first.groups[depth], Repetition::REQUIRED, ToNodes(part, depth + 1)));
    } else {
      nodes.push_back(first.list.empty() ? ToLeaf(first) : ToList(part));
    }
    begin = end;
  }
  return nodes;
}

// The nodes from below the root to the leaf. Required groups, then the leaf or a required LIST of
// three levels of it or of structs of it; false for all else.
bool TakePlace(const std::vector<const Node*>& nodes, ColumnSpec* column) {
  size_t i = 0;
  for (; i + 1 < nodes.size() && !nodes[i]->logical_type()->is_list(); ++i) {
    if (!nodes[i]->is_required()) return false;
    column->groups.push_back(nodes[i]->name());
  }
  const Node& leaf = *nodes.back();
  column->name = leaf.name();
  column->optional = leaf.is_optional();
  if (i + 1 == nodes.size()) return !leaf.is_repeated();
  const size_t below = nodes.size() - i;
  if (below != 3 && below != 4) return false;
  column->list = nodes[i]->name();
  if (below == 3) column->name.clear();
  const Node& repeated = *nodes[i + 1];
  return nodes[i]->is_required() && repeated.is_repeated() && nodes[i + 2]->is_required() &&
         leaf.is_required() && static_cast<const GroupNode&>(repeated).field_count() == 1;
}

bool IsMilliseconds(const LogicalType& logical) {
  return logical.is_timestamp() &&
         static_cast<const ::parquet::TimestampLogicalType&>(logical).time_unit() ==
             LogicalType::TimeUnit::MILLIS;
}

}  // namespace

std::shared_ptr<GroupNode> ToParquet(const FileSchema& schema) {
  return std::static_pointer_cast<GroupNode>(
      GroupNode::Make("schema", Repetition::REQUIRED, ToNodes(schema.columns, 0)));
}

Result<FileSchema> FromParquet(const ::parquet::SchemaDescriptor& descriptor) {
  FileSchema schema;
  for (int i = 0; i < descriptor.num_columns(); ++i) {
    const ::parquet::ColumnDescriptor& from = *descriptor.Column(i);
    ColumnSpec column;
    std::vector<const Node*> nodes;
    for (const Node* node = from.schema_node().get(); node->parent() != nullptr;
         node = node->parent()) {
      nodes.insert(nodes.begin(), node);
    }
    if (!TakePlace(nodes, &column)) {
      return Status::Unimplemented(
          fmt::format("column '{}' is in optional or repeated groups, or in a list that is not a "
                      "required list of required values or structs",
                      from.path()->ToDotString()));
    }
    const LogicalType* logical = from.logical_type().get();
    if (from.physical_type() == Type::INT64) {
      const bool time = logical != nullptr && IsMilliseconds(*logical);
      column.type = time ? ColumnType::kTimestampMs : ColumnType::kInt64;
    } else if (from.physical_type() == Type::DOUBLE) {
      column.type = ColumnType::kDouble;
    } else if (from.physical_type() == Type::BYTE_ARRAY) {
      const bool text = logical != nullptr && logical->is_string();
      column.type = text ? ColumnType::kString : ColumnType::kBytes;
    } else {
      return Status::Unimplemented(fmt::format("column '{}' has physical type {}", column.path(),
                                               static_cast<int>(from.physical_type())));
    }
    if (!column.list.empty() && IsByteArray(column.type)) {
      return Status::Unimplemented(
          fmt::format("column '{}' is a list of strings", from.path()->ToDotString()));
    }
    schema.columns.push_back(std::move(column));
  }
  return schema;
}

}  // namespace thermocline::columnar
