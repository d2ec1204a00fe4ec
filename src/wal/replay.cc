#include "wal/replay.h"

#include <algorithm>

namespace thermocline::wal {
namespace {

constexpr uint64_t kCopyBytes = 1u << 20;

struct Listing {
  std::vector<SegmentId> segments;  // ascending
  std::map<uint64_t, uint64_t> spares;
};

Result<Listing> ListFolder(FileSystem& files, const std::string& directory) {
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, files.List(directory));
  Listing listing;
  for (const DirectoryEntry& entry : entries) {
    if (entry.is_directory) continue;
    if (const auto id = ParseSegmentName(entry.name)) listing.segments.push_back(*id);
    if (const auto number = ParseSpareName(entry.name)) {
      ASSIGN_OR_RETURN(const FileInfo info, files.Stat(JoinPath(directory, entry.name)));
      listing.spares[*number] = info.size_bytes;
    }
  }
  std::sort(listing.segments.begin(), listing.segments.end());
  return listing;
}

struct Limit {
  std::optional<Lsn> lsn;  // smallest previous_lsn of the later segments
  bool reached = false;    // the next segment's header is readable
};

Result<std::vector<Limit>> Limits(FileSystem& files, const ReplayOptions& options,
                                  const std::vector<SegmentId>& segments) {
  std::vector<Limit> limits(segments.size());
  Limit limit;
  for (size_t i = segments.size(); i-- > 0;) {
    limits[i] = limit;
    ASSIGN_OR_RETURN(const auto file,
                     files.OpenForRead(JoinPath(options.directory, SegmentName(segments[i]))));
    ASSIGN_OR_RETURN(const auto header, ReadSegmentHeader(*file, options.reader.check_crc));
    limit.reached = header && header->id == segments[i];
    if (!limit.reached) continue;
    limit.lsn = std::min(limit.lsn.value_or(header->previous_lsn), header->previous_lsn);
  }
  return limits;
}

Status CopyFile(FileSystem& files, const RandomAccessFile& from, const std::string& to) {
  const std::string temporary = to + ".tmp";
  ASSIGN_OR_RETURN(const uint64_t size, from.Size());
  ASSIGN_OR_RETURN(const auto out, files.OpenForWrite(temporary, OpenMode::kTruncate));
  std::string bytes;
  for (uint64_t offset = 0; offset < size; offset += kCopyBytes) {
    RETURN_IF_ERROR(from.Read(offset, kCopyBytes, &bytes));
    RETURN_IF_ERROR(out->Append(bytes));
  }
  RETURN_IF_ERROR(out->Sync());
  RETURN_IF_ERROR(out->Close());
  RETURN_IF_ERROR(files.Rename(temporary, to));
  return files.SyncDirectory(ParentPath(to));
}

// A copy per segment and epoch: starting again with the same damage adds none.
Status Quarantine(FileSystem& files, const std::string& directory, const RandomAccessFile& file,
                  SegmentId id, const SegmentSummary& found) {
  const std::string folder = JoinPath(directory, "quarantine");
  RETURN_IF_ERROR(files.CreateDirectories(folder));
  RETURN_IF_ERROR(files.SyncDirectory(directory));
  const std::string name = SegmentName(id);
  const std::string epoch = std::to_string(found.header ? found.header->epoch : 0);
  const std::string copy = JoinPath(folder, name.substr(0, name.size() - 4) + "-" + epoch + ".wal");
  if (files.Exists(copy)) return {};
  return CopyFile(files, file, copy);
}

void Add(const std::string& path, const SegmentSummary& found, ReplaySummary* summary) {
  ++summary->segments;
  summary->records += found.records;
  summary->torn_bytes += found.torn_bytes;
  summary->damaged_blocks += found.damaged_blocks;
  summary->lost_records += found.lost_records;
  if (found.damage_offset) summary->damage.push_back({path, *found.damage_offset});
  if (found.torn_offset) summary->torn = LogPlace{path, *found.torn_offset};
}

Status DamageError(const std::string& path, const SegmentSummary& found) {
  return Status::Corruption("log segment " + path + ": " + std::to_string(found.damaged_blocks) +
                            " damaged blocks, " + std::to_string(found.lost_records) +
                            " lost records, and the log is opened in strict mode");
}

}  // namespace

Result<Replayed> ReplaySegments(const ReplayOptions& options, FileSystem& files, Logger& logger,
                                const std::function<Status(const LogRecord&)>& replay,
                                ReplaySummary* summary) {
  ASSIGN_OR_RETURN(Listing listing, ListFolder(files, options.directory));
  ASSIGN_OR_RETURN(const auto limits, Limits(files, options, listing.segments));
  Replayed out;
  out.spares = std::move(listing.spares);
  std::optional<Lsn> expected;
  for (size_t i = 0; i < listing.segments.size(); ++i) {
    const SegmentId id = listing.segments[i];
    const std::string path = JoinPath(options.directory, SegmentName(id));
    ASSIGN_OR_RETURN(const auto file, files.OpenForRead(path));
    ASSIGN_OR_RETURN(
        const SegmentSummary found,
        ReadSegment(*file, SegmentBounds{id, limits[i].lsn, limits[i].reached, expected},
                    options.reader, replay));
    Add(path, found, summary);
    SegmentState state;
    if (found.header) state.first_lsn = found.header->first_lsn;
    ASSIGN_OR_RETURN(state.size_bytes, file->Size());
    if (found.damaged_blocks > 0 || found.lost_records > 0) {
      if (options.strict) return DamageError(path, found);
      logger.Log(LogLevel::kWarn, "wal", "damage in a log segment, what is intact was replayed",
                 {{"file", path},
                  {"damaged_blocks", std::to_string(found.damaged_blocks)},
                  {"lost_records", std::to_string(found.lost_records)}});
    }
    if (found.damaged_blocks > 0 && !options.read_only) {
      ++summary->quarantined_segments;
      if (const Status copied = Quarantine(files, options.directory, *file, id, found);
          !copied.ok()) {
        // The original stays instead: it is moved there when the log lets it go.
        state.must_keep = true;
        logger.Log(LogLevel::kError, "wal", "cannot copy a damaged segment to quarantine",
                   {{"file", path}, {"error", copied.ToString()}});
      }
    }
    expected = found.expected;
    if (expected) out.last = std::max(out.last, Lsn(expected->number - 1));
    out.last = std::max(out.last, found.durable);
    out.segments[id] = state;
  }
  return out;
}

}  // namespace thermocline::wal
