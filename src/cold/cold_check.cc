// Every byte of every file against the manifest.
#include <fmt/core.h>

#include <algorithm>

#include "base/hash.h"
#include "cold/block_filter.h"
#include "cold/block_reader.h"
#include "cold/cold_tier.h"
#include "cold/index_cache.h"
#include "cold/series_file.h"

namespace thermocline {
namespace {

constexpr uint64_t kChunkBytes = 4 << 20;
constexpr uint64_t kPagesAtOnce = 64;

Status CheckHash(Bucket& bucket, const BlockFile& file) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Object> object, bucket.Open(file.key));
  if (object->size_bytes() != file.size_bytes) {
    return Status::Corruption(
        fmt::format("{} bytes, the manifest says {}", object->size_bytes(), file.size_bytes));
  }
  Hash64Stream hash;
  for (uint64_t at = 0; at < file.size_bytes; at += kChunkBytes) {
    ASSIGN_OR_RETURN(const std::string bytes,
                     object->Read(at, std::min(kChunkBytes, file.size_bytes - at)));
    hash.Update(bytes);
  }
  if (hash.Digest() != file.file_hash) {
    return Status::Corruption(fmt::format("its hash is {:016x}, the manifest says {:016x}",
                                          hash.Digest(), file.file_hash));
  }
  return Status::Ok();
}

// Decodes every page, some at a time: headers, checksums, encodings, row counts.
Status CheckPages(const ColdBlock& block, const BlockFile& file) {
  columnar::ReadStats stats;
  ASSIGN_OR_RETURN(const columnar::FileReader reader, block.Open(file, &stats));
  const columnar::FileIndex& index = reader.index();
  std::vector<columnar::FetchColumn> columns;
  for (uint32_t i = 0; i < index.schema().columns.size(); ++i) columns.push_back({i});
  const size_t pages = columns.empty() ? 0 : index.page_count(0);
  uint64_t rows = 0;
  for (size_t at = 0; at < pages; at += kPagesAtOnce) {
    const columnar::PageInfo first = index.page(0, at);
    const columnar::PageInfo last = index.page(0, std::min<size_t>(at + kPagesAtOnce, pages) - 1);
    const columnar::RowRange range{first.first_row,
                                   last.first_row + last.row_count - first.first_row};
    RETURN_IF_ERROR(ForEachPage(reader, columns, {&range, 1}, uint64_t{8} << 30, nullptr, &stats,
                                [&](const columnar::PageBatch& page) {
                                  rows += page.rows.count;
                                  return Status::Ok();
                                }));
  }
  if (rows != file.rows) {
    return Status::Corruption(fmt::format("{} rows, the manifest says {}", rows, file.rows));
  }
  return Status::Ok();
}

Status CheckFile(const ColdBlock& block, const BlockFile& file, Bucket& bucket) {
  RETURN_IF_ERROR(CheckHash(bucket, file));
  if (file.kind == BlockFileKind::kFilter) {
    ASSIGN_OR_RETURN(const std::string bytes, bucket.Get(file.key));
    return BlockFilter::Decode(bytes).status();
  }
  RETURN_IF_ERROR(CheckPages(block, file));
  const BlockEntry& entry = block.entry();
  const uint64_t expected = file.kind == BlockFileKind::kSamples  ? entry.samples
                            : file.kind == BlockFileKind::kSeries ? entry.series
                                                                  : file.rows;
  if (file.rows != expected) {
    return Status::Corruption(fmt::format("{} rows, the block has {}", file.rows, expected));
  }
  return Status::Ok();
}

}  // namespace

Result<std::vector<ColdProblem>> ColdTier::CheckAll() const {
  std::vector<ColdProblem> problems;
  const std::shared_ptr<const ColdSnapshot> now = snapshot();
  for (const std::shared_ptr<ColdBlock>& block : now->blocks) {
    // What the cache holds was right when it was read: check what is on disk now.
    const ColdBlock fresh(block->entry(), *bucket_, std::make_shared<IndexCache>(0));
    for (const BlockFile& file : block->entry().files) {
      const Status status = CheckFile(fresh, file, *bucket_);
      if (status.code() == Code::kIo) return status;
      if (!status.ok()) problems.push_back({file.key, status});
    }
  }
  return problems;
}

Result<std::shared_ptr<const columnar::FileIndex>> ColdTier::ReadFileIndex(
    const BlockFile& file) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<Object> object, bucket_->Open(file.key, file.size_bytes));
  columnar::ReadStats stats;
  return columnar::FileReader::ReadIndex(*object, {file.tail, file.key}, &stats);
}

}  // namespace thermocline
