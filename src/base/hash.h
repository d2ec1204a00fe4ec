// Hashes that are stored on disk or shared between tiers: xxHash64 with seed 0, and CRC32C
// (Castagnoli).
#pragma once

#include <cstdint>
#include <string_view>

namespace thermocline {

// xxHash64, seed 0.
uint64_t Hash64(std::string_view bytes);

// Hash64 of bytes that arrive in pieces.
class Hash64Stream {
 public:
  Hash64Stream();
  ~Hash64Stream();
  Hash64Stream(const Hash64Stream&) = delete;
  Hash64Stream& operator=(const Hash64Stream&) = delete;
  void Update(std::string_view bytes);
  // Of everything so far; more may follow.
  uint64_t Digest() const;

 private:
  void* state_;
};

// CRC32C of `bytes`, continuing from `crc` (0 to start). Hardware instructions where the machine
// has them; the value is the same.
uint32_t Crc32c(std::string_view bytes, uint32_t crc = 0);

// The table-driven computation, kept as the oracle of the hardware path.
uint32_t Crc32cPortable(std::string_view bytes, uint32_t crc = 0);

}  // namespace thermocline
