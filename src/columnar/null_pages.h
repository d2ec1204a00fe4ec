// libparquet writes `false` in the page index's null_pages as byte 2; old parquet-go takes every
// byte but 0 as true and then finds nothing, without an error. Both are valid thrift: write 0.
#pragma once

#include <cstdint>
#include <span>

namespace thermocline::columnar {

// Rewrites one serialized ColumnIndex in place. False when it does not begin with a list of
// booleans, as parquet.thrift says it does.
bool NormalizeNullPages(std::span<uint8_t> column_index);

}  // namespace thermocline::columnar
