// Opening the cold tier: the manifest is the truth; where it is lost or damaged it is made anew
// from the footers of the series files and the tombstones.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/hash.h"
#include "cold/block_footer.h"
#include "cold/block_reader.h"
#include "cold/cold_tier.h"
#include "cold/tombstone.h"
#include "env/failpoint.h"

namespace thermocline {
namespace {

FailPoint kAfterRebuild("cold.after_rebuild");

constexpr std::string_view kSeriesFolder = "series/";
constexpr uint64_t kHashChunkBytes = 4 << 20;
// What an interrupted rebuild or a lost manifest leaves unexplained is kept here, never deleted.
constexpr std::string_view kLostFolder = "lost";

Result<uint64_t> HashOf(const Object& object) {
  Hash64Stream hash;
  for (uint64_t at = 0; at < object.size_bytes(); at += kHashChunkBytes) {
    const uint64_t size = std::min(kHashChunkBytes, object.size_bytes() - at);
    ASSIGN_OR_RETURN(const std::string bytes, object.Read(at, size));
    hash.Update(bytes);
  }
  return hash.Digest();
}

// Pages lie before the tail without a gap, so the tail begins where the last page ends.
uint64_t TailBytes(const columnar::FileIndex& index) {
  uint64_t end = 0;
  for (uint32_t column = 0; column < index.schema().columns.size(); ++column) {
    if (const size_t pages = index.page_count(column); pages > 0) {
      const columnar::PageInfo page = index.page(column, pages - 1);
      end = std::max(end, page.offset + page.size_bytes);
    }
  }
  return index.file_size_bytes() - end;
}

struct FoundBlock {
  BlockEntry entry;
  LabelColumns columns;
};

// The block of a series file, if all its files are there as the footer says.
Result<FoundBlock> ReadBlock(Bucket& bucket, const std::string& series_key,
                             const std::map<std::string, uint64_t>& sizes) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Object> object, bucket.Open(series_key));
  columnar::ReadStats stats;
  ASSIGN_OR_RETURN(const std::shared_ptr<const columnar::FileIndex> index,
                   columnar::FileReader::ReadIndex(*object, {std::nullopt, series_key}, &stats));
  ASSIGN_OR_RETURN(BlockFooter footer, ParseSeriesKeyValues(index->key_values()));
  BlockEntry& entry = footer.block;
  if (BlockFileKey(BlockFileKind::kSeries, entry.id, entry.range.start_ms) != series_key) {
    return Status::Corruption("the footer is of block " + entry.id.ToString());
  }
  for (const BlockFile& file : entry.files) {
    const auto it = sizes.find(file.key);
    if (it == sizes.end() || it->second != file.size_bytes) {
      return Status::Corruption(
          fmt::format("{} should have {} bytes and {}", file.key, file.size_bytes,
                      it == sizes.end() ? "is missing" : fmt::format("has {}", it->second)));
    }
  }
  BlockFile series{BlockFileKind::kSeries, series_key, object->size_bytes(), index->rows(), 0, {}};
  ASSIGN_OR_RETURN(series.file_hash, HashOf(*object));
  series.tail.size_bytes = TailBytes(*index);
  ASSIGN_OR_RETURN(const std::string tail, object->Read(series.size_bytes - series.tail.size_bytes,
                                                        series.tail.size_bytes));
  series.tail.hash = Hash64(tail);
  const auto at = std::find_if(entry.files.begin(), entry.files.end(), [](const BlockFile& file) {
    return file.kind > BlockFileKind::kSeries;
  });
  entry.files.insert(at, std::move(series));
  return FoundBlock{std::move(entry), std::move(footer.columns)};
}

RemovedBlock RemovedOf(const BlockEntry& entry, int64_t now_ms) {
  RemovedBlock removed{entry.id, now_ms, entry.size_bytes(), {}};
  for (const BlockFile& file : entry.files) {
    const bool series = file.kind == BlockFileKind::kSeries;
    removed.keys.insert(series ? removed.keys.begin() : removed.keys.end(), file.key);
  }
  return removed;
}

// Names that are new in a folder are durable only once each folder above is synced.
Status CreateDurably(FileSystem& files, const std::string& directory) {
  if (files.Exists(directory)) return Status::Ok();
  RETURN_IF_ERROR(files.CreateDirectories(directory));
  // At most tenants/<id>/cold below a data folder that may be new itself.
  std::string path = directory;
  for (int depth = 0; depth < 4 && path != "/" && path != "."; ++depth) {
    path = ParentPath(path);
    RETURN_IF_ERROR(files.SyncDirectory(path));
  }
  return Status::Ok();
}

std::set<std::string> KnownKeys(const Manifest& manifest) {
  std::set<std::string> known;
  for (const BlockEntry& entry : manifest.blocks) {
    for (const BlockFile& file : entry.files) known.insert(file.key);
  }
  for (const RemovedBlock& removed : manifest.removed) {
    known.insert(removed.keys.begin(), removed.keys.end());
    known.insert(TombstoneKey(removed.id));
  }
  return known;
}

}  // namespace

Result<std::vector<ObjectInfo>> ColdTier::ListFiles() const {
  std::vector<ObjectInfo> files;
  for (uint8_t kind = 1; !FolderOf(static_cast<BlockFileKind>(kind)).empty(); ++kind) {
    const std::string prefix = std::string(FolderOf(static_cast<BlockFileKind>(kind))) + '/';
    ASSIGN_OR_RETURN(const std::vector<ObjectInfo> found, bucket_->List(prefix));
    files.insert(files.end(), found.begin(), found.end());
  }
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> tombstones,
                   bucket_->List(std::string(kTombstoneFolder)));
  files.insert(files.end(), tombstones.begin(), tombstones.end());
  return files;
}

