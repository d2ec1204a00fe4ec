#include "cold/manifest.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/hash.h"

namespace thermocline {
namespace {

constexpr std::string_view kMagic = "TCMANIF\n";
constexpr uint32_t kVersion = 1;

// Stored on disk: never renumber.
enum class Section : uint8_t { kTable = 1, kBlock = 2, kMark = 3, kRemoved = 4, kColumns = 5 };

void PutId(ByteWriter& out, const BlockId& id) {
  out.Bytes(std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
}

BlockId TakeId(ByteReader& in) {
  BlockId id;
  const std::string_view bytes = in.Bytes(id.bytes.size());
  if (in.ok()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

void PutMark(ByteWriter& out, const FlushMark& mark) {
  out.I64(mark.range.start_ms);
  out.I64(mark.range.end_ms);
  out.U64(mark.through.number);
}

FlushMark TakeMark(ByteReader& in) {
  FlushMark mark;
  mark.range.start_ms = in.I64();
  mark.range.end_ms = in.I64();
  mark.through = Lsn(in.U64());
  return mark;
}

// A count that the rest of the input can hold, each element having at least `least` bytes.
uint64_t TakeCount(ByteReader& in, size_t least) {
  const uint64_t count = in.Varint();
  if (count > in.remaining() / least) in.Fail();
  return in.ok() ? count : 0;
}

void PutBlock(ByteWriter& out, const BlockEntry& block) {
  PutId(out, block.id);
  out.LengthPrefixed(block.tenant.name);
  out.I64(block.range.start_ms);
  out.I64(block.range.end_ms);
  out.I64(block.resolution_ms);
  out.U32(block.generation);
  out.U64(block.series);
  out.U64(block.samples);
  out.Varint(block.replaces.size());
  for (const BlockId& id : block.replaces) PutId(out, id);
  out.Varint(block.flushed.size());
  for (const FlushMark& mark : block.flushed) PutMark(out, mark);
  out.Varint(block.files.size());
  for (const BlockFile& file : block.files) {
    out.U8(static_cast<uint8_t>(file.kind));
    out.LengthPrefixed(file.key);
    out.U64(file.size_bytes);
    out.U64(file.rows);
    out.U64(file.file_hash);
    out.U64(file.tail.size_bytes);
    out.U64(file.tail.hash);
  }
}

BlockEntry TakeBlock(ByteReader& in) {
  BlockEntry block;
  block.id = TakeId(in);
  block.tenant = TenantId(std::string(in.LengthPrefixed()));
  block.range.start_ms = in.I64();
  block.range.end_ms = in.I64();
  block.resolution_ms = in.I64();
  block.generation = in.U32();
  block.series = in.U64();
  block.samples = in.U64();
  for (uint64_t left = TakeCount(in, 16); left > 0; --left) block.replaces.push_back(TakeId(in));
  for (uint64_t left = TakeCount(in, 24); left > 0; --left) block.flushed.push_back(TakeMark(in));
  for (uint64_t left = TakeCount(in, 42); left > 0; --left) {
    BlockFile file;
    file.kind = static_cast<BlockFileKind>(in.U8());
    file.key = in.LengthPrefixed();
    file.size_bytes = in.U64();
    file.rows = in.U64();
    file.file_hash = in.U64();
    file.tail.size_bytes = in.U64();
    file.tail.hash = in.U64();
    block.files.push_back(std::move(file));
  }
  return block;
}

void PutRemoved(ByteWriter& out, const RemovedBlock& removed) {
  PutId(out, removed.id);
  out.I64(removed.removed_at_ms);
  out.U64(removed.size_bytes);
  out.Varint(removed.keys.size());
  for (const std::string& key : removed.keys) out.LengthPrefixed(key);
}

RemovedBlock TakeRemoved(ByteReader& in) {
  RemovedBlock removed;
  removed.id = TakeId(in);
  removed.removed_at_ms = in.I64();
  removed.size_bytes = in.U64();
  for (uint64_t left = TakeCount(in, 1); left > 0; --left) {
    removed.keys.emplace_back(in.LengthPrefixed());
  }
  return removed;
}

void PutSection(std::string* out, Section section, std::string_view body) {
  ByteWriter writer(out);
  writer.U8(static_cast<uint8_t>(section));
  writer.LengthPrefixed(body);
}

// Decodes the body of one section into `manifest`; false when it is malformed.
Status TakeSection(uint8_t tag, std::string_view body, Manifest* manifest) {
  ByteReader in(body);
  switch (static_cast<Section>(tag)) {
    case Section::kTable:
      manifest->writer_epoch = in.U64();
      manifest->last_flushed_lsn = Lsn(in.U64());
      manifest->tenant = TenantId(std::string(in.LengthPrefixed()));
      break;
    case Section::kBlock: manifest->blocks.push_back(TakeBlock(in)); break;
    case Section::kMark: manifest->flushed.push_back(TakeMark(in)); break;
    case Section::kRemoved: manifest->removed.push_back(TakeRemoved(in)); break;
    case Section::kColumns: {
      ASSIGN_OR_RETURN(manifest->label_columns, LabelColumns::FromJson(in.Bytes(body.size())));
      break;
    }
    default:
      return Status::Unimplemented(
          fmt::format("manifest section {}: written by a newer version", tag));
  }
  if (!in.ok() || !in.done()) {
    return Status::Corruption(fmt::format("manifest section {}: malformed at its byte {} of {}",
                                          tag, in.offset(), body.size()));
  }
  return Status::Ok();
}

Status CheckKey(const std::string& key, std::set<std::string>* seen) {
  const bool relative = !key.empty() && key.front() != '/' && key.find('\0') == key.npos &&
                        ('/' + key + '/').find("/../") == key.npos;
  if (!relative || !seen->insert(key).second) {
    return Status::Corruption("manifest: bad or repeated file key '" + key + "'");
  }
  return Status::Ok();
}

Status CheckBlock(const BlockEntry& block, std::set<std::string>* keys) {
  const auto bad = [&](std::string_view what) {
    return Status::Corruption(fmt::format("manifest: block {}: {}", block.id.ToString(), what));
  };
  if (block.range.empty() ||
      FloorTo(block.range.start_ms, kDayMs) != FloorTo(block.range.end_ms, kDayMs)) {
    return bad("its time range is empty or crosses a UTC day");
  }
  if (block.resolution_ms < 0 || block.files.empty()) return bad("no files or bad resolution");
  for (size_t i = 0; i < block.files.size(); ++i) {
    const BlockFile& file = block.files[i];
    if (FolderOf(file.kind).empty()) return bad("a file of an unknown kind");
    if (i > 0 && file.kind <= block.files[i - 1].kind) return bad("files out of order");
    if (file.tail.size_bytes > file.size_bytes) return bad("a tail larger than its file");
    RETURN_IF_ERROR(CheckKey(file.key, keys));
  }
  return Status::Ok();
}

}  // namespace

std::string_view FolderOf(BlockFileKind kind) {
  switch (kind) {
    case BlockFileKind::kSamples: return "samples";
    case BlockFileKind::kSeries: return "series";
    case BlockFileKind::kLabels: return "labels";
    case BlockFileKind::kHistograms: return "histograms";
    case BlockFileKind::kExemplars: return "exemplars";
    case BlockFileKind::kMetadata: return "metadata";
    case BlockFileKind::kFilter: return "filters";
  }
  return "";
}

uint64_t BlockEntry::size_bytes() const {
  uint64_t size = 0;
  for (const BlockFile& file : files) size += file.size_bytes;
  return size;
}

const BlockFile* BlockEntry::Find(BlockFileKind kind) const {
  for (const BlockFile& file : files) {
    if (file.kind == kind) return &file;
  }
  return nullptr;
}

const BlockEntry* Manifest::Find(const BlockId& id) const {
  const auto it = std::lower_bound(blocks.begin(), blocks.end(), id,
                                   [](const BlockEntry& b, const BlockId& i) { return b.id < i; });
  return it != blocks.end() && it->id == id ? &*it : nullptr;
}

void Manifest::AddMark(const FlushMark& mark) {
  last_flushed_lsn = std::max(last_flushed_lsn, mark.through);
  for (FlushMark& known : flushed) {
    if (known.range == mark.range) {
      known.through = std::max(known.through, mark.through);
      return;
    }
  }
  const auto at = std::lower_bound(flushed.begin(), flushed.end(), mark,
                                   [](const FlushMark& a, const FlushMark& b) {
                                     return std::pair(a.range.start_ms, a.range.end_ms) <
                                            std::pair(b.range.start_ms, b.range.end_ms);
                                   });
  flushed.insert(at, mark);
}

Status Manifest::Validate() const {
  std::set<std::string> keys;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i > 0 && blocks[i].id <= blocks[i - 1].id) {
      return Status::Corruption("manifest: blocks out of order at " + blocks[i].id.ToString());
    }
    if (blocks[i].tenant != tenant) {
      return Status::Corruption("manifest: another tenant's block " + blocks[i].id.ToString());
    }
    RETURN_IF_ERROR(CheckBlock(blocks[i], &keys));
    for (const BlockId& id : blocks[i].replaces) {
      if (Find(id) != nullptr) {
        return Status::Corruption("manifest: replaced block is still listed: " + id.ToString());
      }
    }
  }
  for (const RemovedBlock& block : removed) {
    for (const std::string& key : block.keys) RETURN_IF_ERROR(CheckKey(key, &keys));
  }
  for (const FlushMark& mark : flushed) {
    if (mark.range.empty() || mark.through > last_flushed_lsn) {
      return Status::Corruption("manifest: a flush mark is empty or ahead of the log");
    }
  }
  return Status::Ok();
}

std::string EncodeManifest(const Manifest& manifest) {
  std::string out(kMagic);
  ByteWriter head(&out);
  head.U32(kVersion);
  head.U64(manifest.number);
  std::string body;
  const auto put = [&](Section section, auto&& fill) {
    body.clear();
    ByteWriter writer(&body);
    fill(writer);
    PutSection(&out, section, body);
  };
  put(Section::kTable, [&](ByteWriter& w) {
    w.U64(manifest.writer_epoch);
    w.U64(manifest.last_flushed_lsn.number);
    w.LengthPrefixed(manifest.tenant.name);
  });
  put(Section::kColumns, [&](ByteWriter& w) { w.Bytes(manifest.label_columns.ToJson()); });
  for (const BlockEntry& block : manifest.blocks) {
    put(Section::kBlock, [&](ByteWriter& w) { PutBlock(w, block); });
  }
  for (const FlushMark& mark : manifest.flushed) {
    put(Section::kMark, [&](ByteWriter& w) { PutMark(w, mark); });
  }
  for (const RemovedBlock& removed : manifest.removed) {
    put(Section::kRemoved, [&](ByteWriter& w) { PutRemoved(w, removed); });
  }
  head.U64(Hash64(out));
  return out;
}

Result<Manifest> DecodeManifest(std::string_view bytes) {
  const size_t least = kMagic.size() + 4 + 8 + 8;
  if (bytes.size() < least || bytes.substr(0, kMagic.size()) != kMagic) {
    return Status::Corruption(
        fmt::format("manifest: no magic, or fewer than {} bytes: {}", least, bytes.size()));
  }
  const std::string_view content = bytes.substr(0, bytes.size() - 8);
  if (const uint64_t hash = ByteReader(bytes.substr(content.size())).U64();
      hash != Hash64(content)) {
    return Status::Corruption(
        fmt::format("manifest: hash {:016x} expected, {:016x} found", hash, Hash64(content)));
  }
  ByteReader in(content.substr(kMagic.size()));
  if (const uint32_t version = in.U32(); version != kVersion) {
    return Status::Unimplemented(fmt::format("manifest: version {} is not {}", version, kVersion));
  }
  Manifest manifest;
  manifest.number = in.U64();
  while (in.ok() && !in.done()) {
    const uint8_t tag = in.U8();
    const std::string_view body = in.LengthPrefixed();
    if (in.ok()) RETURN_IF_ERROR(TakeSection(tag, body, &manifest));
  }
  if (!in.ok()) {
    return Status::Corruption(fmt::format("manifest: cut at byte {}", in.offset()));
  }
  RETURN_IF_ERROR(manifest.Validate());
  return manifest;
}

}  // namespace thermocline
