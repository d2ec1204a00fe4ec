// Where the indexes of a file begin, told by its footer alone. FileReader::ParseIndex does the
// rest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thermocline::columnar {

// `tail_bytes`: the last bytes of a file of `file_size_bytes`, its whole footer among them. The
// offset in the file of the first page index, or of the footer where there are none. Corruption or
// Unimplemented, with `name` before what is wrong.
Result<uint64_t> IndexBegin(std::string_view tail_bytes, uint64_t file_size_bytes,
                            const std::string& name);

}  // namespace thermocline::columnar
