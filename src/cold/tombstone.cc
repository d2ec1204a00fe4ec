#include "cold/tombstone.h"

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/hash.h"

namespace thermocline {
namespace {

constexpr std::string_view kMagic = "TCTOMB1\n";
constexpr size_t kBytes = 8 + 16 + 8 + 8;

}  // namespace

std::string TombstoneKey(const BlockId& id) {
  return fmt::format("{}{}.tombstone", kTombstoneFolder, id.ToString());
}

std::string EncodeTombstone(const Tombstone& tombstone) {
  std::string out(kMagic);
  ByteWriter writer(&out);
  const auto& id = tombstone.block.bytes;
  writer.Bytes(std::string_view(reinterpret_cast<const char*>(id.data()), id.size()));
  writer.I64(tombstone.removed_at_ms);
  writer.U64(Hash64(out));
  return out;
}

Result<Tombstone> DecodeTombstone(std::string_view bytes) {
  if (bytes.size() != kBytes || bytes.substr(0, kMagic.size()) != kMagic ||
      ByteReader(bytes.substr(kBytes - 8)).U64() != Hash64(bytes.substr(0, kBytes - 8))) {
    return Status::Corruption(
        fmt::format("tombstone: bad magic or hash in {} bytes", bytes.size()));
  }
  ByteReader in(bytes.substr(kMagic.size()));
  Tombstone tombstone;
  const std::string_view id = in.Bytes(16);
  std::memcpy(tombstone.block.bytes.data(), id.data(), id.size());
  tombstone.removed_at_ms = in.I64();
  return tombstone;
}

}  // namespace thermocline
