#include "columnar/parquet_schema.h"

#include <fmt/core.h>

namespace thermocline::columnar {

using ::parquet::LogicalType;
using ::parquet::Repetition;
using ::parquet::Type;
using ::parquet::schema::GroupNode;
using ::parquet::schema::NodePtr;
using ::parquet::schema::PrimitiveNode;

namespace {

NodePtr ToNode(const ColumnSpec& column) {
  const Repetition::type repetition = column.optional ? Repetition::OPTIONAL : Repetition::REQUIRED;
  switch (column.type) {
    case ColumnType::kInt64: return PrimitiveNode::Make(column.name, repetition, Type::INT64);
    case ColumnType::kTimestampMs:
      return PrimitiveNode::Make(column.name, repetition,
                                 LogicalType::Timestamp(true, LogicalType::TimeUnit::MILLIS),
                                 Type::INT64);
    case ColumnType::kDouble: return PrimitiveNode::Make(column.name, repetition, Type::DOUBLE);
    case ColumnType::kString:
      return PrimitiveNode::Make(column.name, repetition, LogicalType::String(), Type::BYTE_ARRAY);
    case ColumnType::kBytes: break;
  }
  return PrimitiveNode::Make(column.name, repetition, Type::BYTE_ARRAY);
}

bool IsMilliseconds(const LogicalType& logical) {
  return logical.is_timestamp() &&
         static_cast<const ::parquet::TimestampLogicalType&>(logical).time_unit() ==
             LogicalType::TimeUnit::MILLIS;
}

}  // namespace

std::shared_ptr<GroupNode> ToParquet(const FileSchema& schema) {
  ::parquet::schema::NodeVector fields;
  for (const ColumnSpec& column : schema.columns) fields.push_back(ToNode(column));
  return std::static_pointer_cast<GroupNode>(
      GroupNode::Make("schema", Repetition::REQUIRED, fields));
}

Result<FileSchema> FromParquet(const ::parquet::SchemaDescriptor& descriptor) {
  FileSchema schema;
  for (int i = 0; i < descriptor.num_columns(); ++i) {
    const ::parquet::ColumnDescriptor& from = *descriptor.Column(i);
    ColumnSpec column;
    column.name = from.name();
    column.optional = from.max_definition_level() == 1;
    if (from.max_repetition_level() != 0 || from.max_definition_level() > 1 ||
        from.path()->ToDotVector().size() != 1) {
      return Status::Unimplemented(
          fmt::format("column '{}' is nested or repeated", from.path()->ToDotString()));
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
      return Status::Unimplemented(fmt::format("column '{}' has physical type {}", column.name,
                                               static_cast<int>(from.physical_type())));
    }
    schema.columns.push_back(std::move(column));
  }
  return schema;
}

}  // namespace thermocline::columnar
