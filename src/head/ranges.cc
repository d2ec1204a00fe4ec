// The figures of the head's ranges.
#include "head/memory_head.h"

namespace thermocline {

void MemoryHead::CountRanges(const std::vector<RangeChange>& changes, Lsn lsn) {
  MutexLock lock(ranges_mutex_);
  for (const RangeChange& change : changes) {
    RangeState& state = ranges_[change.start_ms];
    state.samples += change.samples;
    state.pieces += change.pieces;
    state.bytes += change.bytes;
    // Replay counts samples with the definition they rest on, which may be older than those before.
    if (change.samples > 0 && (state.oldest_live.number == 0 || lsn < state.oldest_live)) {
      state.oldest_live = lsn;
    }
    if (state.samples <= 0 && state.oldest_sealed.empty()) ranges_.erase(change.start_ms);
  }
}

std::vector<HeadRange> MemoryHead::Ranges() const {
  std::vector<HeadRange> out;
  MutexLock lock(ranges_mutex_);
  for (const auto& [start_ms, state] : ranges_) {
    if (state.samples <= 0) continue;
    HeadRange range;
    range.range = {start_ms, start_ms + options_.range_ms - 1};
    range.samples = static_cast<uint64_t>(state.samples);
    range.series = static_cast<uint64_t>(std::max<int64_t>(1, state.pieces));
    range.bytes = static_cast<uint64_t>(std::max<int64_t>(0, state.bytes));
    range.oldest_lsn = state.oldest_live;
    for (const auto& [token, lsn] : state.oldest_sealed) {
      if (range.oldest_lsn.number == 0 || lsn < range.oldest_lsn) range.oldest_lsn = lsn;
    }
    out.push_back(range);
  }
  return out;
}

}  // namespace thermocline
