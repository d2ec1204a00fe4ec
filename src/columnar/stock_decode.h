// Pages that our own kernels do not take (V1 pages, rare encodings), through libparquet's reader
// over a stream stitched from the dictionary page and the one data page.
#pragma once

#include <string_view>

#include "columnar/page_decode.h"

namespace thermocline::columnar {

// The headers of both pages have been parsed and their sizes bounded. `rows` as the index says,
// `entries` as the header claims: more than rows in lists only.
Status StockDecode(const PageTask& task, std::string_view page, uint64_t rows, uint64_t entries,
                   ColumnVector* out);

}  // namespace thermocline::columnar
