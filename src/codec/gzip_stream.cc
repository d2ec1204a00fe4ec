#include "codec/gzip_stream.h"

#include <zlib.h>

#include "base/check.h"

namespace thermocline {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // 32 KiB, with gzip's header and trailer
constexpr int kMemoryLevel = 8;
constexpr size_t kRoomBytes = size_t{64} << 10;
constexpr size_t kMostAtOnce = size_t{1} << 30;  // zlib counts in 32 bits

}  // namespace

struct GzipStream::State {
  z_stream stream{};

  void Run(int flush, std::string* out) {
    int result = Z_OK;
    do {
      const size_t size = out->size();
      out->resize(size + kRoomBytes);
      stream.next_out = reinterpret_cast<Bytef*>(out->data() + size);
      stream.avail_out = kRoomBytes;
      result = deflate(&stream, flush);
      CHECK(result != Z_STREAM_ERROR);
      out->resize(size + kRoomBytes - stream.avail_out);
    } while (stream.avail_out == 0);
    CHECK(flush != Z_FINISH || result == Z_STREAM_END);
  }
};

GzipStream::GzipStream(int level) : state_(std::make_unique<State>()) {
  const int result = deflateInit2(&state_->stream, level, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                                  Z_DEFAULT_STRATEGY);
  CHECK(result == Z_OK);
}

GzipStream::~GzipStream() { deflateEnd(&state_->stream); }

void GzipStream::Write(std::string_view bytes, std::string* out) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kMostAtOnce);
    // zlib does not write through the pointer.
    state_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
    state_->stream.avail_in = static_cast<uInt>(part.size());
    state_->Run(Z_NO_FLUSH, out);
    bytes.remove_prefix(part.size());
  }
}

void GzipStream::Finish(std::string* out) {
  state_->stream.avail_in = 0;
  state_->Run(Z_FINISH, out);
}

}  // namespace thermocline
