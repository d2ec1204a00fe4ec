#include "server/body_writer.h"

namespace thermocline {
namespace {

constexpr int kGzipLevel = 1;

}  // namespace

BodyWriter::BodyWriter(std::shared_ptr<BodyPipe> pipe, bool gzip, const std::stop_token& stop)
    : pipe_(std::move(pipe)),
      gzip_(gzip ? std::make_unique<GzipStream>(kGzipLevel) : nullptr),
      on_stop_(stop, DropPipe{pipe_}) {}

Status BodyWriter::Write(std::string_view text) {
  std::string piece;
  if (gzip_ == nullptr) {
    piece = text;
  } else {
    gzip_->Write(text, &piece);
  }
  return pipe_->Write(std::move(piece));
}

Status BodyWriter::Finish() {
  if (gzip_ != nullptr) {
    std::string rest;
    gzip_->Finish(&rest);
    RETURN_IF_ERROR(pipe_->Write(std::move(rest)));
  }
  pipe_->End(true);
  return Status::Ok();
}

}  // namespace thermocline
