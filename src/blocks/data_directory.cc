#include "blocks/data_directory.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "blocks/head_chunks.h"
#include "blocks/wal_segment.h"
#include "model/exemplar.h"

namespace thermocline {
namespace {

// A server that truncates its log while we read takes files away: then all is read again.
constexpr int kAttempts = 5;

constexpr std::string_view kCheckpoint = "checkpoint.";

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

using Files = std::map<uint64_t, ObjectInfo>;

// The files directly in `prefix` that are named by a number.
Result<Files> NumberedFiles(Bucket& bucket, const std::string& prefix) {
  ASSIGN_OR_RETURN(std::vector<ObjectInfo> objects, bucket.List(prefix));
  Files files;
  for (ObjectInfo& object : objects) {
    if (const auto number = Number(std::string_view(object.key).substr(prefix.size()))) {
      files.emplace(*number, std::move(object));
    }
  }
  return files;
}

// The highest checkpoint's number, whose name has no suffix.
Result<std::optional<uint64_t>> LastCheckpoint(Bucket& bucket, const std::string& prefix) {
  const std::string begin = prefix + std::string(kCheckpoint);
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, bucket.List(begin));
  std::optional<uint64_t> last;
  for (const ObjectInfo& object : objects) {
    const std::string_view rest = std::string_view(object.key).substr(begin.size());
    const size_t slash = rest.find('/');
    if (slash == std::string_view::npos) continue;
    const auto number = Number(rest.substr(0, slash));
    if (number && (!last || *number > *last)) last = number;
  }
  return last;
}

class HeadLoader {
 public:
  HeadLoader(Bucket& bucket, std::string prefix, TimestampMs min_valid_ms,
             const BlockOptions& options, HeadDamage* damage)
      : bucket_(bucket),
        prefix_(std::move(prefix)),
        builder_(min_valid_ms, options.skip_damaged),
        damage_(*damage) {}

  Result<std::shared_ptr<const WalHead>> Load() {
    RETURN_IF_ERROR(LoadChunks());
    RETURN_IF_ERROR(LoadLog());
    RETURN_IF_ERROR(LoadOutOfOrderLog());
    return builder_.Finish();
  }

 private:
  Status LoadChunks() {
    ASSIGN_OR_RETURN(const Files files, NumberedFiles(bucket_, prefix_ + "chunks_head/"));
    for (const auto& [number, info] : files) {
      ASSIGN_OR_RETURN(const auto object, bucket_.Open(info.key));
      const Status read =
          ReadHeadChunks(*object, number, [&](const HeadChunk& chunk) { builder_.Take(chunk); });
      if (read.ok()) continue;
      if (read.code() != Code::kCorruption) return read;
      damage_.chunks = read.ToString();
      break;
    }
    return Status::Ok();
  }

  using Take = std::function<void(WalRecord*)>;

  Status LoadSegment(const std::string& key, const Take& take) {
    ASSIGN_OR_RETURN(const auto object, bucket_.Open(key));
    WalSegmentReader reader(*object);
    WalRecord record;
    for (;;) {
      ASSIGN_OR_RETURN(const std::optional<std::string_view> bytes, reader.Next());
      if (!bytes) return Status::Ok();
      const Status decoded = DecodeWalRecord(*bytes, &record);
      if (!decoded.ok()) {
        return decoded.WithContext(key + ": offset " + std::to_string(reader.record_offset()));
      }
      take(&record);
    }
  }

  // As Prometheus does, whatever is behind a damage is left out.
  Status LoadSegments(const Files& files, uint64_t from, const Take& take, std::string* damage) {
    for (const auto& [number, info] : files) {
      if (number < from) continue;
      if (!damage->empty()) {
        ++damage_.dropped_segments;
        continue;
      }
      const Status read = LoadSegment(info.key, take);
      if (read.code() == Code::kCorruption) {
        *damage = read.ToString();
      } else {
        RETURN_IF_ERROR(read);
      }
    }
    return Status::Ok();
  }

  Status LoadLog() {
    const std::string wal = prefix_ + "wal/";
    const Take take = [this](WalRecord* record) { builder_.Replay(record); };
    ASSIGN_OR_RETURN(const std::optional<uint64_t> checkpoint, LastCheckpoint(bucket_, wal));
    ASSIGN_OR_RETURN(const Files files, NumberedFiles(bucket_, wal));
    uint64_t from = 0;
    if (checkpoint) {
      std::string digits = std::to_string(*checkpoint);
      digits.insert(0, 8 - std::min<size_t>(8, digits.size()), '0');
      ASSIGN_OR_RETURN(const Files parts,
                       NumberedFiles(bucket_, wal + std::string(kCheckpoint) + digits + "/"));
      for (const auto& [number, info] : parts) RETURN_IF_ERROR(LoadSegment(info.key, take));
      from = *checkpoint + 1;
    }
    return LoadSegments(files, from, take, &damage_.log);
  }