// Adds to `base` every whole block that it does not know, takes out what tombstones and newer
// blocks say is gone, and, when writing, sets aside what is left over.
Result<Manifest> ColdTier::Rebuild(Manifest base, bool writable, ColdOpenSummary* summary) {
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> files, ListFiles());
  const std::set<std::string> known = KnownKeys(base);
  std::map<std::string, uint64_t> sizes;
  for (const ObjectInfo& file : files) sizes.emplace(file.key, file.size_bytes);
  std::map<BlockId, BlockEntry> blocks;
  std::set<BlockId> gone;
  for (BlockEntry& entry : base.blocks) blocks.emplace(entry.id, std::move(entry));
  for (const ObjectInfo& file : files) {
    if (known.contains(file.key)) continue;
    if (file.key.starts_with(kTombstoneFolder)) {
      ASSIGN_OR_RETURN(const std::string bytes, bucket_->Get(file.key));
      const Result<Tombstone> tombstone = DecodeTombstone(bytes);
      if (tombstone.ok()) gone.insert(tombstone->block);
      if (!tombstone.ok()) {
        summary->warnings.push_back(file.key + ": " + tombstone.status().ToString());
      }
      continue;
    }
    if (!file.key.starts_with(kSeriesFolder)) continue;
    Result<FoundBlock> found = ReadBlock(*bucket_, file.key, sizes);
    if (!found.ok()) {
      summary->warnings.push_back(file.key + ": not a whole block: " + found.status().ToString());
      continue;
    }
    if (found->entry.tenant != options_.tenant) {
      summary->warnings.push_back(file.key + ": a block of another tenant");
      continue;
    }
    base.label_columns.Merge(found->columns);
    for (const FlushMark& mark : found->entry.flushed) base.AddMark(mark);
    blocks.emplace(found->entry.id, std::move(found->entry));
  }
  for (const auto& [id, entry] : blocks) gone.insert(entry.replaces.begin(), entry.replaces.end());
  base.blocks.clear();
  for (auto& [id, entry] : blocks) {
    if (gone.contains(id)) {
      base.removed.push_back(RemovedOf(entry, env_.clock.NowMs()));
    } else {
      base.blocks.push_back(std::move(entry));
    }
  }
  if (!writable) return base;
  const std::set<std::string> explained = KnownKeys(base);
  for (const ObjectInfo& file : files) {
    if (explained.contains(file.key) || file.key.starts_with(kTombstoneFolder)) continue;
    const std::string to = JoinPath(JoinPath(options_.directory, kLostFolder), file.key);
    RETURN_IF_ERROR(CreateDurably(env_.files, ParentPath(to)));
    const std::string from = JoinPath(options_.directory, file.key);
    RETURN_IF_ERROR(env_.files.Rename(from, to));
    RETURN_IF_ERROR(env_.files.SyncDirectory(ParentPath(to)));
    RETURN_IF_ERROR(env_.files.SyncDirectory(ParentPath(from)));
    summary->warnings.push_back(
        fmt::format("{}: no whole block has it; moved to {}", file.key, to));
  }
  RETURN_IF_ERROR(kAfterRebuild.Hit());
  return base;
}

Status ColdTier::Load(bool writable, ColdOpenSummary* summary) {
  MutexLock lock(write_mutex_);
  if (writable) {
    RETURN_IF_ERROR(CreateDurably(env_.files, options_.directory));
    ASSIGN_OR_RETURN([[maybe_unused]] const uint64_t unfinished, bucket_->RemoveUnfinished());
  }
  Result<ManifestFiles::Loaded> loaded = manifest_files_.Load();
  Manifest manifest;
  manifest.tenant = options_.tenant;
  if (loaded.ok()) {
    summary->warnings = loaded->warnings;
    manifest = std::move(loaded->manifest);
    if (manifest.tenant != options_.tenant) {
      return Status::InvalidArgument(fmt::format("{}: the manifest is of tenant '{}', not '{}'",
                                                 options_.directory, manifest.tenant.name,
                                                 options_.tenant.name));
    }
  } else if (loaded.status().code() == Code::kCorruption) {
    summary->warnings.push_back(loaded.status().ToString());
  } else if (loaded.status().code() != Code::kNotFound) {
    return loaded.status();
  }
  if (!loaded.ok() || !loaded->warnings.empty()) {
    const size_t before = manifest.blocks.size();
    ASSIGN_OR_RETURN(manifest, Rebuild(std::move(manifest), writable, summary));
    summary->rebuilt = !summary->warnings.empty() || manifest.blocks.size() != before;
  }
  RETURN_IF_ERROR(manifest.Validate());
  manifest_ = std::move(manifest);
  label_columns_ = manifest_.label_columns;
  for (const BlockEntry& entry : manifest_.blocks) {
    last_block_ms_ = std::max(last_block_ms_, entry.id.unix_ms());
    summary->samples += entry.samples;
  }
  summary->blocks = manifest_.blocks.size();
  const std::set<std::string> known = KnownKeys(manifest_);
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> files, ListFiles());
  for (const ObjectInfo& file : files) {
    if (!known.contains(file.key)) summary->orphans.push_back(file.key);
  }
  if (!writable) {
    Publish(manifest_);
    return Status::Ok();
  }
  writable_ = true;
  Manifest next = manifest_;
  ++next.writer_epoch;
  return InstallLocked(std::move(next));
}

}  // namespace thermocline
