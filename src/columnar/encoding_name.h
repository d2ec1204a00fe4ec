// What Parquet calls the encodings.
#pragma once

#include <string_view>

#include "columnar/schema.h"

namespace thermocline::columnar {

// As in parquet.thrift; where pages choose between two, the one that the others are measured by.
std::string_view EncodingName(ColumnEncoding encoding);

}  // namespace thermocline::columnar
