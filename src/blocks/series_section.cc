#include "blocks/series_section.h"

#include <fmt/core.h>

#include "base/hash.h"
#include "model/labels.h"

namespace thermocline {
namespace {

constexpr uint64_t kGuessBytes = 512;

// a + b, unless it leaves the range of timestamps.
bool AddTime(TimestampMs a, uint64_t b, TimestampMs* sum) {
  if (b > static_cast<uint64_t>(kMaxTimestampMs) - static_cast<uint64_t>(a)) return false;
  *sum = static_cast<TimestampMs>(static_cast<uint64_t>(a) + b);
  return true;
}

}  // namespace

Result<std::string_view> SeriesScanner::Body(SeriesRef series, uint64_t* offset) {
  const uint64_t at = series.number * place_.scale;
  *offset = at;
  const auto bad = [&](std::string_view what) {
    return Status::Corruption(fmt::format("{}: offset {}: series {}: {}", window_.object().key(),
                                          at, series.number, what));
  };
  if (at < place_.begin || at >= place_.end) return bad("outside the series section");
  ASSIGN_OR_RETURN(std::string_view bytes, window_.From(at, kGuessBytes));
  ByteReader reader(bytes);
  const uint64_t length = reader.Varint();
  if (!reader.ok() || length > place_.end - at) return bad("torn entry");
  const uint64_t head = reader.offset();
  if (reader.remaining() < length + 4) {
    ASSIGN_OR_RETURN(bytes, window_.Exactly(at, head + length + 4));
  }
  const std::string_view body = bytes.substr(head, length);
  ByteReader tail(bytes.substr(head + length, 4));
  if (BigEndianU32(&tail) != Crc32c(body)) return bad("checksum mismatch");
  return body;
}

Status SeriesScanner::ReadLabels(ByteReader* reader, std::string* packed) {
  const uint64_t count = reader->Varint();
  if (count > reader->remaining() / 2) return Status::Corruption("label count");
  if (packed != nullptr) packed->clear();
  std::string_view last;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t name_ref = reader->Varint();
    const uint64_t value_ref = reader->Varint();
    if (!reader->ok()) return Status::Corruption("torn labels");
    if (packed == nullptr) continue;
    ASSIGN_OR_RETURN(const std::string_view name, symbols_.At(name_ref));
    ASSIGN_OR_RETURN(const std::string_view value, symbols_.At(value_ref));
    if (name.empty() || (i > 0 && name <= last)) return Status::Corruption("labels out of order");
    last = name;
    if (!value.empty()) AppendPackedLabel(packed, name, value);
  }
  return Status::Ok();
}

Status SeriesScanner::ReadChunks(ByteReader* reader, std::vector<ChunkEntry>* chunks) {
  chunks->clear();
  const uint64_t count = reader->Varint();
  if (count > reader->remaining() / 3) return Status::Corruption("chunk count");
  chunks->reserve(count);
  ChunkEntry chunk;
  for (uint64_t i = 0; i < count; ++i) {
    bool in_range = true;
    if (i == 0) {
      chunk.min_ms = reader->SignedVarint();
      in_range = AddTime(chunk.min_ms, reader->Varint(), &chunk.max_ms);
      chunk.reference = reader->Varint();
    } else {
      in_range = AddTime(chunk.max_ms, reader->Varint(), &chunk.min_ms);
      in_range = AddTime(chunk.min_ms, reader->Varint(), &chunk.max_ms) && in_range;
      chunk.reference += static_cast<uint64_t>(reader->SignedVarint());
    }
    if (!reader->ok() || !in_range) return Status::Corruption("torn chunk list");
    chunks->push_back(chunk);
  }
  return Status::Ok();
}

Status SeriesScanner::Read(SeriesRef series, std::string* packed, std::vector<ChunkEntry>* chunks) {
  uint64_t offset = 0;
  ASSIGN_OR_RETURN(const std::string_view body, Body(series, &offset));
  ByteReader reader(body);
  Status status = ReadLabels(&reader, packed);
  if (status.ok() && chunks != nullptr) status = ReadChunks(&reader, chunks);
  if (status.ok() && !reader.ok()) status = Status::Corruption("torn entry");
  if (status.ok()) return status;
  return status.WithContext(
      fmt::format("{}: offset {}: series {}", window_.object().key(), offset, series.number));
}

}  // namespace thermocline
