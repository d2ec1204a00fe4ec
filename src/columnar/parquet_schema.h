// Our schema as libparquet's, and back.
#pragma once

#include <parquet/schema.h>

#include <memory>

#include "base/result.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

// A flat root group.
std::shared_ptr<::parquet::schema::GroupNode> ToParquet(const FileSchema& schema);

// Names, types and optional flags. Unimplemented for nested or repeated columns and for types that
// ColumnType has not.
Result<FileSchema> FromParquet(const ::parquet::SchemaDescriptor& descriptor);

}  // namespace thermocline::columnar
