// Damaged bytes in every layout: an error or an answer, and never more memory than the files' size
// allows. The bound is stated in README.md.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <numeric>

#include "blocks/test_block.h"
#include "cold/cold_tier.h"
#include "convert/convert.h"
#include "env/posix/posix_file_system.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

// What `new` gave out and has not got back, in this program.
std::atomic<int64_t> live_bytes{0};
std::atomic<int64_t> most_bytes{0};

void* Give(size_t size_bytes) {
  void* const memory = std::malloc(size_bytes == 0 ? 1 : size_bytes);
  if (memory == nullptr) std::abort();
  const int64_t live = live_bytes += static_cast<int64_t>(malloc_usable_size(memory));
  int64_t most = most_bytes.load();
  while (live > most && !most_bytes.compare_exchange_weak(most, live)) {
  }
  return memory;
}

void Take(void* memory) {
  if (memory == nullptr) return;
  live_bytes -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace
}  // namespace thermocline

void* operator new(size_t size) { return thermocline::Give(size); }
void* operator new[](size_t size) { return thermocline::Give(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return thermocline::Give(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return thermocline::Give(size);
}
void operator delete(void* memory) noexcept { thermocline::Take(memory); }
void operator delete[](void* memory) noexcept { thermocline::Take(memory); }
void operator delete(void* memory, size_t) noexcept { thermocline::Take(memory); }
void operator delete[](void* memory, size_t) noexcept { thermocline::Take(memory); }

namespace thermocline {
namespace {

constexpr TimeRange kAlways = {kMinTimestampMs, kMaxTimestampMs};
constexpr int64_t kFloorBytes = int64_t{4} << 20;
constexpr int64_t kBytesPerByte = 256;
constexpr int kMasks[] = {0x01, 0x80, 0xff};
// Sanitizers are slow: a thirteenth of the flips is enough for them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kStride = 13;
#else
constexpr size_t kStride = 1;
#endif

const std::string kBlocksTestdata =
    (std::filesystem::path(__FILE__).parent_path().parent_path() / "blocks" / "testdata").string();

// Everything there is: samples, chunks, names and values, with and without matchers.
Status ReadEverything(const Queryable& source) {
  const std::vector<std::vector<Matcher>> questions = {
      {},
      {*Matcher::Make(MatchType::kRegex, "__name__", ".+")},
      {*Matcher::Make(MatchType::kNotRegex, "i", "1.*|")}};
  for (const std::vector<Matcher>& matchers : questions) {
    SelectRequest request;
    request.range = kAlways;
    request.matchers = matchers;
    ASSIGN_OR_RETURN(const auto set, source.Select(request));
    std::vector<uint32_t> all(set->series_count());
    std::iota(all.begin(), all.end(), 0u);
    for (size_t at = 0; at < all.size(); at += 1024) {
      const auto some = std::span(all).subspan(at, std::min<size_t>(1024, all.size() - at));
      for (const uint32_t i : some) (void)set->labels(i);
      SeriesBatch batch;
      RETURN_IF_ERROR(set->Read(some, &batch));
      EncodedBatch encoded;
      if (set->has_encoded()) RETURN_IF_ERROR(set->ReadEncoded(some, &encoded));
    }
  }
  LabelRequest request;
  request.range = kAlways;
  ASSIGN_OR_RETURN(const auto names, source.LabelNames(request));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const auto values, source.LabelValues(name, request));
  }
  return Status::Ok();
}

class HostileMemoryTest : public ::testing::Test {
 protected:
  // What reading a source takes at its highest.
  int64_t Read(const std::string& path, SourceLayout layout, bool* ok = nullptr) {
    const int64_t before = live_bytes;
    most_bytes = before;
    const Status read = [&]() -> Status {
      if (layout == SourceLayout::kSamples) {
        ColdTierOptions options;
        ASSIGN_OR_RETURN(options.directory, ColdDirectory(path, TenantId()));
        ColdOpenSummary summary;
        ASSIGN_OR_RETURN(const auto tier,
                         ColdTier::Open(options, env_.env(), /*writable=*/false, &summary));
        return ReadEverything(*tier);
      }
      ASSIGN_OR_RETURN(const auto source, OpenSource(env_.files, nullptr, path, layout, {}));
      return ReadEverything(*source);
    }();
    if (ok != nullptr) *ok = read.ok();
    return most_bytes - before;
  }

  // Some bits of every `step`th byte of each file are flipped in turn.
  void FlipAll(const std::string& folder, SourceLayout layout, size_t step) {
    step *= kStride;
    bool ok = false;
    const int64_t honest = Read(folder, layout, &ok);
    ASSERT_TRUE(ok);
    int64_t most = 0;
    uint64_t flips = 0;
    uint64_t errors = 0;
    int64_t size = 0;
    const SimulatedFileSystem::Image image = env_.files.TakeImage();
    for (const auto& [path, bytes] : image) size += static_cast<int64_t>(bytes.size());
    const int64_t bound = kFloorBytes + kBytesPerByte * size;
    for (const auto& [path, bytes] : image) {
      for (size_t at = flips % step; at < bytes.size(); at += step) {
        const int mask = kMasks[flips++ % 3];
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ mask);
        env_.files.PutFile(path, damaged);
        const int64_t took = Read(folder, layout, &ok);
        ASSERT_LE(took, bound) << path << " byte " << at << " mask " << mask;
        most = std::max(most, took);
        errors += ok ? 0 : 1;
      }
      env_.files.PutFile(path, bytes);
    }
    std::printf("%s: %ld bytes of files, read with %ld bytes; %lu flips, %lu errors, at most %ld\n",
                folder.c_str(), size, honest, flips, errors, most);
    // A log ends where it is torn; that is no error.
    EXPECT_TRUE(errors > 0 || layout == SourceLayout::kPrometheus);
  }

  void Copy(const std::string& from, const std::string& to) {
    PosixFileSystem real;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(from)) {
      if (!entry.is_regular_file()) continue;
      const auto bytes = real.ReadFile(entry.path().string());
      ASSERT_TRUE(bytes.ok());
      env_.files.PutFile(to + entry.path().string().substr(from.size()), *bytes);
    }
  }
  // What a conversion makes of `from`, as the only files.
  void Become(const std::string& from, SourceLayout layout) {
    auto source = OpenSource(env_.files, nullptr, from, SourceLayout::kBlock, {});
    ASSERT_TRUE(source.ok()) << source.status().ToString();
    ConvertInput input;
    input.source = source->get();
    ConvertOptions options;
    options.layout = layout;
    options.external = Labels{{"cluster", "eu"}};
    options.shards.row_group_rows = 8;
    options.shards.label_page_rows = 4;
    options.samples.page_rows = options.samples.series_page_rows = 64;
    options.samples.row_group_rows = 64;
    const auto done = Convert(env_.env(), {input}, "/s", options, nullptr);
    ASSERT_TRUE(done.ok()) << done.status().ToString();
    SimulatedFileSystem::Image image = env_.files.TakeImage();
    std::erase_if(image, [](const auto& file) { return !file.first.starts_with("/s/"); });
    env_.files.LoadImage(image);
  }

  SimulatedEnv env_;
};

