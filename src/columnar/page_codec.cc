#include "columnar/page_codec.h"

#include <arrow/util/compression.h>
#include <fmt/core.h>

#include <array>
#include <map>
#include <vector>

#include "columnar/arrow_wall.h"

namespace thermocline::columnar {

namespace {

using ::arrow::Compression;
using ::arrow::util::Codec;

Result<std::unique_ptr<Codec>> MakeCodec(PageCodec codec, int level) {
  Compression::type type = Compression::UNCOMPRESSED;
  switch (codec) {
    case PageCodec::kSnappy: type = Compression::SNAPPY; break;
    case PageCodec::kGzip: type = Compression::GZIP; break;
    case PageCodec::kBrotli: type = Compression::BROTLI; break;
    case PageCodec::kZstd: type = Compression::ZSTD; break;
    case PageCodec::kLz4Raw: type = Compression::LZ4; break;
    default:
      return Status::Unimplemented(
          fmt::format("page codec {} is not supported", static_cast<int>(codec)));
  }
  auto made = Codec::Create(type, level);
  RETURN_IF_ERROR(FromArrow(Code::kUnimplemented, "making a codec", made.status()));
  return std::move(made).ValueUnsafe();
}

// ZSTD_c_maxBlockSize, which zstd.h names ZSTD_c_experimentalParam18 and has had since 1.5.5:
// blocks of at most so many bytes. Whatever another version takes the number for, frames stay
// valid.
constexpr int kMaxBlockSize = 1015;
// Of a zstd block.
constexpr size_t kMostBlockBytes = 128 << 10;
// A block's tables cost about 100 bytes.
constexpr size_t kLeastPlaneBytes = 4 << 10;

Result<size_t> CompressWith(Codec& codec, std::span<const uint8_t> bytes, ByteBuffer* out) {
  const int64_t size = static_cast<int64_t>(bytes.size());
  // libzstd's bound counts on blocks of 128 KiB; smaller ones have 3 bytes of header each, too.
  const int64_t room = codec.MaxCompressedLen(size, bytes.data()) +
                       3 * (size / static_cast<int64_t>(kLeastPlaneBytes) + 1);
  uint8_t* to = out->Reserve(static_cast<size_t>(room));
  auto written = codec.Compress(size, bytes.data(), room, to);
  RETURN_IF_ERROR(FromArrow(Code::kInternal, "compressing a page", written.status()));
  out->Advance(static_cast<size_t>(*written));
  return static_cast<size_t>(*written);
}

Result<std::unique_ptr<Codec>> MakeBlockCodec(int level, size_t block_bytes) {
  ::arrow::util::ZstdCodecOptions options;
  options.compression_level = level;
  options.compression_context_params = {{kMaxBlockSize, static_cast<int>(block_bytes)}};
  auto made = Codec::Create(Compression::ZSTD, options);
  RETURN_IF_ERROR(FromArrow(Code::kUnimplemented, "making a codec", made.status()));
  return std::move(made).ValueUnsafe();
}

class ZstdCompressor : public PageCompressor {
 public:
  ZstdCompressor(int level, std::unique_ptr<Codec> codec)
      : level_(level), codec_(std::move(codec)) {
    // A libzstd without the parameter: planes are compressed as other bytes are.
    const std::vector<uint8_t> zeros(2 * kLeastPlaneBytes);
    ByteBuffer out;
    auto made = MakeBlockCodec(level_, kLeastPlaneBytes);
    has_block_size_ = made.ok() && CompressWith(**made, zeros, &out).ok();
  }

  Result<size_t> Compress(std::span<const uint8_t> bytes, ByteBuffer* out) override {
    return CompressWith(*codec_, bytes, out);
  }

