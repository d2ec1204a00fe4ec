#include "blocks/object_window.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace thermocline {
namespace {

constexpr uint64_t kFirstPieceBytes = uint64_t{16} << 10;
// A jump forward of this size still counts as reading on.
constexpr uint64_t kGapBytes = uint64_t{64} << 10;

}  // namespace

Result<std::string_view> ObjectWindow::From(uint64_t offset, uint64_t size_bytes) {
  if (offset > end_) {
    return Status::Corruption(
        fmt::format("{}: offset {} is past the end {}", object_.key(), offset, end_));
  }
  const uint64_t wanted = std::min(size_bytes, end_ - offset);
  const uint64_t held_end = begin_ + bytes_.size();
  if (offset >= begin_ && offset <= held_end && wanted <= held_end - offset) {
    return std::string_view(bytes_).substr(offset - begin_);
  }
  const bool reads_on = requests_ > 0 && offset >= begin_ && offset <= held_end + kGapBytes;
  read_ahead_ =
      reads_on ? std::min(read_ahead_ * 2, piece_bytes_) : std::min(kFirstPieceBytes, piece_bytes_);
  const uint64_t size = std::min(std::max(wanted, read_ahead_), end_ - offset);
  ASSIGN_OR_RETURN(bytes_, object_.Read(offset, size));
  begin_ = offset;
  ++requests_;
  bytes_read_ += size;
  return std::string_view(bytes_);
}

Result<std::string_view> ObjectWindow::AtMost(uint64_t offset, uint64_t size_bytes) {
  ASSIGN_OR_RETURN(const std::string_view held, From(offset, size_bytes));
  return held.substr(0, size_bytes);
}

Result<std::string_view> ObjectWindow::Exactly(uint64_t offset, uint64_t size_bytes) {
  ASSIGN_OR_RETURN(const std::string_view view, AtMost(offset, size_bytes));
  if (view.size() != size_bytes) {
    return Status::Corruption(fmt::format("{}: offset {} wants {} bytes, the end is at {}",
                                          object_.key(), offset, size_bytes, end_));
  }
  return view;
}

}  // namespace thermocline