TEST_F(HostileMemoryTest, ASmallBlock) {
  for (const int version : {1, 2}) {
    PutTestBlock(&env_.files, "/b", 8, 5, {version, version == 2});
    FlipAll("/b", SourceLayout::kBlock, 1);
  }
}

TEST_F(HostileMemoryTest, BlocksOfPrometheus) {
  Copy(kBlocksTestdata + "/blocks-2h/01HF96RR88AEWTP9VWFAY43MQ6", "/b");
  FlipAll("/b", SourceLayout::kBlock, 397);
}

TEST_F(HostileMemoryTest, ASmallShardOfParquetCommon) {
  PutTestBlock(&env_.files, "/b", 12, 5);
  Become("/b", SourceLayout::kParquetCommon);
  FlipAll("/s", SourceLayout::kParquetCommon, 1);
}

TEST_F(HostileMemoryTest, ASmallDayOfTheGateway) {
  PutTestBlock(&env_.files, "/b", 12, 5);
  Become("/b", SourceLayout::kGateway);
  FlipAll("/s", SourceLayout::kGateway, 1);
}

TEST_F(HostileMemoryTest, ASmallFolderOfSamples) {
  PutTestBlock(&env_.files, "/b", 12, 5);
  Become("/b", SourceLayout::kSamples);
  FlipAll("/s", SourceLayout::kSamples, 5);
}

