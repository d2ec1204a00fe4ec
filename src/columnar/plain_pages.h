// Which pages of a chunk are PLAIN, where a chunk mixes PLAIN with another encoding. Page headers
// are outside the page checksum and the two encodings of a double look alike, so the writer notes
// the choice in the footer (key kPlainPagesKey) and the reader compares.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thermocline::columnar {

inline constexpr std::string_view kPlainPagesKey = "thermocline.page_plain";

// (row group, column) -> one bit per page.
using PlainPages = std::map<std::pair<uint32_t, uint32_t>, std::vector<bool>>;

// "group:column:pages:digits;" each; a hexadecimal digit holds four pages, the first in its lowest
// bit.
std::string FormatPlainPages(const PlainPages& pages);
std::optional<PlainPages> ParsePlainPages(std::string_view text);

}  // namespace thermocline::columnar
