#include "columnar/run_pages.h"

#include <fmt/core.h>

#include <algorithm>
#include <type_traits>

#include "columnar/byte_arrays.h"
#include "columnar/hybrid.h"
#include "columnar/page_bounds.h"

namespace thermocline::columnar {

namespace {

uint64_t StoredBytes(int64_t) { return 8; }
uint64_t StoredBytes(std::string_view value) { return 4 + value.size(); }

void AppendPlain(int64_t value, ByteBuffer* out) { out->Fixed(static_cast<uint64_t>(value), 8); }
void AppendPlain(std::string_view value, ByteBuffer* out) {
  out->Fixed(value.size(), 4);
  out->Append(value.data(), value.size());
}

}  // namespace

Status CheckRuns(const ColumnSpec& spec, std::span<const CodeRun> runs, size_t dictionary_size,
                 uint64_t rows) {
  uint64_t total = 0;
  for (const CodeRun& run : runs) {
    total += run.count;
    if (run.code == kNullCode ? spec.optional : run.code < dictionary_size) continue;
    return Status::InvalidArgument(
        fmt::format("column '{}': code {} of {} values", spec.path(), run.code, dictionary_size));
  }
  if (total != rows) {
    return Status::InvalidArgument(
        fmt::format("column '{}': runs of {} rows, expected {}", spec.path(), total, rows));
  }
  return Status::Ok();
}

template <typename Value>
bool RunPages::AssignCodes(std::span<const Value> dictionary, std::span<const CodeRun> runs) {
  if (stamp_.size() < dictionary.size()) {
    stamp_.resize(dictionary.size(), 0);
    local_.resize(dictionary.size(), 0);
  }
  if (++epoch_ == 0) {
    std::fill(stamp_.begin(), stamp_.end(), 0);
    epoch_ = 1;
  }
  order_.clear();
  uint64_t bytes = 0;
  for (const CodeRun& run : runs) {
    if (run.code == kNullCode || run.count == 0 || stamp_[run.code] == epoch_) continue;
    stamp_[run.code] = epoch_;
    local_[run.code] = static_cast<uint32_t>(order_.size());
    order_.push_back(run.code);
    bytes += StoredBytes(dictionary[run.code]);
    if (order_.size() > options_.dictionary_max_values || bytes > options_.dictionary_max_bytes) {
      return false;
    }
  }
  return true;
}

template <typename Value>
Result<bool> RunPages::Write(const ColumnSpec& spec, std::span<const Value> dictionary,
                             std::span<const CodeRun> runs, ::parquet::BloomFilter* bloom,
                             ChunkWriter* chunk) {
  if (!AssignCodes(dictionary, runs)) return false;
  Extent<Value> extent;
  // A chunk of NULLs only has no dictionary: its pages are levels and nothing else.
  if (!order_.empty()) {
    values_.Clear();
    for (const uint32_t code : order_) {
      AppendPlain(dictionary[code], &values_);
      extent.Add(dictionary[code]);
    }
    RETURN_IF_ERROR(chunk->WriteDictionary(values_.bytes(), order_.size()));
    if constexpr (std::is_same_v<Value, std::string_view>) {
      for (const uint32_t code : order_) {
        if (bloom != nullptr) bloom->InsertHash(bloom->Hash(dictionary[code]));
      }
    }
  }
  RETURN_IF_ERROR(WritePages(spec, dictionary, runs, chunk));
  ChunkBounds bounds;
  if (spec.bounds) bounds.bounds = ToPageBounds(extent, spec.type == ColumnType::kString);
  bounds.distinct = order_.size();
  RETURN_IF_ERROR(chunk->Close(bounds));
  return true;
}

template <typename Value>
Status RunPages::WritePages(const ColumnSpec& spec, std::span<const Value> dictionary,
                            std::span<const CodeRun> runs, ChunkWriter* chunk) {
  const int width = CodeWidth(order_.size());
  const uint32_t page_rows = spec.run_page_rows > 0 ? spec.run_page_rows : options_.page_rows;
  size_t next = 0;
  uint64_t used = 0;  // rows of runs[next] that earlier pages have
  while (true) {
    while (next < runs.size() && used == runs[next].count) {
      ++next;
      used = 0;
    }
    if (next == runs.size()) return Status::Ok();
    levels_.Clear();
    values_.Clear();
    PageBody page;
    page.encoding = order_.empty() ? PageEncoding::kPlain : PageEncoding::kRleDictionary;
    if (!order_.empty()) values_.Push(static_cast<uint8_t>(width));
    HybridEncoder levels(1, &levels_);
    HybridEncoder codes(width, &values_);
    Extent<Value> extent;
    uint64_t string_bytes = 0;
    while (next < runs.size() && page.rows < page_rows) {
      const CodeRun& run = runs[next];
      const uint64_t count = std::min<uint64_t>(run.count - used, page_rows - page.rows);
      page.rows += static_cast<uint32_t>(count);
      if (spec.optional) levels.Add(run.code != kNullCode ? 1 : 0, count);
      if (run.code == kNullCode) {
        page.nulls += static_cast<uint32_t>(count);
      } else if (count > 0) {
        codes.Add(local_[run.code], count);
        if (spec.bounds) extent.Add(dictionary[run.code]);
        string_bytes += count * (StoredBytes(dictionary[run.code]) - 4);
      }
      used += count;
      if (used == run.count) {
        ++next;
        used = 0;
      }
    }
    if (spec.optional) levels.Finish();
    codes.Finish();
    page.levels = levels_.bytes();
    page.values = values_.bytes();
    page.bounds = ToPageBounds(extent, spec.type == ColumnType::kString);
    if constexpr (std::is_same_v<Value, std::string_view>) page.string_bytes = string_bytes;
    RETURN_IF_ERROR(chunk->WritePage(page));
  }
}

Result<bool> RunPages::WriteStrings(const ColumnSpec& spec,
                                    std::span<const std::string_view> dictionary,
                                    std::span<const CodeRun> runs, ::parquet::BloomFilter* bloom,
                                    ChunkWriter* chunk) {
  return Write<std::string_view>(spec, dictionary, runs, bloom, chunk);
}

Result<bool> RunPages::WriteInt64s(const ColumnSpec& spec, std::span<const int64_t> dictionary,
                                   std::span<const CodeRun> runs, ChunkWriter* chunk) {
  return Write<int64_t>(spec, dictionary, runs, nullptr, chunk);
}

}  // namespace thermocline::columnar
