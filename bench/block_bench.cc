// A Prometheus block read whole: samples per second of CPU. `block_bench FOLDER` reads the block
// there, for a comparison with another reader on the same files; without an argument it reads one
// of 5,000 series it makes in memory.
#include <fmt/core.h>

#include <ctime>
#include <memory>
#include <numeric>
#include <string>

#include "base/check.h"
#include "blocks/block.h"
#include "blocks/test_block.h"
#include "bucket/local_bucket.h"
#include "env/posix/posix_file_system.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr int kSeries = 5000;
constexpr int kSamples = 240;

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Totals {
  uint64_t samples = 0;
  double sum = 0;
};

Totals ReadAll(const Block& block) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const auto set = block.Select(request);
  CHECK_OK(set.status());
  Totals totals;
  SeriesBatch batch;
  for (size_t begin = 0; begin < (*set)->series_count(); begin += 256) {
    std::vector<uint32_t> indexes(std::min<size_t>(256, (*set)->series_count() - begin));
    std::iota(indexes.begin(), indexes.end(), static_cast<uint32_t>(begin));
    CHECK_OK((*set)->Read(indexes, &batch));
    totals.samples += batch.values.size();
    totals.sum = std::accumulate(batch.values.begin(), batch.values.end(), totals.sum);
  }
  return totals;
}

int Run(int argc, char** argv) {
  SimulatedEnv env;
  PosixFileSystem disk;
  std::string folder = "/block";
  if (argc > 1) {
    folder = argv[1];
  } else {
    PutTestBlock(&env.files, folder, kSeries, kSamples);
  }
  LocalBucket bucket(argc > 1 ? static_cast<FileSystem&>(disk) : env.files, folder);
  const double before_open = CpuSeconds();
  const auto block = Block::Open(bucket, "", {});
  CHECK_OK(block.status());
  fmt::print("open: {:.3f} s of CPU, {} bytes held\n", CpuSeconds() - before_open,
             (*block)->index().memory_bytes());
  for (int round = 0; round < 3; ++round) {
    const double start = CpuSeconds();
    const Totals totals = ReadAll(**block);
    const double seconds = CpuSeconds() - start;
    if (argc == 1) CHECK(totals.samples == uint64_t{kSeries} * kSamples);
    fmt::print("read: {} samples, sum {}, {:.3f} s of CPU, {:.1f} M samples/s\n", totals.samples,
               totals.sum, seconds, static_cast<double>(totals.samples) / seconds / 1e6);
  }
  return 0;
}

}  // namespace
}  // namespace thermocline

int main(int argc, char** argv) { return thermocline::Run(argc, argv); }
