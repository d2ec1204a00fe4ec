// Pages that claim far more than they hold, with every checksum right.
#include <gtest/gtest.h>

#include "base/child_peak.h"
#include "bucket/local_bucket.h"
#include "bucket/memory_object.h"
#include "columnar/decode_limits.h"
#include "columnar/delta.h"
#include "columnar/file_reader.h"
#include "columnar/file_writer.h"
#include "columnar/hybrid.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline::columnar {
namespace {

// Peak of reading a column whose elements are all there.
constexpr int64_t kFloorBytes = int64_t{96} << 20;

// A file of one row: a list of `elements` zeros, which take next to nothing.
Result<std::string> OneLongList(uint32_t elements) {
  FileSchema schema;
  schema.columns.emplace_back();
  schema.columns[0].list = "counts";
  schema.columns[0].encoding = ColumnEncoding::kDelta;
  EncodedRowGroup group;
  group.rows = 1;
  group.chunks.resize(1);
  EncodedChunk& chunk = group.chunks[0];
  ByteBuffer levels;
  HybridEncoder repetition(1, &levels);
  repetition.Add(0, 1);
  if (elements > 1) repetition.Add(1, elements - 1);
  repetition.Finish();
  EncodedPage page;
  page.repetition_bytes = static_cast<uint32_t>(levels.size());
  HybridEncoder definition(1, &levels);
  definition.Add(1, elements);
  definition.Finish();
  ByteBuffer body;
  // One block of a million deltas in one miniblock of no bits, again and again.
  constexpr uint64_t kBlock = 1 << 20;
  body.Varint(kBlock);
  body.Varint(1);
  body.Varint(elements);
  body.SignedVarint(0);
  for (uint64_t done = 1; done < elements; done += kBlock) {
    body.SignedVarint(0);
    body.Push(0);
  }
  page.encoding = PageEncoding::kDeltaBinaryPacked;
  page.rows = 1;
  page.level_bytes = static_cast<uint32_t>(levels.size());
  page.list_entries = elements;
  page.full_bytes = levels.size() + body.size();
  page.stored_bytes = page.full_bytes;
  chunk.bodies.Append(levels.bytes());
  chunk.bodies.Append(body.bytes());
  chunk.pages.push_back(page);
  chunk.rows = 1;

  SimulatedFileSystem files;
  LocalBucket bucket(files, "/");
  ASSIGN_OR_RETURN(auto sink, bucket.NewWriter("a"));
  ASSIGN_OR_RETURN(auto writer, FileWriter::Open(sink.get(), schema, {}));
  RETURN_IF_ERROR(writer->WriteRowGroup(group));
  RETURN_IF_ERROR(writer->Finish({}).status());
  RETURN_IF_ERROR(sink->Finish());
  return bucket.Get("a");
}

Status ReadAll(const std::string& bytes) {
  ReadStats stats;
  ASSIGN_OR_RETURN(const auto reader,
                   FileReader::Open(std::make_shared<MemoryObject>(bytes), {}, &stats));
  const FetchColumn column;
  const RowRange all{0, reader.index().rows()};
  return reader.ReadRows({&column, 1}, {&all, 1}, {}, &stats).status();
}

TEST(CraftedPages, AListOfFarMoreElementsThanBytesIsRefused) {
  for (const auto& [elements, code] :
       {std::pair{1u << 20, Code::kOk}, {30u << 20, Code::kCorruption}}) {
    const auto bytes = OneLongList(elements);
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    EXPECT_LT(bytes->size(), 2000u);
    const Status read = ReadAll(*bytes);
    EXPECT_EQ(read.code(), code) << read.ToString();
    const int64_t rise = PeakOfChild([&] { (void)ReadAll(*bytes); });
    EXPECT_GE(rise, 0) << "the child died";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LE(rise, kFloorBytes);
#endif
  }
}

}  // namespace
}  // namespace thermocline::columnar
