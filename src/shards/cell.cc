#include "shards/cell.h"

#include <fmt/core.h>

#include <bit>

#include "base/bytes.h"
#include "base/hash.h"

namespace thermocline::shards {

namespace {

// Of one series in some hours; a chunk is several times larger in memory than its least record.
constexpr size_t kMostChunks = size_t{1} << 18;

constexpr char kSeparator = '\xff';

int64_t Unzigzag(uint64_t v) { return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1)); }
uint64_t Zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}

uint32_t BigU32(ByteReader& in) { return __builtin_bswap32(in.U32()); }
uint64_t BigU64(ByteReader& in) { return __builtin_bswap64(in.U64()); }

Status BadCell(std::string_view cell, size_t offset, std::string_view what) {
  return Status::Corruption(
      fmt::format("cell of {} bytes, record at {}: {}", cell.size(), offset, what));
}

}  // namespace

Status ParseCell(CellFormat format, std::string_view cell, std::vector<CellChunk>* out) {
  ByteReader in(cell);
  const size_t first = out->size();
  while (!in.done()) {
    const size_t begin = in.offset();
    CellChunk chunk;
    uint64_t encoding = 0;
    uint64_t size = 0;
    if (format == CellFormat::kVarint) {
      encoding = in.Varint();
      chunk.min_ms = static_cast<int64_t>(in.Varint());
      chunk.max_ms = static_cast<int64_t>(in.Varint());
      size = in.Varint();
    } else {
      encoding = BigU32(in);
      chunk.min_ms = Unzigzag(BigU64(in));
      chunk.max_ms = Unzigzag(BigU64(in));
      size = BigU32(in);
    }
    chunk.bytes = in.Bytes(size);
    if (!in.ok()) return BadCell(cell, begin, "it passes the cell's end");
    if (encoding == 0 || encoding > 255) {
      return BadCell(cell, begin, fmt::format("chunk encoding {}", encoding));
    }
    if (chunk.max_ms < chunk.min_ms) {
      return BadCell(cell, begin, fmt::format("times from {} to {}", chunk.min_ms, chunk.max_ms));
    }
    if (out->size() >= first + kMostChunks) {
      return BadCell(cell, begin, fmt::format("more than {} chunks", kMostChunks));
    }
    chunk.encoding = static_cast<ChunkEncoding>(encoding);
    out->push_back(chunk);
  }
  return Status::Ok();
}

void AppendCellChunk(CellFormat format, const CellChunk& chunk, std::string* out) {
  ByteWriter to(out);
  if (format == CellFormat::kVarint) {
    to.Varint(static_cast<uint8_t>(chunk.encoding));
    to.Varint(static_cast<uint64_t>(chunk.min_ms));
    to.Varint(static_cast<uint64_t>(chunk.max_ms));
    to.Varint(chunk.bytes.size());
  } else {
    to.U32(__builtin_bswap32(static_cast<uint8_t>(chunk.encoding)));
    to.U64(__builtin_bswap64(Zigzag(chunk.min_ms)));
    to.U64(__builtin_bswap64(Zigzag(chunk.max_ms)));
    to.U32(__builtin_bswap32(static_cast<uint32_t>(chunk.bytes.size())));
  }
  to.Bytes(chunk.bytes);
}

Status ParseColumnList(std::string_view cell, uint32_t columns, std::vector<uint32_t>* leaves) {
  leaves->clear();
  ByteReader in(cell);
  const int64_t count = in.SignedVarint();
  if (!in.ok() || count < 0 || static_cast<uint64_t>(count) > in.remaining()) {
    return Status::Corruption(fmt::format("column list of {} bytes claims {}", cell.size(), count));
  }
  int64_t before = -1;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t leaf = in.SignedVarint();
    if (!in.ok() || leaf <= before || leaf >= static_cast<int64_t>(columns)) {
      return Status::Corruption(
          fmt::format("column list: {} of {} columns after {}", leaf, columns, before));
    }
    leaves->push_back(static_cast<uint32_t>(leaf));
    before = leaf;
  }
  if (!in.done()) {
    return Status::Corruption(fmt::format("column list: {} bytes too many", in.remaining()));
  }
  return Status::Ok();
}

void AppendColumnList(std::span<const uint32_t> leaves, std::string* out) {
  ByteWriter to(out);
  to.SignedVarint(static_cast<int64_t>(leaves.size()));
  for (const uint32_t leaf : leaves) to.SignedVarint(leaf);
}

uint64_t SeparatedHash(LabelsView labels) {
  std::string text;
  text.reserve(labels.packed().size() + 16);
  for (const LabelPair& pair : labels) {
    text.append(pair.name).push_back(kSeparator);
    text.append(pair.value).push_back(kSeparator);
  }
  return Hash64(text);
}

uint64_t PackedHash(LabelsView labels) {
  std::string text;
  text.reserve(labels.packed().size() + 16);
  const auto append = [&](std::string_view part) {
    // One byte, or 255 and three bytes, little-endian.
    const size_t size = part.size();
    if (size < 255) {
      text.push_back(static_cast<char>(size));
    } else {
      text.push_back(kSeparator);
      for (int shift = 0; shift < 24; shift += 8) text.push_back(static_cast<char>(size >> shift));
    }
    text.append(part);
  };
  for (const LabelPair& pair : labels) {
    append(pair.name);
    append(pair.value);
  }
  return Hash64(text);
}

uint64_t StreamHash(LabelsView labels) {
  if (labels.empty()) return 0;
  std::string text;
  for (const LabelPair& pair : labels) text.append(pair.name).append(pair.value);
  return Hash64(text);
}

std::string HashCell(uint64_t hash) {
  const uint64_t big = __builtin_bswap64(hash);
  return std::string(reinterpret_cast<const char*>(&big), sizeof(big));
}

}  // namespace thermocline::shards
