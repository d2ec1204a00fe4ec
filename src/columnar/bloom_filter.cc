#include "columnar/bloom_filter.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "columnar/compact_thrift.h"
#include "columnar/file_index.h"

namespace thermocline::columnar {

namespace {

constexpr uint64_t kBlockBytes = 32;
// Of the specification: one for each word of a block.
constexpr uint32_t kSalts[8] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

std::span<const uint8_t> AsBytes(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

bool ParseBloomHeader(std::span<const uint8_t> bytes, BloomHeader* header) {
  *header = BloomHeader();
  CompactReader in(bytes);
  unsigned known = 0;  // algorithm, hash and compression, each of them the first of its union
  in.Struct([&](int64_t id, int type) {
    if (id == 1) {
      header->bitset_bytes = in.Size(type);
    } else if (id >= 2 && id <= 4 && type == kThriftStruct) {
      in.Struct([&](int64_t choice, int inner) {
        if (choice == 1 && inner == kThriftStruct) known |= 1u << id;
        in.Skip(inner);
      });
    } else {
      in.Skip(type);
    }
  });
  header->header_bytes = static_cast<uint32_t>(in.offset());
  return in.ok() && known == 0b11100 && header->bitset_bytes >= kBlockBytes &&
         header->bitset_bytes % kBlockBytes == 0 && header->bitset_bytes <= kMaxBloomBytes;
}

bool BloomMayContain(std::span<const uint8_t> bitset, uint64_t hash) {
  const uint64_t blocks = bitset.size() / kBlockBytes;
  const uint8_t* block = bitset.data() + ((hash >> 32) * blocks >> 32) * kBlockBytes;
  const auto key = static_cast<uint32_t>(hash);
  for (const uint32_t salt : kSalts) {
    uint32_t word = 0;
    std::memcpy(&word, block, 4);
    if ((word >> (key * salt >> 27) & 1) == 0) return false;
    block += 4;
  }
  return true;
}

Result<bool> AskBloomFilter(const Object& object, const BloomPlace& place,
                            std::span<const std::string_view> any_of, ReadStats* stats) {
  const auto read = [&](uint64_t offset, uint64_t size_bytes) {
    stats->requests += 1;
    stats->bytes_read += size_bytes;
    return object.Read(offset, size_bytes);
  };
  const bool known = place.size_bytes != 0;
  const uint64_t room = known ? place.size_bytes : place.limit - place.offset;
  ASSIGN_OR_RETURN(const std::string bytes,
                   read(place.offset, known ? room : std::min(room, kMaxBloomHeaderBytes)));
  BloomHeader header;
  if (!ParseBloomHeader(AsBytes(bytes), &header)) return Status::Corruption("malformed header");
  const uint64_t whole = uint64_t{header.header_bytes} + header.bitset_bytes;
  if (known ? whole != room : whole > room) {
    return Status::Corruption(fmt::format("{} bytes in a place of {}", whole, room));
  }
  std::string bits;
  if (!known) {
    ASSIGN_OR_RETURN(bits, read(place.offset + header.header_bytes, header.bitset_bytes));
  }
  if (place.crc) {
    const std::string_view head =
        std::string_view(bytes).substr(0, known ? whole : header.header_bytes);
    if (const uint32_t crc = Crc32c(bits, Crc32c(head)); crc != *place.crc) {
      return Status::Corruption(fmt::format("checksum {:08x}, expected {:08x}", crc, *place.crc));
    }
  }
  const auto bitset = known ? AsBytes(bytes).subspan(header.header_bytes) : AsBytes(bits);
  return std::any_of(any_of.begin(), any_of.end(), [&](std::string_view value) {
    return BloomMayContain(bitset, Hash64(value));
  });
}

bool HasBloomFilter(const FileIndex& index, uint32_t column, uint32_t row_group) {
  return static_cast<const PagedFileIndex&>(index).bloom(column, row_group) != nullptr;
}

Result<bool> MayContain(const Object& object, const FileIndex& file_index, uint32_t column,
                        uint32_t row_group, std::span<const std::string_view> any_of,
                        ReadStats* stats) {
  const auto& index = static_cast<const PagedFileIndex&>(file_index);
  if (column >= index.schema().columns.size() || row_group >= index.row_groups()) {
    return Status::InvalidArgument(
        fmt::format("{}: no column {} in row group {}", index.name(), column, row_group));
  }
  const BloomEntry* bloom = index.bloom(column, row_group);
  if (bloom == nullptr) return true;
  auto answer = AskBloomFilter(
      object, {bloom->offset, bloom->size_bytes, index.footer_offset(), bloom->crc}, any_of, stats);
  if (answer.ok()) return answer;
  return answer.status().WithContext(
      fmt::format("{} column '{}' bloom filter at offset {}", index.name(),
                  index.schema().columns[column].path(), bloom->offset));
}

}  // namespace thermocline::columnar
