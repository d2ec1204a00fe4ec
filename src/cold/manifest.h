// The manifest: which blocks a cold table consists of. A whole file, numbered, checksummed, swapped
// as one. Bytes: FORMAT.md 4.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "cold/label_columns.h"
#include "columnar/schema.h"
#include "env/file_system.h"
#include "model/matcher.h"

namespace thermocline {

// Stored on disk: never renumber.
enum class BlockFileKind : uint8_t {
  kSamples = 1,
  kSeries = 2,
  kLabels = 3,
  kHistograms = 4,
  kExemplars = 5,
  kMetadata = 6,
  kFilter = 7,
};
// "samples", "series", "labels": the folder of such files.
std::string_view FolderOf(BlockFileKind kind);

struct BlockFile {
  BlockFileKind kind = BlockFileKind::kSamples;
  std::string key;  // relative to the table's folder
  uint64_t size_bytes = 0;
  uint64_t rows = 0;
  uint64_t file_hash = 0;   // Hash64 of the whole file
  columnar::FileTail tail;  // page indexes and footer
  bool operator==(const BlockFile&) const = default;
};

// "Every sample of `range` whose log record is at or before `through` is in the cold tier."
struct FlushMark {
  TimeRange range;
  Lsn through;
  bool operator==(const FlushMark&) const = default;
};

// One block: files that are published and removed together.
struct BlockEntry {
  BlockId id;
  TenantId tenant;
  TimeRange range;                // of its samples; within one UTC day
  int64_t resolution_ms = 0;      // 0 = raw
  uint32_t generation = 0;        // 0 as flushed; a compacted block is above all that it replaces
  std::vector<BlockId> replaces;  // ascending
  uint64_t series = 0;
  uint64_t samples = 0;
  std::vector<FlushMark> flushed;  // within the block's UTC day
  std::vector<BlockFile> files;    // ascending by kind

  uint64_t size_bytes() const;
  const BlockFile* Find(BlockFileKind kind) const;
  bool operator==(const BlockEntry&) const = default;
};

// A block that left the table; its files stay for readers of the last snapshot until the grace
// ends.
struct RemovedBlock {
  BlockId id;
  int64_t removed_at_ms = 0;  // wall clock
  uint64_t size_bytes = 0;    // of all its files
  std::vector<std::string> keys;
  bool operator==(const RemovedBlock&) const = default;
};

struct Manifest {
  uint64_t number = 0;
  uint64_t writer_epoch = 0;  // grows by one with every opening for writing
  TenantId tenant;
  Lsn last_flushed_lsn;            // the highest `through` of any mark ever installed
  std::vector<BlockEntry> blocks;  // ascending by id
  std::vector<FlushMark> flushed;  // marks whose records the log may still hold
  std::vector<RemovedBlock> removed;
  LabelColumns label_columns;

  const BlockEntry* Find(const BlockId& id) const;
  // Keeps one mark per range, the highest, and last_flushed_lsn at least as high.
  void AddMark(const FlushMark& mark);
  // Checks what any manifest must hold: ids ascending, keys relative and distinct, ranges not empty
  // and within one UTC day, replaced blocks absent. Corruption.
  Status Validate() const;
};

std::string EncodeManifest(const Manifest& manifest);
// Corruption (with offset) when the bytes are not exactly one valid manifest.
Result<Manifest> DecodeManifest(std::string_view bytes);

// The manifest files of one table's folder: MANIFEST-<number>, the last two kept. One owner; not
// for concurrent use.
class ManifestFiles {
 public:
  // `files` outlives the object.
  ManifestFiles(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  struct Loaded {
    Manifest manifest;
    std::vector<std::string> warnings;  // damaged manifests that were passed over
  };
  // The newest manifest that is intact; NotFound when there is none at all, Corruption when there
  // are some and none is intact (the caller rebuilds).
  Result<Loaded> Load() const;
  // Writes `manifest` under its number: a temporary name, sync, rename, sync of the directory. When
  // it returns OK the manifest is the truth after a power cut too. Older ones than the last two
  // are removed, best effort.
  Status Install(const Manifest& manifest);
  // Numbers of the manifest files, ascending. The next free number is above all of them.
  Result<std::vector<uint64_t>> Numbers() const;

  std::string PathOf(uint64_t number) const;

 private:
  FileSystem& files_;
  const std::string directory_;
};

}  // namespace thermocline
