#include "blocks/chunk_loader.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/hash.h"
#include "blocks/object_window.h"

namespace thermocline {
namespace {

using Segments = std::span<const std::unique_ptr<Object>>;

// Chunks closer than this are read together with what lies between.
constexpr uint64_t kGapBytes = uint64_t{64} << 10;
constexpr uint64_t kMaxRangeBytes = uint64_t{4} << 20;
// The last chunk's length is not known before it is read.
constexpr uint64_t kTailBytes = uint64_t{4} << 10;
constexpr uint64_t kMaxLengthBytes = 5;  // of the length's varint

// Positions in `wanted`, ascending by reference, whose bytes are in one range.
struct Group {
  size_t first = 0;
  size_t last = 0;  // inclusive
  ByteRange range;
};

class Loader {
 public:
  Loader(Segments segments, std::span<const ChunkEntry> wanted,
         std::vector<std::shared_ptr<const std::string>>* buffers, std::vector<LoadedChunk>* out)
      : segments_(segments), wanted_(wanted), buffers_(buffers), out_(out) {}

  Status Run() {
    out_->assign(wanted_.size(), {});
    order_.resize(wanted_.size());
    std::iota(order_.begin(), order_.end(), 0u);
    const auto before = [this](uint32_t a, uint32_t b) {
      return wanted_[a].reference < wanted_[b].reference;
    };
    if (!std::is_sorted(order_.begin(), order_.end(), before)) {
      std::sort(order_.begin(), order_.end(), before);
    }
    for (size_t begin = 0; begin < order_.size();) {
      const uint32_t segment = At(begin).segment();
      size_t end = begin;
      while (end < order_.size() && At(end).segment() == segment) ++end;
      RETURN_IF_ERROR(LoadSegment(segment, begin, end));
      begin = end;
    }
    return Status::Ok();
  }
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  const ChunkEntry& At(size_t position) const { return wanted_[order_[position]]; }
  Status Bad(const ChunkEntry& chunk, std::string_view what) const {
    return Status::Corruption(fmt::format("{}: {}", ChunkPlace(segments_, chunk), what));
  }

  Status LoadSegment(uint32_t segment, size_t begin, size_t end) {
    if (segment >= segments_.size()) {
      for (size_t i = begin; i < end; ++i) {
        (*out_)[order_[i]].status =
            Bad(At(i), fmt::format("there are {} segment files", segments_.size()));
      }
      return Status::Ok();
    }
    const Object& object = *segments_[segment];
    while (end > begin && At(end - 1).offset() >= object.size_bytes()) {
      --end;
      (*out_)[order_[end]].status =
          Bad(At(end), fmt::format("the file has {} bytes", object.size_bytes()));
    }
    std::vector<Group> groups;
    for (size_t i = begin; i < end; ++i) {
      const uint64_t offset = At(i).offset();
      const uint64_t tail = std::min(kTailBytes, object.size_bytes() - offset);
      if (!groups.empty()) {
        Group& group = groups.back();
        if (offset - At(group.last).offset() <= kGapBytes &&
            offset + tail - group.range.offset <= kMaxRangeBytes) {
          group.last = i;
          group.range.size_bytes = offset + tail - group.range.offset;
          continue;
        }
      }
      groups.push_back({i, i, {offset, tail}});
    }
    return ReadGroups(object, groups);
  }

  Status ReadGroups(const Object& object, const std::vector<Group>& groups) {
    std::vector<ByteRange> ranges;
    ranges.reserve(groups.size());
    for (const Group& group : groups) ranges.push_back(group.range);
    std::vector<std::string> bytes;
    if (!ranges.empty()) RETURN_IF_ERROR(object.ReadRanges(ranges, &bytes));
    for (size_t g = 0; g < groups.size(); ++g) {
      bytes_read_ += bytes[g].size();
      buffers_->push_back(std::make_shared<const std::string>(std::move(bytes[g])));
      const std::string_view view = *buffers_->back();
      for (size_t i = groups[g].first; i <= groups[g].last; ++i) {
        RETURN_IF_ERROR(Take(object, At(i), view.substr(At(i).offset() - groups[g].range.offset),
                             &(*out_)[order_[i]]));
      }
    }
    return Status::Ok();
  }

  Status Take(const Object& object, const ChunkEntry& chunk, std::string_view bytes,
              LoadedChunk* out) {
    ByteReader head(bytes.substr(0, kMaxLengthBytes));
    const uint64_t length = head.Varint();
    const uint64_t rest = object.size_bytes() - chunk.offset();
    if (!head.ok() || length > rest) {
      out->status = Bad(chunk, "torn chunk");
      return Status::Ok();
    }
    const uint64_t total = head.offset() + 1 + length + 4;
    if (total > rest) {
      out->status = Bad(chunk, fmt::format("torn chunk of {} bytes", length));
      return Status::Ok();
    }
    if (bytes.size() < total) {
      ASSIGN_OR_RETURN(std::string whole, object.Read(chunk.offset(), total));
      bytes_read_ += whole.size();
      buffers_->push_back(std::make_shared<const std::string>(std::move(whole)));
      bytes = *buffers_->back();
    }
    const std::string_view checked = bytes.substr(head.offset(), 1 + length);
    ByteReader tail(bytes.substr(head.offset() + 1 + length, 4));
    if (BigEndianU32(&tail) != Crc32c(checked)) {
      out->status = Bad(chunk, "checksum mismatch");
      return Status::Ok();
    }
    out->encoding = static_cast<ChunkEncoding>(static_cast<uint8_t>(checked[0]));
    out->bytes = checked.substr(1);
    return Status::Ok();
  }

  const Segments segments_;
  const std::span<const ChunkEntry> wanted_;
  std::vector<std::shared_ptr<const std::string>>* const buffers_;
  std::vector<LoadedChunk>* const out_;
  std::vector<uint32_t> order_;
  uint64_t bytes_read_ = 0;
};

}  // namespace

std::string ChunkPlace(Segments segments, const ChunkEntry& chunk) {
  if (chunk.segment() >= segments.size()) {
    return fmt::format("chunk reference {}: segment {}", chunk.reference, chunk.segment());
  }
  return fmt::format("{}: offset {}", segments[chunk.segment()]->key(), chunk.offset());
}

Status LoadChunks(Segments segments, std::span<const ChunkEntry> wanted,
                  std::vector<std::shared_ptr<const std::string>>* buffers,
                  std::vector<LoadedChunk>* out, uint64_t* bytes_read) {
  Loader loader(segments, wanted, buffers, out);
  const Status status = loader.Run();
  *bytes_read += loader.bytes_read();
  return status;
}

}  // namespace thermocline
