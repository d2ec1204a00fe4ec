#include "columnar/sink_stream.h"

#include <arrow/status.h>

namespace thermocline::columnar {

::arrow::Status SinkStream::Write(const void* data, int64_t size) {
  const std::string_view bytes(static_cast<const char*>(data), static_cast<size_t>(size));
  if (first_error_.ok()) first_error_ = sink_->Append(bytes);
  if (!first_error_.ok()) return ::arrow::Status::IOError(std::string(first_error_.message()));
  file_.Update(bytes);
  if (in_tail_) tail_.Update(bytes);
  size_bytes_ += bytes.size();
  return ::arrow::Status::OK();
}

}  // namespace thermocline::columnar
