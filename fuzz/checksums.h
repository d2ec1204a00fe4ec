// Puts the checksums of hostile bytes right, as a fuzzer cannot: what lies behind them is reached.
// Whatever does not fit is left as it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace thermocline {

inline uint64_t BigEndianAt(const std::string& bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

// Writes the checksum of [begin, end) behind it; false when there is no room.
inline bool SealRange(size_t begin, size_t end, std::string* bytes) {
  if (begin > end || end > bytes->size() || bytes->size() - end < 4) return false;
  const uint32_t crc = Crc32c(std::string_view(*bytes).substr(begin, end - begin));
  for (size_t i = 0; i < 4; ++i) (*bytes)[end + i] = static_cast<char>(crc >> (24 - 8 * i));
  return true;
}

// Reads a varint at `*at` and steps over it; false when it is torn or names more than there is.
inline bool TakeLength(const std::string& bytes, size_t* at, uint64_t* length) {
  *length = 0;
  for (unsigned shift = 0; shift < 35 && *at < bytes.size(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes[(*at)++]);
    *length |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return *length <= bytes.size() - *at;
  }
  return false;
}

// Length, body, checksum at `at`; the place behind, or 0.
inline size_t SealSection(size_t at, std::string* bytes) {
  if (at > bytes->size() || bytes->size() - at < 4) return 0;
  const uint64_t length = BigEndianAt(*bytes, at, 4);
  if (length > bytes->size() || !SealRange(at + 4, at + 4 + length, bytes)) return 0;
  return at + 8 + length;
}

// A block's index: its table of contents, symbols, tables, postings and series.
inline void SealIndex(std::string* bytes) {
  constexpr size_t kTocBytes = 52;
  if (bytes->size() < kTocBytes) return;
  const size_t toc = bytes->size() - kTocBytes;
  SealRange(toc, bytes->size() - 4, bytes);
  const auto part = [&](size_t i) {
    return static_cast<size_t>(std::min<uint64_t>(BigEndianAt(*bytes, toc + 8 * i, 8), toc));
  };
  SealSection(part(0), bytes);
  SealSection(part(5), bytes);
  for (size_t at = part(4); at != 0 && at < part(5); at = (at + 3) / 4 * 4) {
    at = SealSection(at, bytes);
    if (at == 0) break;
  }
  for (size_t at = part(1); at < toc; at = (at + 15) / 16 * 16) {
    uint64_t length = 0;
    if (!TakeLength(*bytes, &at, &length) || length == 0) break;
    if (!SealRange(at, at + length, bytes)) break;
    at += length + 4;
  }
}

// Tombstones: five bytes of head, entries, checksum.
inline void SealTombstones(std::string* bytes) {
  if (bytes->size() >= 9) SealRange(5, bytes->size() - 4, bytes);
}

// A segment of Prometheus' log; the checksum stands before the fragment's bytes.
inline void SealWalSegment(std::string* bytes) {
  constexpr size_t kPage = 32 * 1024;
  for (size_t at = 0; at + 7 <= bytes->size();) {
    const size_t length = BigEndianAt(*bytes, at + 1, 2);
    if ((static_cast<uint8_t>((*bytes)[at]) & 7) == 0) {
      at = (at / kPage + 1) * kPage;
      continue;
    }
    if (length > bytes->size() - at - 7) return;
    const uint32_t crc = Crc32c(std::string_view(*bytes).substr(at + 7, length));
    for (size_t i = 0; i < 4; ++i) (*bytes)[at + 3 + i] = static_cast<char>(crc >> (24 - 8 * i));
    at += 7 + length;
  }
}

// A file of head chunks.
inline void SealHeadChunks(std::string* bytes) {
  for (size_t begin = 8; begin + 25 < bytes->size();) {
    size_t at = begin + 25;
    uint64_t length = 0;
    if (!TakeLength(*bytes, &at, &length) || !SealRange(begin, at + length, bytes)) return;
    begin = at + length + 4;
  }
}

}  // namespace thermocline
