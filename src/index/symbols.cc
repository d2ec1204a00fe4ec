#include "index/symbols.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"

namespace thermocline {
namespace {

constexpr uint32_t kChunkBytes = 64 * 1024;
constexpr size_t kMinSlots = 64;

size_t Footprint(std::string_view text) {
  return text.size() < 0xff ? text.size() + 1 : text.size() + 1 + sizeof(uint32_t);
}

}  // namespace

SymbolTable::SymbolTable() : slots_(kMinSlots, 0) {}

uint32_t SymbolTable::NewChunk(uint32_t capacity) {
  uint32_t number;
  if (free_chunks_.empty()) {
    number = static_cast<uint32_t>(chunks_.size());
    chunks_.emplace_back();
  } else {
    number = free_chunks_.back();
    free_chunks_.pop_back();
  }
  chunks_[number] = {std::make_unique<char[]>(capacity), capacity, 0, 0};
  return number;
}

void SymbolTable::Place(std::string_view text, Symbol* symbol) {
  const auto size = static_cast<uint32_t>(Footprint(text));
  uint32_t number;
  if (size > kChunkBytes / 4) {
    number = NewChunk(size);
  } else {
    if (current_chunk_ == kNoChunk || chunks_[current_chunk_].used + size > kChunkBytes) {
      current_chunk_ = NewChunk(kChunkBytes);
    }
    number = current_chunk_;
  }
  Chunk& chunk = chunks_[number];
  char* at = chunk.bytes.get() + chunk.used;
  if (text.size() < 0xff) {
    *at++ = static_cast<char>(text.size());
  } else {
    *at++ = static_cast<char>(0xff);
    const auto length = static_cast<uint32_t>(text.size());
    std::memcpy(at, &length, sizeof(length));
    at += sizeof(length);
  }
  std::copy(text.begin(), text.end(), at);
  symbol->chunk = number;
  symbol->offset = chunk.used;
  chunk.used += size;
  chunk.live += size;
}

size_t SymbolTable::Slot(std::string_view text) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = Hash64(text) & mask;
  while (slots_[slot] != 0 && TextOf(symbols_[slots_[slot] - 1]) != text) slot = (slot + 1) & mask;
  return slot;
}

SymbolId SymbolTable::Find(std::string_view text) const {
  const uint32_t found = slots_[Slot(text)];
  return found == 0 ? kNoSymbol : SymbolId(found - 1);
}

SymbolId SymbolTable::Acquire(std::string_view text) {
  size_t slot = Slot(text);
  if (slots_[slot] != 0) {
    ++symbols_[slots_[slot] - 1].references;
    return SymbolId(slots_[slot] - 1);
  }
  if ((live_count_ + 1) * 4 > slots_.size() * 3) {
    Rehash(slots_.size() * 2);
    slot = Slot(text);
  }
  uint32_t number = first_free_;
  if (number != UINT32_MAX) {
    first_free_ = symbols_[number].offset;
  } else {
    number = static_cast<uint32_t>(symbols_.size());
    symbols_.emplace_back();
  }
  Place(text, &symbols_[number]);
  symbols_[number].references = 1;
  slots_[slot] = number + 1;
  ++live_count_;
  return SymbolId(number);
}

void SymbolTable::Release(SymbolId id) {
  Symbol& symbol = symbols_[id.number];
  CHECK(symbol.chunk != kNoChunk && symbol.references > 0);
  if (--symbol.references > 0) return;
  const std::string_view text = TextOf(symbol);
  EraseSlot(Slot(text));
  Chunk& chunk = chunks_[symbol.chunk];
  chunk.live -= static_cast<uint32_t>(Footprint(text));
  if (chunk.live == 0) {
    if (symbol.chunk == current_chunk_) current_chunk_ = kNoChunk;
    free_chunks_.push_back(symbol.chunk);
    chunk = {};
  }
  symbol = {kNoChunk, first_free_, 0};
  first_free_ = id.number;
  --live_count_;
}

// Closes the gap that linear probing would otherwise stop at.
void SymbolTable::EraseSlot(size_t slot) {
  const size_t mask = slots_.size() - 1;
  size_t gap = slot;
  for (size_t next = (slot + 1) & mask; slots_[next] != 0; next = (next + 1) & mask) {
    const size_t home = Hash64(TextOf(symbols_[slots_[next] - 1])) & mask;
    if (((next - home) & mask) >= ((next - gap) & mask)) {
      slots_[gap] = slots_[next];
      gap = next;
    }
  }
  slots_[gap] = 0;
}

void SymbolTable::Rehash(size_t slot_count) {
  std::vector<uint32_t>(slot_count, 0).swap(slots_);
  const size_t mask = slot_count - 1;
  for (size_t i = 0; i < symbols_.size(); ++i) {
    if (symbols_[i].chunk == kNoChunk) continue;
    size_t slot = Hash64(TextOf(symbols_[i])) & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<uint32_t>(i) + 1;
  }
}

// Free numbers at the end go; the list of the others is made anew, lowest first.
void SymbolTable::TrimFreeSymbols() {
  const size_t before = symbols_.size();
  while (!symbols_.empty() && symbols_.back().chunk == kNoChunk) symbols_.pop_back();
  if (symbols_.size() == before) return;
  first_free_ = UINT32_MAX;
  for (size_t i = symbols_.size(); i-- > 0;) {
    if (symbols_[i].chunk != kNoChunk) continue;
    symbols_[i].offset = first_free_;
    first_free_ = static_cast<uint32_t>(i);
  }
  if (symbols_.size() < symbols_.capacity() / 4) symbols_.shrink_to_fit();
}

void SymbolTable::Compact() {
  TrimFreeSymbols();
  // Only chunks that are mostly dead are worth a move.
  std::vector<bool> sparse(chunks_.size(), false);
  for (size_t i = 0; i < chunks_.size(); ++i) {
    sparse[i] = chunks_[i].capacity > 0 && chunks_[i].live < chunks_[i].used / 2;
  }
  if (current_chunk_ != kNoChunk && sparse[current_chunk_]) current_chunk_ = kNoChunk;
  for (Symbol& symbol : symbols_) {
    if (symbol.chunk == kNoChunk || symbol.chunk >= sparse.size() || !sparse[symbol.chunk])
      continue;
    Place(TextOf(symbol), &symbol);
  }
  for (size_t i = 0; i < sparse.size(); ++i) {
    if (!sparse[i]) continue;
    chunks_[i] = {};
    free_chunks_.push_back(static_cast<uint32_t>(i));
  }
  size_t slot_count = slots_.size();
  while (slot_count > kMinSlots && live_count_ * 4 < slot_count) slot_count /= 2;
  if (slot_count < slots_.size()) Rehash(slot_count);
}

uint64_t SymbolTable::memory_bytes() const {
  uint64_t bytes = symbols_.capacity() * sizeof(Symbol) + slots_.capacity() * sizeof(uint32_t) +
                   chunks_.capacity() * sizeof(Chunk);
  for (const Chunk& chunk : chunks_) bytes += chunk.capacity;
  return bytes;
}

}  // namespace thermocline