TEST_F(HostileMemoryTest, SamplesAndHistogramsOfPrometheus) {
  Copy(kBlocksTestdata + "/blocks-2h/01HF96RR88AEWTP9VWFAY43MQ6", "/b");
  Become("/b", SourceLayout::kSamples);
  FlipAll("/s", SourceLayout::kSamples, 61);
}

TEST_F(HostileMemoryTest, APrometheusDataDirectory) {
  Copy(kBlocksTestdata + "/wal-torn", "/p");
  FlipAll("/p", SourceLayout::kPrometheus, 1999);
}

// Every value of a label names the same long list: the union would hold each series once a value.
TEST_F(HostileMemoryTest, AnIndexWhoseValuesShareOneListOfSeries) {
  constexpr int kSeries = 2000;
  constexpr int kValues = 20'000;
  std::string index;
  PutBig32(&index, 0xBAAAD700);
  index.push_back(2);
  uint64_t toc[6] = {};
  std::string body;
  toc[0] = index.size();
  PutBig32(&body, 2);
  ByteWriter(&body).LengthPrefixed("i");
  ByteWriter(&body).LengthPrefixed("v");
  PutSection(&index, body);
  index.resize((index.size() + 15) / 16 * 16, '\0');
  toc[1] = index.size();
  std::string list;
  PutBig32(&list, kSeries);
  for (int i = 0; i < kSeries; ++i) {
    index.resize((index.size() + 15) / 16 * 16, '\0');
    PutBig32(&list, index.size() / 16);
    const std::string series("\1\0\1\0", 4);  // one label, i="v"; no chunk
    ByteWriter(&index).Varint(series.size());
    index += series;
    PutBig32(&index, Crc32c(series));
  }
  index.resize((index.size() + 3) / 4 * 4, '\0');
  toc[2] = toc[4] = index.size();
  PutSection(&index, list);
  toc[3] = toc[5] = index.size();
  body.clear();
  PutBig32(&body, kValues);
  for (int i = 0; i < kValues; ++i) {
    ByteWriter(&body).Varint(2);
    ByteWriter(&body).LengthPrefixed("i");
    char value[16];
    std::snprintf(value, sizeof(value), "1%08d", i);
    ByteWriter(&body).LengthPrefixed(value);
    ByteWriter(&body).Varint(toc[4]);
  }
  PutSection(&index, body);
  std::string contents;
  for (const uint64_t part : toc) PutBig64(&contents, part);
  index += contents;
  PutBig32(&index, Crc32c(contents));
  env_.files.PutFile("/b/index", index);
  env_.files.PutFile("/b/chunks/000001", std::string("\x85\xbd\x40\xdd\1\0\0\0", 8));
  env_.files.PutFile("/b/meta.json", TestMeta(0, 1000));
  const int64_t bound = kFloorBytes + kBytesPerByte * static_cast<int64_t>(index.size());
  const int64_t took = Read("/b", SourceLayout::kBlock);
  std::printf("%zu bytes of index, read with %ld\n", index.size(), took);
  EXPECT_LE(took, bound);
}

}  // namespace
}  // namespace thermocline
