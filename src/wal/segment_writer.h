#pragma once

#include <memory>
#include <string>

#include "env/file_system.h"
#include "wal/format.h"

namespace thermocline::wal {

// Writes records into one open segment file whose header is durable. Not thread-safe. After the
// first error of Write or Sync the object is only good for destruction.
class SegmentWriter {
 public:
  SegmentWriter(std::unique_ptr<WritableFile> file, const SegmentHeader& header)
      : file_(std::move(file)), header_(header) {}

  // Encodes the record behind what is buffered. `durable` is the last LSN known to be durable.
  void Add(Lsn lsn, RecordType type, std::string_view payload, Lsn durable);
  // Hands the buffer to the file, zeros behind it.
  Status Write();
  Status Sync();
  Status Close() { return file_->Close(); }

  const SegmentHeader& header() const { return header_; }
  // Where the next record goes, buffered ones counted.
  uint64_t position() const { return written_ + buffer_.size(); }
  uint64_t buffered_bytes() const { return buffer_.size(); }
  bool empty() const { return position() == kSegmentHeaderBytes; }

 private:
  std::unique_ptr<WritableFile> file_;
  const SegmentHeader header_;
  uint64_t written_ = kSegmentHeaderBytes;
  std::string buffer_;
};

}  // namespace thermocline::wal
