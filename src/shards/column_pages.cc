#include "shards/column_pages.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/hash.h"
#include "columnar/byte_arrays.h"
#include "columnar/delta.h"
#include "columnar/hybrid.h"

namespace thermocline::shards {

using columnar::CodeRun;
using columnar::EncodedChunk;
using columnar::EncodedPage;
using columnar::kNullCode;
using columnar::PageBounds;
using columnar::PageEncoding;

namespace {

// Trying costs a zstd context and wins a few bytes at most below this.
constexpr size_t kMinCompressBytes = 128;
// Readers of these layouts take bounds of this length for granted.
constexpr size_t kBoundBytes = 16;
// After a page that did not shrink, so many are stored untried.
constexpr size_t kPagesUntried = 15;

PageBounds BoundsOf(std::string_view min, std::string_view max) {
  PageBounds bounds;
  bounds.min = min.substr(0, kBoundBytes);
  bounds.exact_min = min.size() <= kBoundBytes;
  bounds.max = max;
  if (max.size() <= kBoundBytes) return bounds;
  // The least string above all that begin so: incremented as a big-endian number.
  std::string cut(max.substr(0, kBoundBytes));
  for (size_t i = cut.size(); i-- > 0;) {
    const auto byte = static_cast<uint8_t>(cut[i]);
    cut[i] = static_cast<char>(byte + 1);
    if (byte != 0xff) {
      bounds.max = cut;
      bounds.exact_max = false;
      return bounds;
    }
  }
  return bounds;
}

PageBounds RawBounds(int64_t min, int64_t max) {
  PageBounds bounds;
  bounds.min.assign(reinterpret_cast<const char*>(&min), 8);
  bounds.max.assign(reinterpret_cast<const char*>(&max), 8);
  return bounds;
}

}  // namespace

Result<std::unique_ptr<PageWriter>> PageWriter::Make(int zstd_level) {
  auto writer = std::make_unique<PageWriter>();
  ASSIGN_OR_RETURN(writer->compressor_, columnar::PageCompressor::Make(zstd_level));
  return writer;
}

Result<bool> PageWriter::Add(const EncodedPage& page, std::span<const uint8_t> levels,
                             std::span<const uint8_t> values, bool compress, EncodedChunk* chunk) {
  columnar::ByteBuffer& bodies = chunk->bodies;
  EncodedPage& added = chunk->pages.emplace_back(page);
  added.offset = bodies.size();
  added.level_bytes = static_cast<uint32_t>(levels.size());
  added.full_bytes = levels.size() + values.size();
  bodies.Append(levels);
  const size_t values_at = bodies.size();
  size_t size = values.size();
  if (compress && values.size() >= kMinCompressBytes) {
    ASSIGN_OR_RETURN(size, compressor_->Compress(values, &bodies));
  }
  added.compressed = size < values.size();
  if (!added.compressed) {
    bodies.Resize(values_at);
    bodies.Append(values);
  }
  added.stored_bytes = bodies.size() - added.offset;
  chunk->rows += page.rows;
  chunk->nulls += page.nulls;
  return size * 20 <= values.size() * 19;
}

void LabelColumnBuffer::Add(uint32_t row, std::string_view value) {
  if (rows_ < row) runs_.push_back({kNullCode, row - rows_});
  rows_ = row + 1;
  if (!runs_.empty() && runs_.back().code != kNullCode && *values_[runs_.back().code] == value) {
    ++runs_.back().count;
    return;
  }
  auto at = codes_.find(value);
  if (at == codes_.end()) {
    values_.push_back(std::make_unique<std::string>(value));
    at = codes_.emplace(*values_.back(), static_cast<uint32_t>(values_.size() - 1)).first;
  }
  runs_.push_back({at->second, 1});
}

void LabelColumnBuffer::Clear() {
  codes_.clear();
  values_.clear();
  runs_.clear();
  rows_ = 0;
}

Status LabelColumnBuffer::Encode(const PageEnds& ends, bool bloom, PageWriter* pages,
                                 EncodedChunk* out) {
  if (rows_ < ends.back()) {
    runs_.push_back({kNullCode, ends.back() - rows_});
    rows_ = ends.back();
  }
  std::vector<uint32_t> order(values_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return *values_[a] < *values_[b]; });
  // Every page says it has a dictionary: a chunk of NULLs has an empty one.
  out->has_dictionary = true;
  out->dictionary_values = values_.size();
  std::vector<uint32_t> codes(values_.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    const std::string& value = *values_[order[i]];
    codes[order[i]] = i;
    out->dictionary.Fixed(value.size(), 4);
    out->dictionary.Append(value.data(), value.size());
    if (bloom) out->bloom_hashes.push_back(Hash64(value));
  }
  if (!order.empty()) {
    out->bounds = BoundsOf(*values_[order.front()], *values_[order.back()]);
    out->distinct = order.size();
  }
  next_run_ = 0;
  next_row_ = 0;
  uint32_t first = 0;
  for (const uint32_t end : ends) {
    RETURN_IF_ERROR(EncodePage(first, end, codes, columnar::CodeWidth(values_.size()), pages, out));
    first = end;
  }
  return Status::Ok();
}

