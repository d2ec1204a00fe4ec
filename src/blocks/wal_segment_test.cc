// Records that decompress to far more than they take.
#include "blocks/wal_segment.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/child_peak.h"
#include "base/hash.h"
#include "blocks/test_block.h"
#include "bucket/local_bucket.h"
#include "codec/compression.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline {
namespace {

constexpr uint8_t kFull = 1;
constexpr uint8_t kSnappy = 8;
constexpr uint8_t kZstd = 16;

// One record in one fragment.
std::string Segment(uint8_t compression, std::string_view bytes) {
  std::string segment;
  ByteWriter writer(&segment);
  writer.U8(kFull | compression);
  segment.push_back(static_cast<char>(bytes.size() >> 8));
  segment.push_back(static_cast<char>(bytes.size()));
  PutBig32(&segment, Crc32c(bytes));
  return segment + std::string(bytes);
}

Status ReadAll(const std::string& segment) {
  SimulatedFileSystem files;
  files.PutFile("/w/00000000", segment);
  LocalBucket bucket(files, "/w");
  ASSIGN_OR_RETURN(const auto object, bucket.Open("00000000"));
  WalSegmentReader reader(*object);
  for (;;) {
    ASSIGN_OR_RETURN(const auto record, reader.Next());
    if (!record) return Status::Ok();
  }
}

TEST(WalSegment, ABombOfARecordTakesWithinItsBound) {
  std::string zstd;
  ZstdEncode(std::string(size_t{200} << 20, '\0'), 3, &zstd);
  std::string snappy;
  SnappyEncode(std::string(size_t{1} << 20, '\0'), &snappy);
  // Its length is a lie: 250 MiB.
  std::string lie("\x80\x80\x80\x7d", 4);
  lie += snappy.substr(3, 20'000);
  for (const auto& [compression, bytes] : {std::pair{kZstd, zstd}, std::pair{kSnappy, lie}}) {
    ASSERT_LT(bytes.size(), 32'000u);
    const std::string segment = Segment(compression, bytes);
    EXPECT_EQ(ReadAll(segment).code(), Code::kCorruption);
    const int64_t rise = PeakOfChild([&] { (void)ReadAll(segment); });
    EXPECT_GE(rise, 0) << "the child died";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    // The record as it grows, zstd's window of it, and what reading takes.
    EXPECT_LE(rise, (int64_t{8} << 20) + 3 * 256 * static_cast<int64_t>(bytes.size()));
#endif
  }
}

TEST(WalSegment, RecordsThatShrinkToAHundredthAreRead) {
  std::string zstd;
  ZstdEncode(std::string(size_t{1} << 20, '\0'), 3, &zstd);
  EXPECT_LT(zstd.size(), 1000u);
  EXPECT_TRUE(ReadAll(Segment(kZstd, zstd)).ok());
}

}  // namespace
}  // namespace thermocline
