// A file's check of its own page indexes and footer, in its footer: no field of Parquet covers
// them. Readers of others pass over the keys. FORMAT.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace thermocline::columnar {

inline constexpr std::string_view kTailCheckKey = "thermocline.page_tail";
inline constexpr size_t kTailDigits = 16;
// CRC32C of each bloom filter, eight digits each: row group by row group, in each by column.
inline constexpr std::string_view kBloomCheckKey = "thermocline.page_blooms";
inline constexpr size_t kBloomDigits = 8;

// Where the digits of the check begin in a footer's bytes. Looked for without the parser, which a
// damaged byte may lead past the key; one byte of what frames the value may be another.
std::optional<size_t> FindTailDigits(std::string_view footer);
// What the digits have to be: Hash64 of the page indexes and the footer, hexadecimal, with zeros
// in the digits' own place.
std::string TailDigits(std::string_view indexes, std::string_view footer, size_t digits_at);

}  // namespace thermocline::columnar
