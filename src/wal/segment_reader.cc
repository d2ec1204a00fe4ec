#include "wal/segment_reader.h"

#include <algorithm>

namespace thermocline::wal {
namespace {

constexpr uint64_t kReadAheadBytes = 1u << 20;

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// The blocks of a file through one buffer.
class Blocks {
 public:
  Blocks(const RandomAccessFile& file, uint64_t size) : file_(file), size_(size) {}

  uint64_t count() const { return (size_ + kBlockBytes - 1) / kBlockBytes; }
  // Valid until the next call. The last block may be short.
  Result<std::string_view> Get(uint64_t block) {
    const uint64_t offset = block * kBlockBytes;
    if (offset < start_ || offset >= start_ + buffer_.size()) {
      start_ = offset;
      RETURN_IF_ERROR(file_.Read(offset, kReadAheadBytes, &buffer_));
    }
    return std::string_view(buffer_).substr(offset - start_, kBlockBytes);
  }

 private:
  const RandomAccessFile& file_;
  const uint64_t size_;
  uint64_t start_ = 0;
  std::string buffer_;
};

struct Position {
  uint64_t block = 0;
  size_t offset = 0;
};

class Reading {
 public:
  Reading(const RandomAccessFile& file, uint64_t size, const SegmentBounds& bounds,
          const ReaderOptions& options, const std::function<Status(const LogRecord&)>& replay)
      : blocks_(file, size), bounds_(bounds), options_(options), replay_(replay) {}

  Result<SegmentSummary> Run();

 private:
  Status TakeHeader();
  std::optional<Fragment> FragmentAt(std::string_view block, size_t offset);
  // The first valid fragment of this block at or after `offset`, wherever it starts.
  std::optional<size_t> NextValidIn(std::string_view block, size_t offset);
  // Reads all that lies behind the position once: was anything from `e` on ever durable?
  Status LookBehind(Position at);
  bool WasDurable(Lsn e) const;
  // Decides between damage and the end of the log at `at`, where a record should have come.
  Status MeetHole(Position at, std::string_view block, bool* resume);
  // `*consumed` is false when the same fragment must be offered again: a hole before it was dealt
  // with, which may have moved the buffer that it views.
  Status Take(const Fragment& fragment, Position at, std::string_view block, bool* consumed);
  Status Deliver();
  void CountDamage(Position at);
  void NoteGap(Position at) {
    if (!summary_.damage_offset) summary_.damage_offset = at.block * kBlockBytes + at.offset;
  }
  void DropPartial();
  void Finish();

  Blocks blocks_;
  const SegmentBounds& bounds_;
  const ReaderOptions& options_;
  const std::function<Status(const LogRecord&)>& replay_;

  SegmentSummary summary_;
  std::optional<uint64_t> epoch_;
  bool done_ = false;

  // The record being put together.
  bool partial_ = false;
  uint64_t partial_start_ = 0;  // in the file
  uint64_t partial_bytes_ = 0;  // on disk
  uint16_t next_number_ = 0;
  RecordType type_ = RecordType::kSamples;
  Lsn lsn_;
  std::string payload_;