  Result<size_t> CompressPlanes(std::span<const uint8_t> bytes, size_t plane_bytes,
                                ByteBuffer* out) override {
    if (!has_block_size_ || plane_bytes < kLeastPlaneBytes || plane_bytes > kMostBlockBytes) {
      return Compress(bytes, out);
    }
    std::unique_ptr<Codec>& codec = by_plane_[plane_bytes % by_plane_.size()];
    size_t& made_for = made_for_[plane_bytes % by_plane_.size()];
    if (made_for != plane_bytes) {
      ASSIGN_OR_RETURN(codec, MakeBlockCodec(level_, plane_bytes));
      made_for = plane_bytes;
    }
    return CompressWith(*codec, bytes, out);
  }

 private:
  const int level_;
  const std::unique_ptr<Codec> codec_;
  bool has_block_size_ = false;
  // A few sizes come again and again: full pages and samples of them.
  std::array<std::unique_ptr<Codec>, 5> by_plane_;
  std::array<size_t, 5> made_for_{};
};

}  // namespace

Result<std::unique_ptr<PageCompressor>> PageCompressor::Make(int zstd_level) {
  ASSIGN_OR_RETURN(std::unique_ptr<Codec> codec, MakeCodec(PageCodec::kZstd, zstd_level));
  return std::unique_ptr<PageCompressor>(
      std::make_unique<ZstdCompressor>(zstd_level, std::move(codec)));
}

struct PageDecompressor::State {
  std::map<PageCodec, std::unique_ptr<Codec>> codecs;
  std::shared_ptr<::arrow::util::Decompressor> zstd;
};

PageDecompressor::PageDecompressor() : state_(std::make_unique<State>()) {}
PageDecompressor::~PageDecompressor() = default;

namespace {

// A stream into a buffer of the whole size takes zstd's one-pass way, with the context kept.
Status DecompressStream(::arrow::util::Decompressor& zstd, std::span<const uint8_t> bytes,
                        uint8_t* out, size_t size) {
  RETURN_IF_ERROR(FromArrow(Code::kInternal, "resetting zstd", zstd.Reset()));
  size_t used = 0;
  size_t made = 0;
  while (!zstd.IsFinished()) {
    auto step = zstd.Decompress(static_cast<int64_t>(bytes.size() - used), bytes.data() + used,
                                static_cast<int64_t>(size - made), out + made);
    RETURN_IF_ERROR(FromArrow(Code::kCorruption, "decompressing a page", step.status()));
    if (step->bytes_read == 0 && step->bytes_written == 0) break;
    used += static_cast<size_t>(step->bytes_read);
    made += static_cast<size_t>(step->bytes_written);
  }
  if (used != bytes.size() || made != size || !zstd.IsFinished()) {
    return Status::Corruption(
        fmt::format("zstd stream of {} bytes ends after {} and gives {} of {}", bytes.size(), used,
                    made, size));
  }
  return Status::Ok();
}

}  // namespace

Status PageDecompressor::Decompress(PageCodec codec, std::span<const uint8_t> bytes, uint8_t* out,
                                    size_t size) {
  std::unique_ptr<Codec>& made = state_->codecs[codec];
  if (made == nullptr) {
    ASSIGN_OR_RETURN(made, MakeCodec(codec, ::arrow::util::kUseDefaultCompressionLevel));
  }
  if (codec == PageCodec::kZstd) {
    if (state_->zstd == nullptr) {
      auto stream = made->MakeDecompressor();
      RETURN_IF_ERROR(FromArrow(Code::kInternal, "making a decompressor", stream.status()));
      state_->zstd = std::move(stream).ValueUnsafe();
    }
    return DecompressStream(*state_->zstd, bytes, out, size);
  }
  auto written = made->Decompress(static_cast<int64_t>(bytes.size()), bytes.data(),
                                  static_cast<int64_t>(size), out);
  RETURN_IF_ERROR(FromArrow(Code::kCorruption, "decompressing a page", written.status()));
  if (static_cast<size_t>(*written) != size) {
    return Status::Corruption(fmt::format("page gives {} bytes, expected {}", *written, size));
  }
  return Status::Ok();
}

}  // namespace thermocline::columnar
