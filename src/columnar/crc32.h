// CRC-32 as Parquet pages carry it (IEEE 802.3, reflected, the one of gzip).
#pragma once

#include <cstdint>
#include <span>

namespace thermocline::columnar {

uint32_t Crc32(std::span<const uint8_t> bytes);

// By tables, eight bytes a step: the fallback and the oracle.
uint32_t Crc32Portable(std::span<const uint8_t> bytes);

}  // namespace thermocline::columnar
