// Writing parquet-common shards of encoded chunks and scanning them, by processor time. Half the
// series are counters, half noisy gauges, 8 hours at 15 s.
#include <fmt/core.h>

#include <ctime>
#include <filesystem>
#include <random>

#include "base/check.h"
#include "bucket/local_bucket.h"
#include "codec/chunk.h"
#include "env/posix/posix_file_system.h"
#include "shards/sample_merge.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"

namespace thermocline::shards {
namespace {

constexpr size_t kSeries = 10'000;
constexpr size_t kSamples = 8 * 240;
constexpr TimestampMs kStart = 1'700'006'400'000;

double ProcessorSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class ChunkSource final : public SeriesSet {
 public:
  ChunkSource(size_t series, size_t samples) {
    std::mt19937_64 random(1);
    std::normal_distribution<double> normal(0, 1);
    SeriesBatch batch;
    for (size_t i = 0; i < series; ++i) {
      batch.Clear();
      double state = 0;
      for (size_t k = 0; k < samples; ++k) {
        batch.timestamps_ms.push_back(kStart + static_cast<int64_t>(k) * 15'000 +
                                      static_cast<int64_t>(i % 15'000));
        state += i % 2 == 0 ? static_cast<double>(random() % 100) : normal(random);
        batch.values.push_back(state);
        sum_ += state;
      }
      std::vector<OwnedChunk> made;
      CHECK_OK(EncodeSamples(batch, 0, samples, 120, &made));
      for (OwnedChunk& chunk : made) bytes_ += chunk.payload.size();
      chunks_.push_back(std::move(made));
      labels_.push_back(Labels{{"__name__", fmt::format("metric_{:03}", i / 100)},
                               {"instance", fmt::format("10.0.0.{}:9100", i % 100)},
                               {"job", fmt::format("job-{}", i % 20)},
                               {"namespace", fmt::format("namespace-{}", i % 50)},
                               {"pod", fmt::format("pod-{:06}-{:08x}", i, random() >> 32)},
                               {"zone", fmt::format("zone-{}", i % 3)}});
    }
  }
  size_t series_count() const override { return labels_.size(); }
  SeriesId id(size_t i) const override { return SeriesId(labels_[i].Hash()); }
  Labels labels(size_t i) const override { return labels_[i]; }
  Status Read(std::span<const uint32_t>, SeriesBatch*) const override {
    return Status::Unimplemented("chunks only");
  }
  bool has_encoded() const override { return true; }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override {
    out->Clear();
    for (const uint32_t i : series) {
      for (const OwnedChunk& one : chunks_[i]) {
        out->chunks.push_back(one.chunk);
        out->chunks.back().bytes = one.payload;
      }
      out->offsets.push_back(static_cast<uint32_t>(out->chunks.size()));
    }
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }
  double sum() const { return sum_; }
  uint64_t bytes() const { return bytes_; }

 private:
  std::vector<Labels> labels_;
  std::vector<std::vector<OwnedChunk>> chunks_;
  std::vector<std::string> warnings_;
  double sum_ = 0;
  uint64_t bytes_ = 0;
};

void Scan(Bucket& bucket, const ChunkSource& source) {
  columnar::ReadStats stats;
  const auto shards = OpenShards(bucket, *FindShards(bucket, "b/"), {}, &stats);
  CHECK_OK(shards.status());
  for (int round = 0; round < 3; ++round) {
    const double begin = ProcessorSeconds();
    SelectRequest request;
    request.range = {kMinTimestampMs, kMaxTimestampMs};
    const auto set = ShardQueryable(*shards).Select(request);
    CHECK_OK(set.status());
    const double selected = ProcessorSeconds();
    SeriesBatch batch;
    std::vector<uint32_t> wanted;
    uint64_t samples = 0;
    double sum = 0;
    for (uint32_t at = 0; at < (*set)->series_count(); at += 1024) {
      wanted.clear();
      for (uint32_t i = at; i < std::min<size_t>(at + 1024, (*set)->series_count()); ++i) {
        wanted.push_back(i);
      }
      CHECK_OK((*set)->Read(wanted, &batch));
      samples += batch.timestamps_ms.size();
      for (const double value : batch.values) sum += value;
    }
    const double end = ProcessorSeconds();
    CHECK(samples == kSeries * kSamples && std::abs(sum - source.sum()) < 1e-6 * std::abs(sum));
    fmt::print("scan: {:.1f} M samples a second ({:.0f} ms of {:.0f} ms listing)\n",
               static_cast<double>(samples) / (end - begin) / 1e6, (selected - begin) * 1e3,
               (end - begin) * 1e3);
  }
}

void Run() {
  const ChunkSource source(kSeries, kSamples);
  const auto folder = std::filesystem::temp_directory_path() / "thermocline_shards_bench";
  for (const auto& [name, compression] :
       {std::pair("auto", ChunkCompression::kAuto), std::pair("zstd", ChunkCompression::kZstd),
        std::pair("none", ChunkCompression::kNone)}) {
    PosixFileSystem files;
    LocalBucket bucket(files, folder.string());
    ShardWriterOptions options;
    options.range = {kStart, kStart + 8 * kHourMs - 1};
    options.chunk_compression = compression;
    const double begin = ProcessorSeconds();
    const auto summary = WriteShards(source, bucket, "b/", options);
    CHECK_OK(summary.status());
    const double seconds = ProcessorSeconds() - begin;
    CHECK(summary->cells.samples == kSeries * kSamples);
    fmt::print("write, {}: {:.1f} M samples a second, {} bytes of chunks in {}\n", name,
               static_cast<double>(summary->cells.samples) / seconds / 1e6, source.bytes(),
               summary->chunks_bytes);
    Scan(bucket, source);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace thermocline::shards

int main() {
  thermocline::shards::Run();
  return 0;
}
