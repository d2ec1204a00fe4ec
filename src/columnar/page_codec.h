// Compression of page bodies with contexts that live as long as their owner.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "columnar/byte_buffer.h"

namespace thermocline::columnar {

// As in the footer of a file; values of parquet.thrift's CompressionCodec.
enum class PageCodec : int32_t {
  kNone = 0,
  kSnappy = 1,
  kGzip = 2,
  kBrotli = 4,
  kZstd = 6,
  kLz4Raw = 7,
};

// zstd at one level. One thread.
class PageCompressor {
 public:
  static Result<std::unique_ptr<PageCompressor>> Make(int zstd_level);
  virtual ~PageCompressor() = default;
  // Appends the compressed bytes to `out` and returns their count.
  virtual Result<size_t> Compress(std::span<const uint8_t> bytes, ByteBuffer* out) = 0;
  // The same for planes of `plane_bytes` each, one after the other, that are unlike one another:
  // each is a zstd block with entropy tables of its own. One frame, as any reader expects it.
  virtual Result<size_t> CompressPlanes(std::span<const uint8_t> bytes, size_t plane_bytes,
                                        ByteBuffer* out) = 0;
};

// Any codec the library has. One thread.
class PageDecompressor {
 public:
  PageDecompressor();
  ~PageDecompressor();
  PageDecompressor(const PageDecompressor&) = delete;
  PageDecompressor& operator=(const PageDecompressor&) = delete;
  // Fills exactly `size` bytes at `out`. Corruption when the stream is damaged, ends elsewhere or
  // is longer or shorter; Unimplemented for an unknown codec.
  Status Decompress(PageCodec codec, std::span<const uint8_t> bytes, uint8_t* out, size_t size);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace thermocline::columnar
