#include "columnar/null_pages.h"

#include <cstddef>

namespace thermocline::columnar {

namespace {

constexpr uint8_t kFirstFieldIsList = 0x19;  // field 1, compact type 9
constexpr uint8_t kTrue = 1;
constexpr uint8_t kFalse = 2;

}  // namespace

bool NormalizeNullPages(std::span<uint8_t> column_index) {
  if (column_index.size() < 2 || column_index[0] != kFirstFieldIsList) return false;
  const uint8_t head = column_index[1];
  if ((head & 15) != kTrue && (head & 15) != kFalse) return false;
  size_t at = 2;
  uint64_t count = head >> 4;
  if (count == 15) {
    count = 0;
    for (int shift = 0;; shift += 7) {
      if (at == column_index.size() || shift > 28) return false;
      const uint8_t byte = column_index[at++];
      count |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
  }
  if (count > column_index.size() - at) return false;
  for (uint8_t& byte : column_index.subspan(at, count)) {
    if (byte == kFalse) byte = 0;
    if (byte > kTrue) return false;
  }
  return true;
}

}  // namespace thermocline::columnar
