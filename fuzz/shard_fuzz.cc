// One shard with one hostile file. The first byte chooses: a labels file beside good chunks, or a
// chunks file beside good labels. All that a shard offers is read; only crashes, hangs and memory
// count.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "blocks/block.h"
#include "blocks/test_block.h"
#include "bucket/local_bucket.h"
#include "columnar/tail_check.h"
#include "env/simulated/simulated_env.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"

namespace thermocline::shards {
namespace {

constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};
constexpr std::string_view kNames[] = {"0.labels.parquet", "0.chunks.parquet"};

// Of PutTestBlock(12, 5), in several row groups and pages.
std::vector<std::string> WriteGoodFiles() {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/b", 12, 5);
  LocalBucket block_bucket(env.files, "/b");
  const auto block = Block::Open(block_bucket, "", {});
  CHECK_OK(block.status());
  SelectRequest request;
  request.range = kAll;
  request.hints.sorted = true;
  const auto set = (*block)->Select(request);
  CHECK_OK(set.status());
  LocalBucket out(env.files, "/s");
  ShardWriterOptions options;
  options.range = {0, 17'000};
  options.column_ms = 10'000;
  options.row_group_rows = 8;
  options.label_page_rows = 4;
  CHECK_OK(WriteShards(**set, out, "", options).status());
  std::vector<std::string> files;
  for (const std::string_view name : kNames) {
    files.push_back(*env.files.ReadFile("/s/" + std::string(name)));
  }
  return files;
}

void ReadAll(const ShardQueryable& source, const std::vector<Matcher>& matchers) {
  SelectRequest request;
  request.range = kAll;
  request.matchers = matchers;
  const auto set = source.Select(request);
  if (!set.ok()) return;
  SeriesBatch batch;
  EncodedBatch encoded;
  for (uint32_t i = 0; i < (*set)->series_count(); ++i) {
    CHECK(!(*set)->labels(i).Has(""));
    if (!(*set)->ReadEncoded({&i, 1}, &encoded).ok()) continue;
    if (!(*set)->Read({&i, 1}, &batch).ok()) continue;
    CHECK(batch.series_count() == 1 && batch.timestamps_ms.size() == batch.values.size());
    for (size_t k = 1; k < batch.timestamps_ms.size(); ++k) {
      CHECK(batch.timestamps_ms[k] > batch.timestamps_ms[k - 1]);
    }
  }
}

void Run(std::string_view input) {
  static const std::vector<std::string> good = WriteGoodFiles();
  if (input.empty()) return;
  const size_t hostile = static_cast<uint8_t>(input[0]) % 2;
  // The file's own check of its footer is taken away: what lies behind it is to be reached.
  std::string bytes(input.substr(1));
  for (size_t at = bytes.find(columnar::kTailCheckKey); at != std::string::npos;
       at = bytes.find(columnar::kTailCheckKey)) {
    bytes[at] = 'x';
  }
  SimulatedEnv env;
  for (size_t i = 0; i < 2; ++i) {
    env.files.PutFile("/s/" + std::string(kNames[i]), i == hostile ? bytes : good[i]);
  }
  LocalBucket bucket(env.files, "/s");
  columnar::ReadStats stats;
  const auto places = FindShards(bucket, "");
  CHECK_OK(places.status());
  auto shards = OpenShards(bucket, *places, {}, &stats);
  if (!shards.ok()) return;
  const ShardQueryable source(*std::move(shards));
  ReadAll(source, {});
  ReadAll(source, {Matcher::Equal("__name__", "m"), *Matcher::Make(MatchType::kRegex, "i", "1.+")});
  ReadAll(source, {*Matcher::Make(MatchType::kNotEqual, "parity", "")});
  LabelRequest request;
  request.range = kAll;
  const auto names = source.LabelNames(request);
  if (names.ok()) {
    for (const std::string& name : *names) (void)source.LabelValues(name, request);
  }
}

}  // namespace
}  // namespace thermocline::shards

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  thermocline::shards::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
