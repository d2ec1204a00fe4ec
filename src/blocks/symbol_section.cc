#include "blocks/symbol_section.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace thermocline {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;

}  // namespace

Result<SymbolSection> SymbolSection::Load(ObjectWindow* window, uint64_t offset,
                                          int index_version) {
  const std::string& key = window->object().key();
  ASSIGN_OR_RETURN(const std::string_view head, window->Exactly(offset, 8));
  ByteReader reader(head);
  const uint32_t length = BigEndianU32(&reader);
  SymbolSection section;
  section.count_ = BigEndianU32(&reader);
  section.by_offset_ = index_version == 1;
  section.first_offset_ = offset + 8;
  if (length < 4 || length > window->end() - offset - 8 || section.count_ > length - 4) {
    return Status::Corruption(
        fmt::format("{}: offset {}: {} symbols in {} bytes", key, offset, section.count_, length));
  }
  uint32_t crc = Crc32c(head.substr(4));
  section.bytes_.reserve(length - 4);
  for (uint64_t at = offset + 8; at < offset + 4 + length;) {
    ASSIGN_OR_RETURN(const std::string_view piece,
                     window->AtMost(at, std::min(kPieceBytes, offset + 4 + length - at)));
    if (piece.empty()) return Status::Corruption(fmt::format("{}: torn symbols", key));
    crc = Crc32c(piece, crc);
    section.bytes_.append(piece);
    at += piece.size();
  }
  ASSIGN_OR_RETURN(const std::string_view tail, window->Exactly(offset + 4 + length, 4));
  ByteReader stored(tail);
  if (BigEndianU32(&stored) != crc) {
    return Status::Corruption(
        fmt::format("{}: offset {}: checksum mismatch in the symbols", key, offset));
  }
  RETURN_IF_ERROR(section.Index(key, offset));
  return section;
}

// Checks every symbol once, so that At need not, and notes the places.
Status SymbolSection::Index(std::string_view where, uint64_t offset) {
  ByteReader reader(bytes_);
  if (!by_offset_) places_.reserve(count_);
  for (uint32_t i = 0; i < count_; ++i) {
    if (!by_offset_) places_.push_back(static_cast<uint32_t>(reader.offset()));
    reader.LengthPrefixed();
    if (!reader.ok()) {
      return Status::Corruption(
          fmt::format("{}: offset {}: symbol {} of {} is torn", where, offset, i, count_));
    }
  }
  return Status::Ok();
}

Result<std::string_view> SymbolSection::At(uint64_t reference) const {
  uint64_t place = 0;
  if (by_offset_) {
    if (reference < first_offset_ || reference >= first_offset_ + bytes_.size()) {
      return Status::Corruption(
          fmt::format("symbol reference {} is outside the symbols", reference));
    }
    place = reference - first_offset_;
  } else {
    if (reference >= count_) {
      return Status::Corruption(
          fmt::format("symbol reference {}, there are {}", reference, count_));
    }
    place = places_[reference];
  }
  ByteReader reader(std::string_view(bytes_).substr(place));
  const std::string_view symbol = reader.LengthPrefixed();
  if (!reader.ok()) {
    return Status::Corruption(fmt::format("symbol reference {} is between symbols", reference));
  }
  return symbol;
}

}  // namespace thermocline
