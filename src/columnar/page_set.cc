#include "columnar/page_set.h"

#include <fmt/core.h>

#include <algorithm>

#include "columnar/decode_limits.h"

namespace thermocline::columnar {

Result<std::vector<uint32_t>> PagesOfRows(const PageLayout& layout,
                                          std::span<const RowRange> rows) {
  std::vector<uint32_t> pages;
  uint64_t before = 0;
  for (const RowRange& range : rows) {
    if (range.first < before || range.count > layout.first_row.back() ||
        range.first > layout.first_row.back() - range.count) {
      return Status::OutOfRange(fmt::format("rows {} + {} of {}, after row {}", range.first,
                                            range.count, layout.first_row.back(), before));
    }
    before = range.end();
    if (range.count == 0) continue;
    const auto after =
        std::upper_bound(layout.first_row.begin(), layout.first_row.end(), range.first);
    size_t page = static_cast<size_t>(after - layout.first_row.begin()) - 1;
    for (; layout.first_row[page] < range.end(); ++page) {
      if (pages.empty() || pages.back() < page) pages.push_back(static_cast<uint32_t>(page));
    }
  }
  return pages;
}

std::vector<ByteRange> MergedRequests(const PagedFileIndex& index,
                                      std::span<const ColumnPages> columns,
                                      uint64_t merge_gap_bytes, uint64_t* page_bytes) {
  std::vector<ByteRange> wanted;
  for (const ColumnPages& column : columns) {
    const ColumnEntry& entry = index.entry(column.column.column);
    uint32_t last_group = UINT32_MAX;
    for (const uint32_t page : column.pages) {
      wanted.push_back({entry.pages[page].offset, entry.pages[page].size_bytes});
      const uint32_t group = entry.layout->row_group(page);
      const ChunkEntry& chunk = entry.chunks[group];
      if (group != last_group && chunk.dictionary_bytes > 0) {
        wanted.push_back({chunk.dictionary_offset, chunk.dictionary_bytes});
      }
      last_group = group;
    }
  }
  std::sort(wanted.begin(), wanted.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
  *page_bytes = 0;
  std::vector<ByteRange> merged;
  for (const ByteRange& range : wanted) {
    *page_bytes += range.size_bytes;
    const uint64_t end = range.offset + range.size_bytes;
    if (!merged.empty()) {
      ByteRange& last = merged.back();
      const uint64_t last_end = last.offset + last.size_bytes;
      if (range.offset <= last_end + merge_gap_bytes) {
        last.size_bytes = std::max(last_end, end) - last.offset;
        continue;
      }
    }
    merged.push_back(range);
  }
  return merged;
}

Result<std::unique_ptr<FetchedPages>> FetchedPages::Fetch(const Object& object,
                                                          std::shared_ptr<const FileIndex> index,
                                                          std::vector<ColumnPages> columns,
                                                          std::vector<ByteRange> requests,
                                                          ReadStats* stats) {
  auto fetched = std::unique_ptr<FetchedPages>(new FetchedPages());
  fetched->index_ = static_cast<const PagedFileIndex*>(index.get());
  fetched->owner_ = std::move(index);
  fetched->columns_ = std::move(columns);
  fetched->requests_ = std::move(requests);
  RETURN_IF_ERROR(object.ReadRanges(fetched->requests_, &fetched->bytes_));
  for (const ColumnPages& column : fetched->columns_) {
    const uint64_t all = fetched->index_->page_count(column.column.column);
    stats->pages_considered += all;
    stats->pages_read += column.pages.size();
    stats->pages_skipped += all - column.pages.size();
  }
  stats->requests += fetched->requests_.size();
  for (const ByteRange& range : fetched->requests_) stats->bytes_read += range.size_bytes;
  RETURN_IF_ERROR(fetched->DecodeDictionaries());
  return fetched;
}

std::string_view FetchedPages::BytesAt(uint64_t offset, uint64_t size_bytes) const {
  const auto after =
      std::upper_bound(requests_.begin(), requests_.end(), offset,
                       [](uint64_t at, const ByteRange& range) { return at < range.offset; });
  CHECK(after != requests_.begin());
  const size_t i = static_cast<size_t>(after - requests_.begin()) - 1;
  const std::string_view bytes(bytes_[i]);
  const uint64_t at = offset - requests_[i].offset;
  CHECK(at <= bytes.size() && size_bytes <= bytes.size() - at);
  return bytes.substr(at, size_bytes);
}

Status FetchedPages::DecodeDictionaries() {
  PageDecoder decoder;
  uint64_t stored = 0;   // bytes of the dictionaries so far,
  uint64_t decoded = 0;  // and what they take
  for (const ColumnPages& column : columns_) {
    const uint32_t c = column.column.column;
    const ColumnEntry& entry = index_->entry(c);
    for (const uint32_t page : column.pages) {
      const uint32_t group = entry.layout->row_group(page);
      const ChunkEntry& chunk = entry.chunks[group];
      if (chunk.dictionary_bytes == 0 || dictionaries_.contains({c, group})) continue;
      const ColumnSpec& spec = index_->schema().columns[c];
      stored += chunk.dictionary_bytes;
      const uint64_t limit = DecodedLimit(stored);
      Dictionary& dictionary = dictionaries_[{c, group}];
      const Status status = DecodeDictionary(
          spec.type, chunk.codec, BytesAt(chunk.dictionary_offset, chunk.dictionary_bytes),
          limit - std::min(limit, decoded), decoder.state(), &dictionary);
      decoded += dictionary.memory_bytes();
      if (!status.ok()) {
        return status.WithContext(fmt::format("{} column '{}' dictionary at offset {}",
                                              index_->name(), spec.path(),
                                              chunk.dictionary_offset));
      }
    }
  }
  return Status::Ok();
}

RowRange FetchedPages::RowsOf(size_t slot, size_t i) const {
  const uint32_t page = columns_[slot].pages[i];
  const PageLayout& layout = *index_->entry(columns_[slot].column.column).layout;
  return {layout.first_row[page], layout.rows(page)};
}

Status FetchedPages::DecodeColumn(size_t slot, size_t i, PageDecoder& decoder,
                                  ColumnVector* out) const {
  const FetchColumn& column = columns_[slot].column;
  const ColumnEntry& entry = index_->entry(column.column);
  PageTask task;
  task.index = index_;
  task.column = column.column;
  task.page = columns_[slot].pages[i];
  task.null_bits = column.null_bits;
  const uint32_t group = entry.layout->row_group(task.page);
  const ChunkEntry& chunk = entry.chunks[group];
  if (chunk.dictionary_bytes > 0) {
    task.dictionary = &dictionaries_.at({column.column, group});
    task.dictionary_page = BytesAt(chunk.dictionary_offset, chunk.dictionary_bytes);
  }
  const PageEntry& page = entry.pages[task.page];
  const Status status =
      DecodePage(task, BytesAt(page.offset, page.size_bytes), decoder.state(), out);
  if (status.ok()) return status;
  return status.WithContext(fmt::format("{} column '{}' page at offset {}", index_->name(),
                                        index_->schema().columns[column.column].path(),
                                        page.offset));
}

Status FetchedPages::Decode(size_t i, PageDecoder& decoder, PageBatch* out) const {
  out->rows = page_rows(i);
  out->columns.resize(columns_.size());
  for (size_t slot = 0; slot < columns_.size(); ++slot) {
    RETURN_IF_ERROR(DecodeColumn(slot, i, decoder, &out->columns[slot]));
  }
  return Status::Ok();
}

uint64_t FetchedPages::memory_bytes() const {
  uint64_t bytes = sizeof(*this);
  for (const std::string& part : bytes_) bytes += part.capacity();
  for (const auto& [place, dictionary] : dictionaries_) {
    bytes += dictionary.memory_bytes();
  }
  return bytes;
}

}  // namespace thermocline::columnar
