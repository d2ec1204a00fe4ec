// Our schema as libparquet's, and back.
#pragma once

#include <parquet/schema.h>

#include <memory>

#include "base/result.h"
#include "columnar/schema.h"

namespace thermocline::columnar {

std::shared_ptr<::parquet::schema::GroupNode> ToParquet(const FileSchema& schema);

// Names, places, types and optional flags. Unimplemented for nesting that ColumnSpec has not, lists
// of strings, and types that ColumnType has not. The nodes within a list may have any names: the
// paths here are those of the standard.
Result<FileSchema> FromParquet(const ::parquet::SchemaDescriptor& descriptor);

}  // namespace thermocline::columnar
