#include "convert/chunk_spill.h"

#include <utility>

namespace thermocline {

ChunkSpill::ChunkSpill(FileSystem& files, std::string path, uint64_t memory_bytes)
    : files_(files), path_(std::move(path)), memory_bytes_(memory_bytes) {}

ChunkSpill::~ChunkSpill() {
  if (writer_ == nullptr && reader_ == nullptr) return;
  writer_.reset();
  reader_.reset();
  static_cast<void>(files_.RemoveFile(path_));  // whoever owns the folder removes what stays
}

Result<uint64_t> ChunkSpill::Append(std::string_view bytes) {
  const uint64_t offset = file_bytes_ + memory_.size();
  memory_ += bytes;
  if (!path_.empty() && memory_.size() >= memory_bytes_) RETURN_IF_ERROR(Spill());
  return offset;
}

Status ChunkSpill::Spill() {
  if (writer_ == nullptr) {
    ASSIGN_OR_RETURN(writer_, files_.OpenForWrite(path_, OpenMode::kTruncate));
  }
  RETURN_IF_ERROR(writer_->Append(memory_));
  file_bytes_ += memory_.size();
  memory_.clear();
  return Status::Ok();
}

Status ChunkSpill::Finish() {
  if (writer_ == nullptr) return Status::Ok();
  ASSIGN_OR_RETURN(reader_, files_.OpenForRead(path_));
  return writer_->Close();
}

Status ChunkSpill::Read(uint64_t offset, size_t size_bytes, std::string* out) const {
  if (offset >= file_bytes_) {
    if (offset - file_bytes_ + size_bytes > memory_.size()) {
      return Status::Internal("a chunk behind the end of the spill");
    }
    *out = memory_.substr(offset - file_bytes_, size_bytes);
    return Status::Ok();
  }
  RETURN_IF_ERROR(reader_->Read(offset, size_bytes, out));
  return out->size() == size_bytes ? Status::Ok() : Status::Io("short read of " + path_);
}

}  // namespace thermocline
