#include "shards/shard.h"

#include <algorithm>
#include <cstring>

namespace thermocline::shards {

void CountReads(const columnar::ReadStats& stats, ReadCounters* counters) {
  if (counters == nullptr) return;
  counters->pages_considered += stats.pages_considered;
  counters->pages_skipped += stats.pages_skipped;
  counters->pages_read += stats.pages_read;
  counters->requests += stats.requests;
  counters->bytes_read += stats.bytes_read;
  counters->rows_read += stats.rows_decoded;
}

namespace {

// The first read of a file's end, and the least of the second.
constexpr uint64_t kFirstTailBytes = 256 << 10;
constexpr uint64_t kSecondTailBytes = 4 << 20;
constexpr size_t kTrailerBytes = 8;

using IndexPtr = std::shared_ptr<const columnar::FileIndex>;

// Footer and indexes stand at the end: nearly always one read of the end has them, or a second one
// whose size the footer's length tells. What neither holds is left to the general way, as is
// saying what is wrong with a damaged file.
Result<IndexPtr> ReadIndex(const Object& object, columnar::ReadStats* stats) {
  uint64_t wanted = kFirstTailBytes;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const uint64_t size = std::min(wanted, object.size_bytes());
    if (size < kTrailerBytes) break;
    ASSIGN_OR_RETURN(const std::string tail, object.Read(object.size_bytes() - size, size));
    stats->requests += 1;
    stats->bytes_read += size;
    auto index = columnar::FileReader::ParseIndex(tail, object.size_bytes(), object.key());
    if (index.ok() || size == object.size_bytes()) return index;
    uint32_t footer = 0;
    std::memcpy(&footer, tail.data() + tail.size() - kTrailerBytes, sizeof(footer));
    if (footer > object.size_bytes()) break;
    wanted = footer + std::max(4 * uint64_t{footer}, kSecondTailBytes);
  }
  return columnar::FileReader::ReadIndex(object, {}, stats);
}

Result<ShardFile> OpenFile(Bucket& bucket, const std::string& key, columnar::ReadStats* stats) {
  ShardFile file;
  ASSIGN_OR_RETURN(file.object, bucket.Open(key));
  ASSIGN_OR_RETURN(file.index, ReadIndex(*file.object, stats));
  return file;
}

}  // namespace

Result<std::shared_ptr<const Shard>> Shard::Open(Bucket& bucket, const Place& place,
                                                 const ShardOptions& options,
                                                 columnar::ReadStats* stats, Executor* executor) {
  auto shard = std::make_shared<Shard>();
  columnar::ReadStats of_chunks;
  const auto open = [&](size_t i) -> Status {
    ShardFile& file = i == 0 ? shard->labels_ : shard->chunks_;
    ASSIGN_OR_RETURN(file, OpenFile(bucket, i == 0 ? place.labels_key : place.chunks_key,
                                    i == 0 ? stats : &of_chunks));
    return Status::Ok();
  };
  if (executor != nullptr) {
    RETURN_IF_ERROR(ParallelFor(*executor, 2, open));
  } else {
    RETURN_IF_ERROR(open(0));
    RETURN_IF_ERROR(open(1));
  }
  stats->Add(of_chunks);
  auto columns = RecogniseColumns(*shard->labels_.index, *shard->chunks_.index, place.day);
  if (!columns.ok()) {
    return columns.status().WithContext(place.labels_key + " and " + place.chunks_key);
  }
  shard->columns_ = *std::move(columns);
  shard->options_ = options;
  shard->external_ = place.external;
  shard->name_ = place.labels_key;
  return std::shared_ptr<const Shard>(std::move(shard));
}

}  // namespace thermocline::shards
