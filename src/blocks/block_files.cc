#include "blocks/block_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace thermocline {
namespace {

constexpr uint32_t kSegmentMagic = 0x85BD40DD;

// The number that a segment file's name is; nullopt for other files.
std::optional<uint64_t> SegmentNumber(std::string_view name) {
  uint64_t number = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) return std::nullopt;
  return number;
}

Status CheckSegment(const Object& object) {
  if (object.size_bytes() < 8) {
    return Status::Corruption(fmt::format("{}: only {} bytes", object.key(), object.size_bytes()));
  }
  ASSIGN_OR_RETURN(const std::string head, object.Read(0, 8));
  ByteReader reader(head);
  const uint32_t magic = BigEndianU32(&reader);
  const uint8_t version = reader.U8();
  if (magic != kSegmentMagic || version != 1) {
    return Status::Corruption(
        fmt::format("{}: offset 0: magic {:08x} version {}, expected {:08x} 1", object.key(), magic,
                    version, kSegmentMagic));
  }
  return Status::Ok();
}

Status OpenSegments(Bucket& bucket, const std::string& prefix, BlockFiles* files) {
  const std::string folder = prefix + "chunks/";
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, bucket.List(folder));
  std::vector<std::pair<uint64_t, const ObjectInfo*>> segments;
  for (const ObjectInfo& object : objects) {
    const auto number = SegmentNumber(std::string_view(object.key).substr(folder.size()));
    if (number) segments.emplace_back(*number, &object);
  }
  std::sort(segments.begin(), segments.end());
  for (const auto& [number, info] : segments) {
    ASSIGN_OR_RETURN(auto object, bucket.Open(info->key, info->size_bytes));
    RETURN_IF_ERROR(CheckSegment(*object));
    files->segments.push_back(std::move(object));
  }
  return Status::Ok();
}

}  // namespace

Result<std::shared_ptr<const BlockFiles>> BlockFiles::Open(Bucket& bucket,
                                                           const std::string& prefix,
                                                           const BlockOptions& options) {
  auto files = std::make_shared<BlockFiles>();
  files->options = options;
  files->prefix = prefix;
  const std::string meta_key = prefix + "meta.json";
  ASSIGN_OR_RETURN(const std::string meta, bucket.Get(meta_key));
  ASSIGN_OR_RETURN(files->meta, ParseBlockMeta(meta, meta_key));
  if (files->meta.resolution_ms != 0) {
    return Status::Unimplemented(fmt::format(
        "{}: the block is downsampled by Thanos to {} ms: its aggregate chunks (encoding 255) are "
        "not read, take the raw block; --on-error=skip leaves such blocks of a folder out",
        meta_key, files->meta.resolution_ms));
  }
  ASSIGN_OR_RETURN(auto index, bucket.Open(prefix + "index"));
  ASSIGN_OR_RETURN(files->index, BlockIndex::Open(std::move(index)));
  RETURN_IF_ERROR(OpenSegments(bucket, prefix, files.get()));
  const std::string tombstones_key = prefix + "tombstones";
  const auto tombstones = bucket.Get(tombstones_key, uint64_t{1} << 30);
  if (tombstones.ok()) {
    ASSIGN_OR_RETURN(files->tombstones, Tombstones::Parse(*tombstones, tombstones_key));
  } else if (tombstones.status().code() != Code::kNotFound) {
    return tombstones.status();
  }
  return std::shared_ptr<const BlockFiles>(std::move(files));
}

}  // namespace thermocline
