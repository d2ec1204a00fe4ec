#include "cold/block_reader.h"

#include <fmt/core.h>

#include "base/hash.h"

namespace thermocline {

using columnar::FileIndex;
using columnar::FileReader;
using columnar::ReadStats;

void AddToCounters(const ReadStats& stats, ReadCounters* counters) {
  if (counters == nullptr) return;
  const auto add = [](std::atomic<uint64_t>& counter, uint64_t n) {
    counter.fetch_add(n, std::memory_order_relaxed);
  };
  add(counters->pages_considered, stats.pages_considered);
  add(counters->pages_skipped, stats.pages_skipped);
  add(counters->pages_read, stats.pages_read);
  add(counters->requests, stats.requests);
  add(counters->bytes_read, stats.bytes_read);
  add(counters->rows_read, stats.rows_decoded);
}

Result<FileReader> ColdBlock::Open(const BlockFile& file, ReadStats* stats) const {
  ASSIGN_OR_RETURN(std::shared_ptr<const Object> object, bucket_.Open(file.key, file.size_bytes));
  std::shared_ptr<const FileIndex> index = cache_->Get<FileIndex>(file.key);
  if (index == nullptr) {
    ASSIGN_OR_RETURN(index, FileReader::ReadIndex(*object, {file.tail, file.key}, stats));
    if (index->rows() != file.rows) {
      return Status::Corruption(
          fmt::format("{}: {} rows, the manifest says {}", file.key, index->rows(), file.rows));
    }
    cache_->Put(file.key, index, index->memory_bytes());
  }
  return FileReader(std::move(object), std::move(index));
}

Result<FileReader> ColdBlock::Open(BlockFileKind kind, ReadStats* stats) const {
  const BlockFile* file = entry_.Find(kind);
  if (file == nullptr) {
    return Status::Corruption(
        fmt::format("block {} has no {} file", entry_.id.ToString(), FolderOf(kind)));
  }
  return Open(*file, stats);
}

Result<std::shared_ptr<const BlockFooter>> ColdBlock::Footer(const FileReader& series) const {
  const std::string key = entry_.id.ToString() + "/footer";
  if (auto known = cache_->Get<BlockFooter>(key)) return known;
  Result<BlockFooter> parsed = ParseSeriesKeyValues(series.index().key_values());
  if (!parsed.ok()) return parsed.status().WithContext(entry_.id.ToString());
  if (parsed->block.id != entry_.id) {
    return Status::Corruption(fmt::format("series file of block {}: it is of block {}",
                                          entry_.id.ToString(), parsed->block.id.ToString()));
  }
  auto footer = std::make_shared<const BlockFooter>(*std::move(parsed));
  cache_->Put(key, footer, sizeof(BlockFooter) + footer->columns.pairs().size() * 200);
  return footer;
}

Result<bool> ColdBlock::MayMatch(const std::vector<Matcher>& matchers, ReadStats* stats) const {
  const BlockFile* file = entry_.Find(BlockFileKind::kFilter);
  if (file == nullptr) return true;
  std::shared_ptr<const BlockFilter> filter = cache_->Get<BlockFilter>(file->key);
  if (filter == nullptr) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Object> object,
                     bucket_.Open(file->key, file->size_bytes));
    ASSIGN_OR_RETURN(const std::string bytes, object->Read(0, file->size_bytes));
    ++stats->requests;
    stats->bytes_read += bytes.size();
    if (Hash64(bytes) != file->file_hash) {
      return Status::Corruption(file->key + ": its hash is not what the manifest says");
    }
    ASSIGN_OR_RETURN(BlockFilter decoded, BlockFilter::Decode(bytes));
    filter = std::make_shared<const BlockFilter>(std::move(decoded));
    cache_->Put(file->key, filter, filter->memory_bytes());
  }
  return filter->MayMatch(matchers);
}

bool ColdBlock::Quarantine(const Status& why) {
  MutexLock lock(mutex_);
  if (damaged_) return false;
  damaged_ = true;
  damage_ = why.ToString();
  return true;
}

bool ColdBlock::quarantined() const {
  MutexLock lock(mutex_);
  return damaged_;
}

std::string ColdBlock::damage() const {
  MutexLock lock(mutex_);
  return damage_;
}

uint64_t BlockSeries::memory_bytes() const {
  return label_sets.size() + ids.size() * 48 + histogram_offsets.size() * sizeof(uint32_t) +
         (rows.size() + histogram_rows.size()) * sizeof(columnar::RowRange);
}

}  // namespace thermocline
