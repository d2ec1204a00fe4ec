#include "bucket/object.h"

#include <fmt/core.h>

namespace thermocline {

Result<std::string> Object::Read(uint64_t offset, uint64_t size_bytes) const {
  const ByteRange range{offset, size_bytes};
  std::vector<std::string> out;
  RETURN_IF_ERROR(ReadRanges({&range, 1}, &out));
  return std::move(out[0]);
}

Status Bucket::Put(const std::string& key, std::string_view bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<ObjectWriter> writer, NewWriter(key));
  RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Finish();
}

Result<std::string> Bucket::Get(const std::string& key, uint64_t limit_bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<Object> object, Open(key));
  if (object->size_bytes() > limit_bytes) {
    return Status::ResourceExhausted(
        fmt::format("object {} has {} bytes, limit {}", key, object->size_bytes(), limit_bytes));
  }
  return object->Read(0, object->size_bytes());
}

}  // namespace thermocline
