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

// Decodes every page of columns that are cut alike, some at a time: headers, checksums, encodings,
// row counts.
Status CheckColumns(const columnar::FileReader& reader,
                    std::span<const columnar::FetchColumn> columns, uint64_t expected_rows) {
  columnar::ReadStats stats;
  const columnar::FileIndex& index = reader.index();
  const uint32_t first_column = columns[0].column;
  const size_t pages = index.page_count(first_column);
  uint64_t rows = 0;
  for (size_t at = 0; at < pages; at += kPagesAtOnce) {
    const columnar::PageInfo first = index.page(first_column, at);
    const columnar::PageInfo last =
        index.page(first_column, std::min<size_t>(at + kPagesAtOnce, pages) - 1);
    const columnar::RowRange range{first.first_row,
                                   last.first_row + last.row_count - first.first_row};
    RETURN_IF_ERROR(ForEachPage(reader, columns, {&range, 1}, uint64_t{8} << 30, nullptr, &stats,
                                [&](const columnar::PageBatch& page) {
                                  rows += page.rows.count;
                                  return Status::Ok();
                                }));
  }
  if (rows == expected_rows) return Status::Ok();
  return Status::Corruption(fmt::format("column '{}': {} rows, the manifest says {}",
                                        index.schema().columns[first_column].path(), rows,
                                        expected_rows));
}

Status CheckPages(const ColdBlock& block, const BlockFile& file) {
  columnar::ReadStats stats;
  ASSIGN_OR_RETURN(const columnar::FileReader reader, block.Open(file, &stats));
  std::vector<std::vector<columnar::FetchColumn>> groups;  // cut alike
  for (uint32_t i = 0; i < reader.index().schema().columns.size(); ++i) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& columns) {
      return reader.index().CutAlike(columns[0].column, i);
    });
    if (group == groups.end()) {
      groups.push_back({{i}});
    } else {
      group->push_back({i});
    }
  }
  for (const auto& columns : groups) {
    RETURN_IF_ERROR(CheckColumns(reader, columns, file.rows));
  }
  return Status::Ok();
}

uint64_t SampleRows(const BlockEntry& entry) {
  uint64_t rows = 0;
  for (const BlockFileKind kind : {BlockFileKind::kSamples, BlockFileKind::kHistograms}) {
    if (const BlockFile* const file = entry.Find(kind)) rows += file->rows;
  }
  return rows;
}

Status CheckFile(const ColdBlock& block, const BlockFile& file, Bucket& bucket) {
  RETURN_IF_ERROR(CheckHash(bucket, file));
  if (file.kind == BlockFileKind::kFilter) {
    ASSIGN_OR_RETURN(const std::string bytes, bucket.Get(file.key));
    return BlockFilter::Decode(bytes).status();
  }
  RETURN_IF_ERROR(CheckPages(block, file));
  const BlockEntry& entry = block.entry();
  if (file.kind == BlockFileKind::kSeries && file.rows != entry.series) {
    return Status::Corruption(fmt::format("{} rows, the block has {}", file.rows, entry.series));
  }
  const bool samples =
      file.kind == BlockFileKind::kSamples || file.kind == BlockFileKind::kHistograms;
  if (samples && SampleRows(entry) != entry.samples) {
    return Status::Corruption(fmt::format("{} rows of samples and histograms, the block has {}",
                                          SampleRows(entry), entry.samples));
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
