// The end of a Parquet file: footer length and magic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thermocline::columnar {

constexpr uint64_t kTrailerBytes = 8;  // footer length, magic

// Bytes of the footer before the trailer, as the trailer tells. `tail`: the last bytes of a file of
// `file_size`, at least the trailer. Corruption when it is no Parquet file or the footer cannot
// fit; Unimplemented when it is encrypted.
Result<uint64_t> FooterBytes(std::string_view tail, uint64_t file_size, const std::string& name);

}  // namespace thermocline::columnar
