#include "columnar/bloom_filter.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/bloom_filter.h>

#include <cstring>
#include <random>

#include "base/hash.h"
#include "bucket/memory_object.h"
#include "columnar/file_index.h"
#include "columnar/list_table.h"
#include "columnar/sample_table.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline::columnar {
namespace {

class BloomFilterTest : public testing::Test {
 protected:
  static constexpr uint64_t kGroupRows = 500;

  void SetUp() override {
    FileWriterOptions options;
    options.page_rows = 128;
    options.dictionary_max_values = 1000;  // small filters
    auto summary = WriteSampleTable(table_, SampleSchema(), options, kGroupRows, {}, bucket_, "a");
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    bytes_ = bucket_.Get("a").value();
    index_ = FileReader::ParseIndex(bytes_, bytes_.size(), "a").value();
  }

  Result<bool> Ask(const std::string& bytes, uint32_t group, std::string_view value) {
    return MayContain(MemoryObject(bytes), *index_, kPod, group, {&value, 1}, &stats_);
  }

  SimulatedFileSystem files_;
  LocalBucket bucket_{files_, "cold"};
  const SampleTable table_ = MakeSampleTable(6, 21, 100);
  std::string bytes_;
  std::shared_ptr<const FileIndex> index_;
  ReadStats stats_;
};

std::string LibraryFilter(const std::vector<std::string>& values, uint32_t bytes) {
  ::parquet::BlockSplitBloomFilter filter;
  filter.Init(bytes);
  for (const std::string& value : values) filter.InsertHash(filter.Hash(std::string_view(value)));
  auto sink = ::arrow::io::BufferOutputStream::Create().ValueOrDie();
  filter.WriteTo(sink.get());
  return sink->Finish().ValueOrDie()->ToString();
}

std::span<const uint8_t> AsBytes(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

TEST(BloomFilter, AnswersAsLibparquetDoes) {
  const uint64_t seed = 31;
  std::mt19937_64 random(seed);
  for (const uint32_t size : {32u, 64u, 1024u, 32768u}) {
    std::vector<std::string> values;
    for (int i = 0; i < 500; ++i) values.push_back("value " + std::to_string(random() % 100000));
    const std::string bytes = LibraryFilter(values, size);
    BloomHeader header;
    ASSERT_TRUE(ParseBloomHeader(AsBytes(bytes), &header));
    ASSERT_EQ(header.bitset_bytes, size);
    ASSERT_EQ(header.header_bytes + header.bitset_bytes, bytes.size());
    const auto bitset = AsBytes(bytes).subspan(header.header_bytes);
    ::parquet::BlockSplitBloomFilter library;
    library.Init(bitset.data(), size);
    for (const std::string& value : values) EXPECT_TRUE(BloomMayContain(bitset, Hash64(value)));
    for (int i = 0; i < 2000; ++i) {
      const uint64_t hash = random();
      ASSERT_EQ(BloomMayContain(bitset, hash), library.FindHash(hash)) << seed;
    }
    for (size_t cut = 0; cut < header.header_bytes; ++cut) {
      BloomHeader torn;
      EXPECT_FALSE(ParseBloomHeader(AsBytes(bytes).first(cut), &torn));
    }
  }
}

TEST_F(BloomFilterTest, OneReadTellsWhetherARowGroupMayHoldAValue) {
  for (uint32_t group = 0; group < index_->row_groups(); ++group) {
    ASSERT_TRUE(HasBloomFilter(*index_, kPod, group));
    EXPECT_FALSE(HasBloomFilter(*index_, kMetric, group));
    size_t refused = 0;
    for (int i = 0; i < 200; ++i) {
      stats_ = {};
      const auto answer = Ask(bytes_, group, "absent " + std::to_string(i));
      ASSERT_TRUE(answer.ok()) << answer.status().ToString();
      refused += *answer ? 0 : 1;
      EXPECT_EQ(stats_.requests, 1u);
      EXPECT_GT(stats_.bytes_read, 32u);
    }
    EXPECT_GT(refused, 180u);
    for (size_t row = group * kGroupRows; row < (group + 1) * kGroupRows && row < table_.rows;
         row += 7) {
      const auto& value = table_.strings[kPod][row];
      EXPECT_TRUE(!value || Ask(bytes_, group, *value).value());
    }
  }
  const std::vector<std::string_view> set = {"absent 1", "pod-2"};
  EXPECT_TRUE(MayContain(MemoryObject(bytes_), *index_, kPod, 0, set, &stats_).value());
  EXPECT_FALSE(MayContain(MemoryObject(bytes_), *index_, kPod, 0, {}, &stats_).value());
  // A column without a filter may hold anything, and costs nothing.
  stats_ = {};
  EXPECT_TRUE(MayContain(MemoryObject(bytes_), *index_, kMetric, 0, set, &stats_).value());
  EXPECT_EQ(stats_.requests, 0u);
  EXPECT_EQ(MayContain(MemoryObject(bytes_), *index_, 99, 0, set, &stats_).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(MayContain(MemoryObject(bytes_), *index_, kPod, 99, set, &stats_).status().code(),
            Code::kInvalidArgument);
}

TEST_F(BloomFilterTest, ColumnsInGroupsHaveFiltersToo) {
  ASSERT_TRUE(WriteListTable(MakeListTable(2, 100), {}, 100, bucket_, "lists").ok());
  const auto object = bucket_.Open("lists").value();
  const auto index = FileReader::ReadIndex(*object, {}, &stats_).value();
  for (const auto& [value, there] : {std::pair("note 3", true), std::pair("note x", false)}) {
    const std::string_view view(value);
    EXPECT_EQ(MayContain(*object, *index, kListNote, 0, {&view, 1}, &stats_).value(), there);
  }
}

TEST_F(BloomFilterTest, AFilterOfUnknownLengthIsFoundByItsHeader) {
  const BloomEntry known = *static_cast<const PagedFileIndex&>(*index_).bloom(kPod, 0);
  const MemoryObject object(bytes_);
  const auto ask = [&](std::string_view value, uint64_t limit) {
    stats_ = {};
    return AskBloomFilter(object, {known.offset, 0, limit}, {&value, 1}, &stats_);
  };
  EXPECT_TRUE(ask("pod-2", bytes_.size()).value());
  EXPECT_EQ(stats_.requests, 2u);
  EXPECT_LE(stats_.bytes_read, known.size_bytes + kMaxBloomHeaderBytes);
  EXPECT_FALSE(ask("absent 1", bytes_.size()).value());
  EXPECT_TRUE(ask("pod-2", known.offset + known.size_bytes).value());
  EXPECT_EQ(ask("pod-2", known.offset + known.size_bytes - 1).status().code(), Code::kCorruption);
}

TEST_F(BloomFilterTest, DamagedHeadersAreErrors) {
  const uint64_t at = static_cast<const PagedFileIndex&>(*index_).bloom(kPod, 0)->offset;
  BloomHeader header;
  ASSERT_TRUE(ParseBloomHeader(AsBytes(bytes_).subspan(at), &header));
  for (size_t i = 0; i < header.header_bytes; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes_;
      damaged[at + i] = static_cast<char>(damaged[at + i] ^ (1 << bit));
      const auto answer = Ask(damaged, 0, "pod-2");
      EXPECT_TRUE(answer.ok() ? *answer : answer.status().code() == Code::kCorruption)
          << "byte " << i << " bit " << bit;
    }
  }
}

}  // namespace
}  // namespace thermocline::columnar