Status LabelColumnBuffer::EncodePage(uint32_t first, uint32_t end, std::span<const uint32_t> codes,
                                     int width, PageWriter* pages, EncodedChunk* out) {
  levels_.Clear();
  body_.Clear();
  EncodedPage page;
  page.encoding = PageEncoding::kRleDictionary;
  page.rows = end - first;
  body_.Push(static_cast<uint8_t>(values_.empty() ? 0 : width));
  columnar::HybridEncoder levels(1, &levels_);
  columnar::HybridEncoder packed(width, &body_);
  const std::string* min = nullptr;
  const std::string* max = nullptr;
  uint64_t string_bytes = 0;
  for (uint32_t row = first; row < end;) {
    const CodeRun& run = runs_[next_run_];
    const uint32_t count = std::min(next_row_ + run.count, end) - row;
    const bool null = run.code == kNullCode;
    levels.Add(null ? 0 : 1, count);
    if (null) {
      page.nulls += count;
    } else {
      const std::string& value = *values_[run.code];
      packed.Add(codes[run.code], count);
      if (min == nullptr || value < *min) min = &value;
      if (max == nullptr || *max < value) max = &value;
      string_bytes += count * value.size();
    }
    row += count;
    if (row == next_row_ + run.count) {
      next_row_ = row;
      ++next_run_;
    }
  }
  levels.Finish();
  packed.Finish();
  if (min != nullptr) page.bounds = BoundsOf(*min, *max);
  page.string_bytes = string_bytes;
  return pages->Add(page, levels_.bytes(), body_.bytes(), true, out).status();
}

Status BytesColumnBuffer::EndPage(bool front_coded, ChunkCompression compression, PageWriter* pages,
                                  EncodedChunk* out) {
  if (ends_.empty()) return Status::Ok();
  body_.Clear();
  lengths_.clear();
  values_.clear();
  uint64_t at = 0;
  for (const uint64_t end : ends_) {
    if (front_coded) {
      values_.push_back(std::string_view(bytes_).substr(at, end - at));
    } else {
      lengths_.push_back(static_cast<int64_t>(end - at));
    }
    at = end;
  }
  EncodedPage page;
  page.rows = static_cast<uint32_t>(ends_.size());
  page.bounds = PageBounds();  // an empty minimum and maximum: the index has to be there
  page.string_bytes = bytes_.size();
  if (front_coded) {
    page.encoding = PageEncoding::kDeltaByteArray;
    columnar::EncodeDeltaStrings(values_, &body_);
  } else {
    page.encoding = PageEncoding::kDeltaLengthByteArray;
    columnar::EncodeDelta(lengths_, &body_);
    body_.Append(bytes_.data(), bytes_.size());
  }
  const bool compress = compression != ChunkCompression::kNone && untried_ == 0;
  ASSIGN_OR_RETURN(const bool shrunk, pages->Add(page, {}, body_.bytes(), compress, out));
  if (untried_ > 0) {
    --untried_;
  } else if (compression == ChunkCompression::kAuto && !shrunk) {
    untried_ = kPagesUntried;
  }
  bytes_.clear();
  ends_.clear();
  return Status::Ok();
}

Status EncodeIntegers(std::span<const int64_t> values, const PageEnds& ends, PageWriter* pages,
                      EncodedChunk* out) {
  size_t first = 0;
  for (const uint32_t end : ends) {
    const auto part = values.subspan(first, end - first);
    const auto [min, max] = std::minmax_element(part.begin(), part.end());
    EncodedPage page;
    page.rows = static_cast<uint32_t>(part.size());
    page.bounds = RawBounds(*min, *max);
    RETURN_IF_ERROR(pages
                        ->Add(page, {},
                              {reinterpret_cast<const uint8_t*>(part.data()), part.size_bytes()},
                              true, out)
                        .status());
    first = end;
  }
  return Status::Ok();
}

}  // namespace thermocline::shards
