#include "promql/exec/sample_tally.h"

#include <algorithm>

namespace thermocline::promql {

StepTally::Part StepTally::Extend(const StepGrid& grid) {
  MutexLock lock(mutex_);
  std::vector<uint64_t>& first = counts_.first;
  Part part{0, first.size()};
  if (!first.empty() && counts_.once) part.skip = grid.count;
  while (!first.empty() && part.skip < grid.count && grid.At(part.skip) <= counted_until_ms_) {
    ++part.skip;
  }
  if (part.skip == grid.count) return part;
  first.resize(first.size() + grid.count - part.skip);
  counts_.second.resize(first.size());
  counts_.third.resize(first.size());
  counted_until_ms_ = grid.last_ms();
  return part;
}

void StepTally::Add(const Part& part, const StepCounts& counts) {
  MutexLock lock(mutex_);
  const auto add = [&part](const std::vector<uint64_t>& from, std::vector<uint64_t>* to) {
    for (size_t step = part.skip; step < from.size(); ++step) {
      (*to)[part.place + step - part.skip] += from[step];
    }
  };
  add(counts.first, &counts_.first);
  add(counts.second, &counts_.second);
  add(counts.third, &counts_.third);
}

void SeriesTally::Extend(size_t series) {
  MutexLock lock(mutex_);
  if (series_.size() < series) series_.resize(series);
}

void SeriesTally::AddWindows(size_t series, const SeriesWindows& windows) {
  MutexLock lock(mutex_);
  SeriesWindows& all = series_[series];
  all.most = std::max(all.most, windows.most);
  all.last = windows.last;
  all.occupied += windows.occupied;
}

void SeriesTally::AddAnswered(size_t first, const std::vector<uint64_t>& samples) {
  MutexLock lock(mutex_);
  for (size_t i = 0; i < samples.size(); ++i) series_[first + i].answered += samples[i];
}

void TallyBook::Enter(const PlanNode& node, bool once) {
  auto tally = std::make_unique<NodeTally>();
  if (once) {
    for (StepTally* part : {&tally->answer, &tally->selected, &tally->windows}) part->CountOnce();
  }
  tallies_.emplace(&node, std::move(tally));
  for (const PlanPtr& child : node.children) Enter(*child, once || node.kind == PlanKind::kOnce);
}

}  // namespace thermocline::promql
