#include "wal/segment_writer.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "env/failpoint.h"

namespace thermocline::wal {
namespace {

FailPoint after_write("wal.after_write");
FailPoint before_sync("wal.before_sync");
FailPoint after_sync("wal.after_sync");

}  // namespace

void SegmentWriter::Add(Lsn lsn, RecordType type, std::string_view payload, Lsn durable) {
  CHECK(lsn > durable && lsn >= header_.first_lsn);
  Fragment fragment;
  fragment.type = type;
  fragment.lsn = lsn;
  fragment.epoch = header_.epoch;
  fragment.unsynced = static_cast<uint32_t>(
      std::min<uint64_t>(lsn.number - durable.number, std::numeric_limits<uint32_t>::max()));
  bool first = true;
  do {
    const uint64_t room = kBlockBytes - position() % kBlockBytes;
    if (room < kMinFragmentRoom) {
      buffer_.append(room, '\0');
      continue;
    }
    const size_t part = std::min<size_t>(payload.size(), room - kFragmentHeaderBytes);
    const bool last = part == payload.size();
    fragment.kind = first ? (last ? FragmentKind::kWhole : FragmentKind::kFirst)
                          : (last ? FragmentKind::kLast : FragmentKind::kMiddle);
    fragment.payload = payload.substr(0, part);
    EncodeFragment(fragment, &buffer_);
    payload.remove_prefix(part);
    ++fragment.number;
    first = false;
    if (last) return;
  } while (true);
}

Status SegmentWriter::Write() {
  if (buffer_.empty()) return {};
  const size_t size = buffer_.size();
  buffer_.append(kFragmentHeaderBytes, '\0');
  RETURN_IF_ERROR(file_->WriteAt(written_, buffer_));
  written_ += size;
  buffer_.clear();
  return after_write.Hit();
}

Status SegmentWriter::Sync() {
  RETURN_IF_ERROR(before_sync.Hit());
  RETURN_IF_ERROR(file_->Sync());
  return after_sync.Hit();
}

}  // namespace thermocline::wal
