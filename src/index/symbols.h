// Interned strings: each distinct label pair once, under a dense number.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/ids.h"

namespace thermocline {

using SymbolId = TypedId<struct SymbolIdTag, uint32_t>;
inline constexpr SymbolId kNoSymbol{UINT32_MAX};

// Counts references; a symbol that nobody refers to gives its number and bytes back. About 14 bytes
// a symbol beside its text. Threads: one writer or many readers at a time, by the owner's lock.
class SymbolTable {
 public:
  SymbolTable();
  SymbolTable(const SymbolTable&) = delete;
  SymbolTable& operator=(const SymbolTable&) = delete;

  // The number of `text`, new if need be, with one reference more.
  SymbolId Acquire(std::string_view text);
  // Takes one reference back. Numbers and bytes of symbols without references are reused.
  void Release(SymbolId id);
  // kNoSymbol when `text` is not in the table.
  SymbolId Find(std::string_view text) const;
  // Valid until the next Acquire, Release or Compact.
  std::string_view Text(SymbolId id) const {
    CHECK(id.number < symbols_.size() && symbols_[id.number].chunk != kNoChunk);
    return TextOf(symbols_[id.number]);
  }

  // Moves texts together once much of the space is dead, and shrinks the hash table. Numbers stay.
  // Call after many releases.
  void Compact();

  size_t size() const { return live_count_; }
  // Every number given out is below it.
  size_t number_end() const { return symbols_.size(); }
  uint64_t memory_bytes() const;

 private:
  struct Symbol {
    uint32_t chunk = 0;  // kNoChunk: the number is free, and `offset` is the next free number
    uint32_t offset = 0;
    uint32_t references = 0;
  };
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    uint32_t capacity = 0;
    uint32_t used = 0;
    uint32_t live = 0;
  };
  static constexpr uint32_t kNoChunk = UINT32_MAX;
  static constexpr uint32_t kLengthBytes = sizeof(uint32_t);

  void Place(std::string_view text, Symbol* symbol);
  uint32_t NewChunk(uint32_t capacity);
  // A text lies in its chunk as one length byte (0xff: four more follow), then the bytes. Inline:
  // the head compares every label of every sample's series through it.
  std::string_view TextOf(const Symbol& symbol) const {
    const char* at = chunks_[symbol.chunk].bytes.get() + symbol.offset;
    const auto length = static_cast<uint8_t>(*at);
    if (length < 0xff) return {at + 1, length};
    uint32_t long_length;
    std::memcpy(&long_length, at + 1, sizeof(long_length));
    return {at + 1 + kLengthBytes, long_length};
  }
  // The slot that holds `text`, or the empty slot where it belongs.
  size_t Slot(std::string_view text) const;
  void Rehash(size_t slot_count);
  void TrimFreeSymbols();
  void EraseSlot(size_t slot);

  std::vector<Symbol> symbols_;
  uint32_t first_free_ = UINT32_MAX;
  size_t live_count_ = 0;
  std::vector<Chunk> chunks_;
  std::vector<uint32_t> free_chunks_;
  uint32_t current_chunk_ = kNoChunk;
  std::vector<uint32_t> slots_;  // symbol number + 1, 0 = empty; open addressing, linear probing
};

}  // namespace thermocline