  Status LoadOutOfOrderLog() {
    ASSIGN_OR_RETURN(const Files files, NumberedFiles(bucket_, prefix_ + "wbl/"));
    const Take take = [this](WalRecord* record) { builder_.ReplayOutOfOrder(record); };
    return LoadSegments(files, 0, take, &damage_.out_of_order_log);
  }

  Bucket& bucket_;
  const std::string prefix_;
  WalHeadBuilder builder_;
  HeadDamage& damage_;
};

// In-order samples up to there are in blocks. Blocks of out-of-order samples, and those that hold
// only some series of their range, say nothing about that.
TimestampMs MinValid(const BlockSet& blocks) {
  TimestampMs valid = kMinTimestampMs;
  for (const auto& block : blocks.blocks()) {
    const BlockMeta& meta = block->meta();
    if (!meta.out_of_order() && !meta.partial_view()) valid = std::max(valid, meta.max_ms);
  }
  return valid;
}

}  // namespace

Result<std::unique_ptr<DataDirectory>> DataDirectory::Open(Bucket& bucket,
                                                           const std::string& folder,
                                                           const BlockOptions& options) {
  const std::string prefix = folder.empty() || folder.ends_with('/') ? folder : folder + "/";
  for (int attempt = 1;; ++attempt) {
    std::unique_ptr<DataDirectory> directory(new DataDirectory());
    auto blocks = BlockSet::Open(bucket, folder, options);
    if (blocks.ok()) {
      directory->blocks_ = *std::move(blocks);
      auto head =
          HeadLoader(bucket, prefix, MinValid(*directory->blocks_), options, &directory->damage_)
              .Load();
      if (head.ok()) {
        directory->head_ = *std::move(head);
        if (directory->blocks_->blocks().empty() && directory->head_->counts().records == 0) {
          ASSIGN_OR_RETURN(const auto wal, bucket.List(prefix + "wal/"));
          if (wal.empty()) return Status::NotFound(prefix + ": no blocks and no wal folder");
        }
        return directory;
      }
      if (head.status().code() != Code::kNotFound || attempt == kAttempts) return head.status();
    } else if (blocks.status().code() != Code::kNotFound || attempt == kAttempts) {
      return blocks.status();
    }
  }
}

Result<std::unique_ptr<SeriesSet>> DataDirectory::Select(const SelectRequest& request) const {
  std::vector<std::unique_ptr<SeriesSet>> sets;
  ASSIGN_OR_RETURN(auto from_blocks, blocks_->Select(request));
  if (from_blocks->series_count() > 0) sets.push_back(std::move(from_blocks));
  ASSIGN_OR_RETURN(auto from_head, WalHead::Select(head_, request));
  if (from_head->series_count() > 0) sets.push_back(std::move(from_head));
  if (sets.size() == 1) return std::move(sets.front());
  return MergeSeriesSets(std::move(sets), request);
}

Result<std::vector<std::string>> DataDirectory::LabelNames(const LabelRequest& request) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, blocks_->LabelNames(request));
  std::set<std::string, std::less<>> all(names.begin(), names.end());
  RETURN_IF_ERROR(head_->VisitPairs(request, [&](const LabelPair& pair) {
    if (!all.contains(pair.name)) all.emplace(pair.name);
  }));
  std::vector<std::string> out(all.begin(), all.end());
  if (request.limit != 0 && out.size() > request.limit) out.resize(request.limit);
  return out;
}

Result<std::vector<std::string>> DataDirectory::LabelValues(std::string_view name,
                                                            const LabelRequest& request) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> values, blocks_->LabelValues(name, request));
  std::set<std::string, std::less<>> all(values.begin(), values.end());
  RETURN_IF_ERROR(head_->VisitPairs(request, [&](const LabelPair& pair) {
    if (pair.name == name) all.emplace(pair.value);
  }));
  std::vector<std::string> out(all.begin(), all.end());
  if (request.limit != 0 && out.size() > request.limit) out.resize(request.limit);
  return out;
}

Result<std::vector<SeriesExemplars>> DataDirectory::Exemplars(
    const ExemplarRequest& request) const {
  std::vector<SeriesExemplars> all;
  for (const WalHead::Exemplar& one : head_->exemplars()) {
    if (!request.range.Contains(one.t_ms)) continue;
    Labels labels = head_->labels(one.series);
    if (!Accepts(request, labels)) continue;
    all.push_back({std::move(labels), {{one.labels, one.t_ms, one.value}}});
  }
  PutInOrder(request.range, &all);
  return all;
}

Result<std::vector<BatchMetadata>> DataDirectory::Metadata(const MetadataRequest& request) const {
  std::vector<BatchMetadata> out;
  for (const BatchMetadata& entry : head_->metadata()) {
    if (!request.family.empty() && entry.family != request.family) continue;
    if (request.limit != 0 && out.size() == request.limit) break;
    out.push_back(entry);
  }
  return out;
}

}  // namespace thermocline
