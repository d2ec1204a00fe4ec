// Schemas of our Parquet files as the public headers show them.
#pragma once

#include <string>

#include <thermocline/schema.h>

#include "columnar/schema.h"

namespace thermocline::api {

TableSchema ToApi(std::string table, const columnar::FileSchema& schema);

}  // namespace thermocline::api
