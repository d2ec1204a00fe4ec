// The distinct strings of a block index.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blocks/object_window.h"

namespace thermocline {

// Held in memory as the file has it, with the place of each symbol.
// Threads: safe once loaded.
class SymbolSection {
 public:
  // Reads the section at `offset` and checks its checksum. In index version 1 a reference is a
  // byte offset into the file, later the symbol's number.
  static Result<SymbolSection> Load(ObjectWindow* window, uint64_t offset, int index_version);

  // Corruption for a reference that names no symbol.
  Result<std::string_view> At(uint64_t reference) const;
  uint32_t size() const { return count_; }
  uint64_t memory_bytes() const { return bytes_.size() + places_.size() * sizeof(uint32_t); }

 private:
  Status Index(std::string_view where, uint64_t offset);

  std::string bytes_;             // the symbols, without the count
  uint64_t first_offset_ = 0;     // of bytes_[0] in the file
  std::vector<uint32_t> places_;  // in bytes_; empty when references are offsets
  uint32_t count_ = 0;
  bool by_offset_ = false;
};

}  // namespace thermocline
