#include "codec/compression.h"

#include <libdeflate.h>
#include <snappy.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace thermocline {
namespace {

// A snappy block grows at most 64 bytes out of three (a copy element), so a preamble that claims
// more than this lies; ours is the round number above.
constexpr uint64_t kSnappyMaxRatio = 22;
constexpr uint64_t kSnappyMaxSlack = 64;

Status TooLarge(std::string_view format, uint64_t limit_bytes) {
  return Status::ResourceExhausted(std::string(format) + ": decoded size exceeds the limit of " +
                                   std::to_string(limit_bytes) + " bytes");
}

// Grows `out` for a decoder that does not know its output's size; false at the limit. One byte
// beyond the limit is granted, to tell "exactly full" from "too large".
bool Grow(uint64_t limit_bytes, size_t input_size, std::string* out) {
  if (out->size() > limit_bytes) return false;
  const uint64_t wanted = std::max<uint64_t>(out->size() * 2, input_size * 4 + 256);
  out->resize(std::min(wanted, limit_bytes + 1));
  return true;
}

}  // namespace

Status SnappyDecode(std::string_view bytes, uint64_t limit_bytes, std::string* out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(bytes.data(), bytes.size(), &size)) {
    return Status::Corruption("snappy: length preamble is malformed");
  }
  if (size > limit_bytes) return TooLarge("snappy", limit_bytes);
  if (size > bytes.size() * kSnappyMaxRatio + kSnappyMaxSlack) {
    return Status::Corruption("snappy: " + std::to_string(bytes.size()) + " bytes cannot hold " +
                              std::to_string(size));
  }
  out->resize(size);
  if (!snappy::RawUncompress(bytes.data(), bytes.size(), out->data())) {
    return Status::Corruption("snappy: block is malformed");
  }
  return Status::Ok();
}

void SnappyEncode(std::string_view bytes, std::string* out) {
  snappy::Compress(bytes.data(), bytes.size(), out);
}

Status GzipDecode(std::string_view bytes, uint64_t limit_bytes, std::string* out) {
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> decompressor(
      libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  CHECK(decompressor != nullptr);
  out->clear();
  size_t done = 0;
  do {
    size_t consumed = 0;
    size_t produced = 0;
    libdeflate_result result = LIBDEFLATE_INSUFFICIENT_SPACE;
    while (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
      if (!Grow(limit_bytes, bytes.size(), out)) return TooLarge("gzip", limit_bytes);
      result = libdeflate_gzip_decompress_ex(decompressor.get(), bytes.data(), bytes.size(),
                                             out->data() + done, out->size() - done, &consumed,
                                             &produced);
    }
    if (result != LIBDEFLATE_SUCCESS) return Status::Corruption("gzip: stream is malformed");
    done += produced;
    if (done > limit_bytes) return TooLarge("gzip", limit_bytes);
    bytes.remove_prefix(consumed);
    out->resize(done);
  } while (!bytes.empty());
  return Status::Ok();
}

void GzipEncode(std::string_view bytes, int level, std::string* out) {
  const std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> compressor(
      libdeflate_alloc_compressor(level), &libdeflate_free_compressor);
  CHECK(compressor != nullptr);
  out->resize(libdeflate_gzip_compress_bound(compressor.get(), bytes.size()));
  out->resize(libdeflate_gzip_compress(compressor.get(), bytes.data(), bytes.size(), out->data(),
                                       out->size()));
}

Status ZstdDecode(std::string_view bytes, uint64_t limit_bytes, std::string* out, int window_log) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                   &ZSTD_freeDCtx);
  CHECK(context != nullptr);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log);
  out->clear();
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t done = 0;
  size_t pending = 1;  // what the decoder still expects: 0 at the end of a frame
  while (in.pos < in.size || (pending != 0 && done == out->size())) {
    if (done == out->size() && !Grow(limit_bytes, bytes.size(), out)) {
      return TooLarge("zstd", limit_bytes);
    }
    ZSTD_outBuffer to{out->data(), out->size(), done};
    pending = ZSTD_decompressStream(context.get(), &to, &in);
    if (ZSTD_isError(pending)) {
      return Status::Corruption(std::string("zstd: ") + ZSTD_getErrorName(pending));
    }
    done = to.pos;
  }
  if (done > limit_bytes) return TooLarge("zstd", limit_bytes);
  if (pending != 0) return Status::Corruption("zstd: stream ends early");
  out->resize(done);
  return Status::Ok();
}

void ZstdEncode(std::string_view bytes, int level, std::string* out) {
  out->resize(ZSTD_compressBound(bytes.size()));
  const size_t size = ZSTD_compress(out->data(), out->size(), bytes.data(), bytes.size(), level);
  CHECK(!ZSTD_isError(size));
  out->resize(size);
}

}  // namespace thermocline
