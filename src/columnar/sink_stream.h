// An ObjectWriter as the stream libparquet writes to; hashes what passes.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include "base/hash.h"
#include "base/status.h"
#include "bucket/object.h"

namespace thermocline::columnar {

class SinkStream : public ::arrow::io::OutputStream {
 public:
  explicit SinkStream(ObjectWriter* sink) : sink_(sink) {}

  ::arrow::Status Write(const void* data, int64_t size) override;
  using ::arrow::io::OutputStream::Write;
  ::arrow::Status Close() override {
    closed_ = true;
    return ::arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  ::arrow::Result<int64_t> Tell() const override { return static_cast<int64_t>(size_bytes_); }

  // From here on the bytes are hashed a second time, into TailHash.
  void BeginTail() { in_tail_ = true; }
  uint64_t TailHash() const { return tail_.Digest(); }
  uint64_t FileHash() const { return file_.Digest(); }
  uint64_t size_bytes() const { return size_bytes_; }
  // The sink's first error as it gave it; libparquet only passes its text on.
  const Status& first_error() const { return first_error_; }

 private:
  ObjectWriter* const sink_;
  Hash64Stream file_;
  Hash64Stream tail_;
  bool in_tail_ = false;
  bool closed_ = false;
  uint64_t size_bytes_ = 0;
  Status first_error_;
};

}  // namespace thermocline::columnar
