#include "shards/gateway_meta.h"

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/proto_reader.h"

namespace thermocline::shards {

namespace {

// Six million series each, as the gateway cuts them; a place takes some 400 bytes.
constexpr int64_t kMaxShards = 1 << 14;

enum MetaField : uint32_t { kMin = 1, kMax, kShards, kColumns, kVersion, kBlocks };

void PutTag(uint32_t field, WireType type, ByteWriter* to) {
  to->Varint(field << 3 | static_cast<uint32_t>(type));
}
// The last field, which readers of others pass over: a mark of ours and Hash64 of the bytes before
// the field, hexadecimal.
constexpr std::string_view kCheckHead = "\x7a\x14tlc:";  // field 15, 20 bytes
constexpr size_t kCheckDigits = 16;

std::string CheckDigits(std::string_view before) { return fmt::format("{:016x}", Hash64(before)); }

// The mark is known with one byte of it damaged, too: that is damage, and not a file of others.
Status VerifyCheck(std::string_view bytes) {
  if (bytes.size() < kCheckHead.size() + kCheckDigits) return Status::Ok();
  const size_t at = bytes.size() - kCheckHead.size() - kCheckDigits;
  const std::string_view head = bytes.substr(at, kCheckHead.size());
  size_t same = 0;
  for (size_t i = 0; i < head.size(); ++i) same += head[i] == kCheckHead[i] ? 1 : 0;
  if (same + 1 < kCheckHead.size()) return Status::Ok();
  const std::string expected = CheckDigits(bytes.substr(0, at));
  const std::string_view found = bytes.substr(at + kCheckHead.size());
  if (head == kCheckHead && found == expected) return Status::Ok();
  return Status::Corruption(
      fmt::format("meta.pb: {} bytes hash to {}, their check is {}", at, expected, found));
}

// Proto3 leaves zero out.
void PutInt(uint32_t field, int64_t value, ByteWriter* to) {
  if (value == 0) return;
  PutTag(field, WireType::kVarint, to);
  to->Varint(static_cast<uint64_t>(value));
}
void PutBytes(uint32_t field, std::string_view bytes, ByteWriter* to) {
  PutTag(field, WireType::kBytes, to);
  to->LengthPrefixed(bytes);
}

Status ReadColumns(std::string_view entry, GatewayMeta* meta) {
  std::string name;
  std::vector<std::string> columns;
  ProtoReader in(entry);
  while (in.Next()) {
    if (in.field() == 1) name = in.Bytes();
    if (in.field() != 2) continue;
    ProtoReader list(in.Bytes());
    while (list.Next()) {
      if (list.field() == 1) columns.emplace_back(list.Bytes());
    }
    if (!list.ok()) return Status::Corruption("meta.pb: malformed column map");
  }
  if (!in.ok()) return Status::Corruption("meta.pb: malformed column map");
  meta->columns_for_name[std::move(name)] = std::move(columns);
  return Status::Ok();
}

}  // namespace

Result<GatewayMeta> ParseGatewayMeta(std::string_view bytes) {
  RETURN_IF_ERROR(VerifyCheck(bytes));
  GatewayMeta meta;
  ProtoReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case kMin: meta.min_ms = in.Int64(); break;
      case kMax: meta.max_ms = in.Int64(); break;
      case kShards: meta.shards = in.Int64(); break;
      case kColumns: RETURN_IF_ERROR(ReadColumns(in.Bytes(), &meta)); break;
      case kVersion: meta.version = in.Int64(); break;
      case kBlocks: meta.converted_blocks.emplace_back(in.Bytes()); break;
      default: break;
    }
  }
  if (!in.ok()) {
    return Status::Corruption(fmt::format("meta.pb: malformed at offset {}", in.offset()));
  }
  if (meta.shards < 0 || meta.shards > kMaxShards || meta.max_ms < meta.min_ms) {
    return Status::Corruption(
        fmt::format("meta.pb: {} shards from {} to {}", meta.shards, meta.min_ms, meta.max_ms));
  }
  return meta;
}

std::string EncodeGatewayMeta(const GatewayMeta& meta) {
  std::string bytes;
  ByteWriter to(&bytes);
  PutInt(kMin, meta.min_ms, &to);
  PutInt(kMax, meta.max_ms, &to);
  PutInt(kShards, meta.shards, &to);
  for (const auto& [name, columns] : meta.columns_for_name) {
    std::string list;
    ByteWriter list_to(&list);
    for (const std::string& column : columns) PutBytes(1, column, &list_to);
    std::string entry;
    ByteWriter entry_to(&entry);
    PutBytes(1, name, &entry_to);
    PutBytes(2, list, &entry_to);
    PutBytes(kColumns, entry, &to);
  }
  PutInt(kVersion, meta.version, &to);
  for (const std::string& block : meta.converted_blocks) PutBytes(kBlocks, block, &to);
  const std::string digits = CheckDigits(bytes);
  return bytes.append(kCheckHead).append(digits);
}

Result<Labels> ParseStream(std::string_view bytes) {
  LabelsBuilder builder;
  ProtoReader in(bytes);
  while (in.Next()) {
    if (in.field() != 1) continue;
    std::string_view name;
    std::string_view value;
    ProtoReader entry(in.Bytes());
    while (entry.Next()) {
      if (entry.field() == 1) name = entry.Bytes();
      if (entry.field() == 2) value = entry.Bytes();
    }
    if (!entry.ok() || name.empty()) return Status::Corruption("stream.pb: malformed label");
    builder.Set(name, value);
  }
  if (!in.ok()) {
    return Status::Corruption(fmt::format("stream.pb: malformed at offset {}", in.offset()));
  }
  return builder.Build();
}

std::string EncodeStream(LabelsView external) {
  std::string bytes;
  ByteWriter to(&bytes);
  for (const LabelPair& pair : external) {
    std::string entry;
    ByteWriter entry_to(&entry);
    PutBytes(1, pair.name, &entry_to);
    PutBytes(2, pair.value, &entry_to);
    PutBytes(1, entry, &to);
  }
  return bytes;
}

}  // namespace thermocline::shards