  // What LookBehind found; asked for at the first hole.
  bool looked_ = false;
  Lsn durable_behind_;
  bool valid_behind_ = false;
  uint64_t end_of_valid_ = 0;
  std::optional<uint64_t> last_damaged_block_;
};

std::optional<Fragment> Reading::FragmentAt(std::string_view block, size_t offset) {
  if (offset >= block.size()) return std::nullopt;
  // The epoch is looked at before the CRC: stale bytes are the common case behind the end.
  auto cheap = DecodeFragment(block.substr(offset), false);
  if (!cheap) return std::nullopt;
  if (epoch_ ? cheap->epoch != *epoch_ : !EpochFits(cheap->epoch, bounds_.id)) return std::nullopt;
  auto fragment = DecodeFragment(block.substr(offset), options_.check_crc);
  if (fragment && !epoch_) epoch_ = fragment->epoch;
  return fragment;
}

std::optional<size_t> Reading::NextValidIn(std::string_view block, size_t offset) {
  for (offset = block.find(kFragmentMagicBytes, offset); offset != std::string_view::npos;
       offset = block.find(kFragmentMagicBytes, offset + 1)) {
    if (FragmentAt(block, offset)) return offset;
  }
  return std::nullopt;
}

Status Reading::LookBehind(Position at) {
  if (looked_) return {};
  looked_ = true;
  for (uint64_t b = at.block; b < blocks_.count(); ++b) {
    ASSIGN_OR_RETURN(const std::string_view block, blocks_.Get(b));
    std::optional<size_t> offset = b == at.block ? at.offset : 0;
    // In a block that does not start with a fragment of this segment, the search is byte by byte;
    // blocks of zeros, the usual rest of a preallocated segment, are passed over at once.
    if (AllZero(block.substr(std::min(*offset, block.size())))) continue;
    while ((offset = NextValidIn(block, *offset))) {
      const Fragment fragment = *FragmentAt(block, *offset);
      valid_behind_ = true;
      durable_behind_ = std::max(
          durable_behind_,
          Lsn(fragment.lsn.number - std::min<uint64_t>(fragment.lsn.number, fragment.unsynced)));
      *offset += fragment.size_bytes();
      end_of_valid_ = b * kBlockBytes + *offset;
    }
  }
  return {};
}

bool Reading::WasDurable(Lsn e) const {
  if (bounds_.limit && e > *bounds_.limit) return false;
  return bounds_.reached_limit || e <= durable_behind_;
}

void Reading::CountDamage(Position at) {
  NoteGap(at);
  if (last_damaged_block_ != at.block) ++summary_.damaged_blocks;
  last_damaged_block_ = at.block;
}

void Reading::DropPartial() {
  partial_ = false;
  partial_bytes_ = 0;
  payload_.clear();
}

Status Reading::TakeHeader() {
  if (blocks_.count() == 0) {
    CountDamage({0, 0});
    done_ = true;
    return {};
  }
  ASSIGN_OR_RETURN(const std::string_view block, blocks_.Get(0));
  summary_.header = DecodeSegmentHeader(block, options_.check_crc);
  summary_.expected = bounds_.expected;
  if (!summary_.header) {
    CountDamage({0, 0});
    return {};
  }
  const SegmentHeader& header = *summary_.header;
  if (header.id != bounds_.id) {
    // A copy of another segment: its records are that segment's.
    summary_.header.reset();
    CountDamage({0, 0});
    done_ = true;
    return {};
  }
  epoch_ = header.epoch;
  summary_.durable = header.previous_lsn;
  if (summary_.expected && *summary_.expected <= header.previous_lsn) {
    NoteGap({0, 0});
    summary_.lost_records += header.previous_lsn.number - summary_.expected->number + 1;
  }
  summary_.expected = std::max(summary_.expected.value_or(header.first_lsn), header.first_lsn);
  return {};
}

Status Reading::MeetHole(Position at, std::string_view block, bool* resume) {
  RETURN_IF_ERROR(LookBehind(at));
  const std::optional<Lsn> e = partial_ ? std::optional<Lsn>(lsn_) : summary_.expected;
  *resume = e ? WasDurable(*e) : valid_behind_;
  if (*resume) {
    CountDamage(at);
    DropPartial();
    return {};
  }
  done_ = true;
  if (e && bounds_.limit && *e > *bounds_.limit) return {};  // all that counts was read
  const std::string_view rest = block.substr(std::min(at.offset, block.size()));
  const bool clean = !partial_ && !valid_behind_ &&
                     AllZero(rest.substr(0, std::min(rest.size(), kFragmentHeaderBytes)));
  if (clean) return {};
  const size_t last_byte = rest.find_last_not_of('\0');
  const uint64_t start = at.block * kBlockBytes + at.offset;
  const uint64_t end =
      std::max(end_of_valid_, last_byte == std::string_view::npos ? start : start + last_byte + 1);
  const uint64_t torn_bytes = partial_bytes_ + (end - start);
  if (torn_bytes > 0) summary_.torn_offset = partial_ ? partial_start_ : start;
  summary_.torn_bytes += torn_bytes;
  DropPartial();
  return {};
}

Status Reading::Deliver() {
  LogRecord record{lsn_, bounds_.id, type_, payload_};
  ++summary_.records;
  summary_.expected = Lsn(lsn_.number + 1);
  Status status = replay_(record);
  DropPartial();
  return status;
}

Status Reading::Take(const Fragment& fragment, Position at, std::string_view block,
                     bool* consumed) {
  *consumed = true;
  bool resume = true;
  if (bounds_.limit && fragment.lsn > *bounds_.limit) {
    // Void: torn, given up or rewritten into a later segment. Records before it may be missing.
    if (partial_) RETURN_IF_ERROR(MeetHole(at, block, &resume));
    done_ = true;
    return {};
  }
  const bool continues = partial_ && !fragment.starts_record() && fragment.lsn == lsn_ &&
                         fragment.number == next_number_ &&
                         payload_.size() + fragment.payload.size() <= options_.max_record_bytes;
  if (continues) {
    payload_ += fragment.payload;
    partial_bytes_ += fragment.size_bytes();
    ++next_number_;
    return fragment.ends_record() ? Deliver() : Status::Ok();
  }
  if (!partial_ && summary_.expected && fragment.lsn < *summary_.expected) {
    CountDamage(at);  // replayed already
    return {};
  }
  const bool gap = summary_.expected && fragment.lsn > *summary_.expected;
  if (partial_ || gap || !fragment.starts_record()) {
    const bool was_partial = partial_;
    RETURN_IF_ERROR(MeetHole(at, block, &resume));
    if (!resume) return {};
    if (was_partial) {
      *consumed = false;  // looked at again, now without the broken record
    } else if (fragment.starts_record()) {
      summary_.lost_records += fragment.lsn.number - summary_.expected->number;
      summary_.expected = fragment.lsn;
      *consumed = false;
    }
    return {};
  }
  partial_ = true;
  partial_start_ = at.block * kBlockBytes + at.offset;
  partial_bytes_ = fragment.size_bytes();
  next_number_ = 1;
  type_ = fragment.type;
  lsn_ = fragment.lsn;
  payload_ = fragment.payload;
  summary_.expected = lsn_;
  return fragment.ends_record() ? Deliver() : Status::Ok();
}

void Reading::Finish() {
  summary_.durable = std::max(summary_.durable, durable_behind_);
  if (bounds_.limit || !summary_.expected || *summary_.expected > durable_behind_) return;
  // Nothing follows that would show the gap.
  NoteGap({blocks_.count(), 0});
  summary_.lost_records += durable_behind_.number - summary_.expected->number + 1;
  summary_.expected = Lsn(durable_behind_.number + 1);
}

Result<SegmentSummary> Reading::Run() {
  RETURN_IF_ERROR(TakeHeader());
  Position at{0, kSegmentHeaderBytes};
  for (; !done_ && at.block < blocks_.count(); ++at.block, at.offset = 0) {
    while (!done_) {
      // Asked for again in each round: LookBehind moves the buffer.
      ASSIGN_OR_RETURN(std::string_view block, blocks_.Get(at.block));
      if (kBlockBytes - at.offset < kMinFragmentRoom) break;
      const auto fragment = FragmentAt(block, at.offset);
      if (fragment) {
        const size_t size = fragment->size_bytes();
        bool consumed = true;
        RETURN_IF_ERROR(Take(*fragment, at, block, &consumed));
        if (consumed) at.offset += size;
        continue;
      }
      bool resume = true;
      RETURN_IF_ERROR(MeetHole(at, block, &resume));
      if (!resume) break;
      ASSIGN_OR_RETURN(block, blocks_.Get(at.block));
      const auto next = NextValidIn(block, at.offset + 1);
      if (!next) break;
      at.offset = *next;
    }
  }
  if (!done_ && partial_) {
    // The file ends inside a record.
    bool resume = false;
    RETURN_IF_ERROR(MeetHole({blocks_.count(), 0}, {}, &resume));
  }
  Finish();
  return summary_;
}

}  // namespace

Result<SegmentSummary> ReadSegment(const RandomAccessFile& file, const SegmentBounds& bounds,
                                   const ReaderOptions& options,
                                   const std::function<Status(const LogRecord&)>& replay) {
  ASSIGN_OR_RETURN(const uint64_t size, file.Size());
  return Reading(file, size, bounds, options, replay).Run();
}

Result<std::optional<SegmentHeader>> ReadSegmentHeader(const RandomAccessFile& file,
                                                       bool check_crc) {
  std::string bytes;
  RETURN_IF_ERROR(file.Read(0, kSegmentHeaderBytes, &bytes));
  return DecodeSegmentHeader(bytes, check_crc);
}

}  // namespace thermocline::wal
