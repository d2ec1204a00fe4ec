// Compaction: the blocks of a UTC day become one, so that a query opens one file and not many, and
// late data no longer overlap with the rest. The merged block is durable before the manifest names
// it, and one manifest takes the old blocks out; their files stay for readers until the grace ends.
#include <algorithm>
#include <map>

#include "env/failpoint.h"
#include "store/store.h"

namespace thermocline {
namespace {

FailPoint kBeforeCompactInstall("store.before_compact_install");
FailPoint kAfterCompactInstall("store.after_compact_install");

uint64_t BytesOf(const std::vector<BlockEntry>& blocks) {
  uint64_t bytes = 0;
  for (const BlockEntry& block : blocks) bytes += block.size_bytes();
  return bytes;
}

}  // namespace

Status Store::Compact(TimestampMs now_ms) {
  MutexLock lock(flush_mutex_);
  const std::vector<BlockEntry> chosen = BlocksToCompact(now_ms);
  if (chosen.empty()) return {};
  const uint64_t bytes = BytesOf(chosen);
  ASSIGN_OR_RETURN(const uint64_t free_bytes, env_.files.FreeSpace(options_.path));
  // Old and new files are there together until the grace ends.
  if (free_bytes < free_space_floor_bytes_ + bytes) return {};
  const int64_t started_ns = env_.clock.SteadyNs();
  std::vector<BlockId> ids;
  for (const BlockEntry& block : chosen) ids.push_back(block.id);
  auto merged = cold_->WriteMerged(ids);
  if (!merged.ok()) return merged.status().WithContext("compaction");
  RETURN_IF_ERROR(kBeforeCompactInstall.Hit());
  const uint64_t merged_bytes = BytesOf(*merged);
  RETURN_IF_ERROR(cold_->Install(*std::move(merged)).WithContext("compaction"));
  RETURN_IF_ERROR(kAfterCompactInstall.Hit());
  const int64_t duration_ms = (env_.clock.SteadyNs() - started_ns) / 1'000'000;
  env_.logger.Log(LogLevel::kInfo, "store", "Compacted blocks of a day",
                  {{"blocks", std::to_string(ids.size())},
                   {"bytes", std::to_string(bytes)},
                   {"merged_bytes", std::to_string(merged_bytes)},
                   {"duration_ms", std::to_string(duration_ms)}});
  return {};
}

// One job a tick: the oldest day that is due. A day is due once it is over, nothing of it is in the
// head and its newest block has been there for a while, or when it has very many blocks: then at
// each such count, so that a sample is written a few times and not at every flush.
std::vector<BlockEntry> Store::BlocksToCompact(TimestampMs now_ms) const {
  std::map<std::pair<int64_t, TimestampMs>, std::vector<BlockEntry>> days;
  const std::vector<BlockId> damaged = cold_->quarantined();
  for (BlockEntry& block : cold_->entries()) {
    if (std::find(damaged.begin(), damaged.end(), block.id) != damaged.end()) continue;
    const TimestampMs day_ms = FloorTo(block.range.start_ms, kDayMs);
    days[{block.resolution_ms, day_ms}].push_back(std::move(block));
  }
  const std::vector<HeadRange> hot = head_->Ranges();
  for (auto& [key, blocks] : days) {
    const TimeRange day{key.second, key.second + (kDayMs - 1)};
    const bool in_head = std::any_of(
        hot.begin(), hot.end(), [&](const HeadRange& range) { return range.range.Overlaps(day); });
    const bool over = day.end_ms + options_.head.out_of_order_window_ms < now_ms && !in_head;
    const int64_t newest_ms = blocks.back().id.unix_ms();  // ascending by id
    const bool due = (over && newest_ms + options_.compact_after_ms <= now_ms) ||
                     blocks.size() >= options_.compact_blocks;
    if (!due) continue;
    std::vector<BlockEntry> chosen = WithinLimits(std::move(blocks));
    if (chosen.size() >= 2) return chosen;
  }
  return {};
}

// The longest row of neighbours, in the order in which equal timestamps are decided, that one job
// may hold. The merged block ranks above all others, so none that ranks above the row may share its
// time.
std::vector<BlockEntry> Store::WithinLimits(std::vector<BlockEntry> blocks) const {
  std::sort(blocks.begin(), blocks.end(), [](const BlockEntry& a, const BlockEntry& b) {
    return std::pair(a.generation, a.id) < std::pair(b.generation, b.id);
  });
  size_t best_first = 0;
  size_t best_size = 0;
  for (size_t first = 0; first < blocks.size(); ++first) {
    TimeRange range;
    uint64_t series = 0;
    uint64_t samples = 0;
    for (size_t end = first + 1; end <= blocks.size(); ++end) {
      const BlockEntry& block = blocks[end - 1];
      series += block.series;
      samples += block.samples;
      if (series > options_.compact_max_series || samples > options_.compact_max_samples) break;
      range.Extend(block.range.start_ms);
      range.Extend(block.range.end_ms);
      const bool outranked =
          std::any_of(blocks.begin() + static_cast<ptrdiff_t>(end), blocks.end(),
                      [&](const BlockEntry& above) { return above.range.Overlaps(range); });
      if (outranked || end - first <= best_size) continue;
      best_first = first;
      best_size = end - first;
    }
  }
  const auto begin = blocks.begin() + static_cast<ptrdiff_t>(best_first);
  return {begin, begin + static_cast<ptrdiff_t>(best_size)};
}

}  // namespace thermocline
