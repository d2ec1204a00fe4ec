// Compaction: several blocks of one UTC day are read as one and written as one.
#include <algorithm>
#include <map>

#include "cold/block_histograms.h"
#include "cold/block_reader.h"
#include "cold/cold_tier.h"

namespace thermocline {
namespace {

constexpr int kMergeLevel = 9;  // zstd: written once, read often

// What the merged block is to the table. Of several marks of a range the highest stands for all.
BlockRequest RequestOf(const std::vector<std::shared_ptr<ColdBlock>>& blocks) {
  BlockRequest request;
  std::map<std::pair<TimestampMs, TimestampMs>, Lsn> marks;
  for (const auto& block : blocks) {
    const BlockEntry& entry = block->entry();
    request.tenant = entry.tenant;
    request.resolution_ms = entry.resolution_ms;
    request.generation = std::max(request.generation, entry.generation + 1);
    request.replaces.push_back(entry.id);
    request.range.Extend(entry.range.start_ms);
    request.range.Extend(entry.range.end_ms);
    for (const FlushMark& mark : entry.flushed) {
      Lsn& through = marks[{mark.range.start_ms, mark.range.end_ms}];
      through = std::max(through, mark.through);
    }
  }
  for (const auto& [range, through] : marks) {
    request.flushed.push_back({{range.first, range.second}, through});
  }
  return request;
}

}  // namespace

Result<std::vector<std::shared_ptr<ColdBlock>>> ColdTier::BlocksToMerge(
    const std::vector<BlockId>& ids) const {
  std::vector<std::shared_ptr<ColdBlock>> blocks;
  const std::shared_ptr<const ColdSnapshot> now = snapshot();
  for (const std::shared_ptr<ColdBlock>& block : now->blocks) {
    const BlockEntry& entry = block->entry();
    if (std::find(ids.begin(), ids.end(), entry.id) == ids.end()) continue;
    // What a damaged block still holds must not vanish behind a merged one.
    if (block->quarantined()) {
      return Status::Corruption("merge of block " + entry.id.ToString() + ": " + block->damage());
    }
    if (!blocks.empty()) {
      const BlockEntry& first = blocks[0]->entry();
      if (FloorTo(first.range.start_ms, kDayMs) != FloorTo(entry.range.start_ms, kDayMs) ||
          first.resolution_ms != entry.resolution_ms) {
        return Status::InvalidArgument("merge of blocks of several days or resolutions");
      }
    }
    blocks.push_back(block);
  }
  if (blocks.size() != ids.size()) return Status::NotFound("merge of a block that is gone");
  return blocks;
}

// Unlike a select: damage is an error and never a warning.
Result<std::unique_ptr<SeriesSet>> ColdTier::OpenForMerge(
    const std::vector<std::shared_ptr<ColdBlock>>& blocks, const SelectRequest& request) const {
  std::vector<std::unique_ptr<SeriesSet>> sources;
  for (const std::shared_ptr<ColdBlock>& block : blocks) {
    columnar::ReadStats stats;
    const Status status = [&]() -> Status {
      const BlockSelect select{request.matchers, request.range, options_.select_limit_bytes,
                               nullptr};
      ASSIGN_OR_RETURN(BlockSeries series, MatchSeries(*block, select, &stats));
      if (series.size() != block->entry().series) {
        return Status::Corruption("block " + block->entry().id.ToString() + " lists " +
                                  std::to_string(series.size()) + " series of " +
                                  std::to_string(block->entry().series));
      }
      BlockSeriesSet::Source source{
          block,
          std::nullopt,
          request.range,
          options_.select_limit_bytes,
          nullptr,
          nullptr,
          [this](ColdBlock& b, const Status& why) { Quarantine(b, why); }};
      ASSIGN_OR_RETURN(auto set, OpenBlockSeries(std::move(source), std::move(series),
                                                 /*sorted=*/false, /*limit=*/0, &stats));
      sources.push_back(std::move(set));
      return Status::Ok();
    }();
    if (IsDamage(status)) Quarantine(*block, status);
    RETURN_IF_ERROR(status);
  }
  return MergeSeriesSets(std::move(sources), request);
}

Result<std::unique_ptr<SeriesSet>> ColdTier::SelectWritten(const std::vector<BlockEntry>& entries,
                                                           const SelectRequest& request) const {
  std::vector<std::shared_ptr<ColdBlock>> blocks;
  for (const BlockEntry& entry : entries) {
    if (!entry.range.Overlaps(request.range)) continue;
    blocks.push_back(std::make_shared<ColdBlock>(entry, *bucket_, cache_));
  }
  return OpenForMerge(blocks, request);
}

Result<std::vector<BlockEntry>> ColdTier::WriteMerged(const std::vector<BlockId>& ids) {
  ASSIGN_OR_RETURN(const auto blocks, BlocksToMerge(ids));
  BlockRequest request = RequestOf(blocks);
  std::vector<SeriesExemplars> exemplars;
  std::vector<BatchMetadata> metadata;
  RETURN_IF_ERROR(ReadSides(blocks, &exemplars, &metadata));
  request.exemplars = &exemplars;
  request.metadata = &metadata;
  SelectRequest select;
  select.tenant = options_.tenant;
  select.range = request.range;
  ASSIGN_OR_RETURN(const auto merged, OpenForMerge(blocks, select));
  BlockWriterOptions options = options_.writer;
  options.zstd_level = std::max(options.zstd_level, kMergeLevel);
  options.smallest_values = true;
  return WriteWith(*merged, request, options);
}

}  // namespace thermocline
