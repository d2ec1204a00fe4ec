// A Prometheus block's files. The first byte says which one the input is: an index (its bytes are
// also the segment file, so that references lead somewhere), tombstones or meta.json; or an index
// over the chunks of a good block, or tombstones, whose checksums are put right first.
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>

#include "base/check.h"
#include "blocks/block.h"
#include "blocks/test_block.h"
#include "bucket/local_bucket.h"
#include "checksums.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr std::string_view kMeta =
    R"({"ulid":"01DXXFZDYD1MQW6079WK0K6EDQ","minTime":0,"maxTime":1000000,"version":1})";

// Reads all that the block offers; only crashes and hangs count.
void ReadAll(std::string_view index, std::string_view segment) {
  SimulatedEnv env;
  env.files.PutFile("/b/meta.json", kMeta);
  env.files.PutFile("/b/index", index);
  env.files.PutFile("/b/chunks/000001", segment);
  LocalBucket bucket(env.files, "/b");
  const auto block = Block::Open(bucket, "", {.skip_damaged = true});
  if (!block.ok()) return;
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  request.hints.sorted = true;
  request.matchers = {*Matcher::Make(MatchType::kNotRegex, "a", "b.+")};
  const auto set = (*block)->Select(request);
  if (!set.ok()) return;
  std::vector<uint32_t> all((*set)->series_count());
  std::iota(all.begin(), all.end(), 0u);
  SeriesBatch batch;
  if (!(*set)->Read(all, &batch).ok()) return;
  CHECK(batch.offsets.size() == all.size() + 1);
  CHECK(batch.timestamps_ms.size() == batch.values.size());
  LabelRequest labels;
  labels.range = request.range;
  const auto names = (*block)->LabelNames(labels);
  if (!names.ok()) return;
  for (const std::string& name : *names) (void)(*block)->LabelValues(name, labels);
}

// The chunks of PutTestBlock(8, 5), which the corpus' indexes refer to.
const std::string& GoodSegment() {
  static const std::string segment = [] {
    SimulatedEnv env;
    PutTestBlock(&env.files, "/b", 8, 5);
    return *env.files.ReadFile("/b/chunks/000001");
  }();
  return segment;
}

void ReadBytes(std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<uint8_t>(input.front()) % 5;
  input.remove_prefix(1);
  if (choice == 0) {
    ReadAll(input, std::string("\x85\xbd\x40\xdd\1\0\0\0", 8) + std::string(input));
  } else if (choice == 1 || choice == 4) {
    std::string bytes(input);
    if (choice == 4) SealTombstones(&bytes);
    const auto parsed = Tombstones::Parse(bytes, "tombstones");
    if (parsed.ok()) CHECK(parsed->series_count() <= input.size());
  } else if (choice == 3) {
    std::string index(input);
    SealIndex(&index);
    ReadAll(index, GoodSegment());
  } else {
    const auto meta = ParseBlockMeta(input, "meta.json");
    if (meta.ok()) CHECK(meta->min_ms <= meta->max_ms);
  }
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  thermocline::ReadBytes({reinterpret_cast<const char*>(data), size});
  return 0;
}
