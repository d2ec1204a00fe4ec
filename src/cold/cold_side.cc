// Exemplars and metadata of the tier: of every block that has some.
#include <algorithm>
#include <utility>

#include "cold/block_reader.h"
#include "cold/cold_tier.h"
#include "cold/exemplar_table.h"
#include "cold/metadata_table.h"
#include "model/metadata.h"

namespace thermocline {
namespace {

Status ReadExemplars(const ColdBlock& block, const ExemplarRequest& request, uint64_t limit_bytes,
                     std::vector<SeriesExemplars>* out) {
  if (block.entry().Find(BlockFileKind::kExemplars) == nullptr) return Status::Ok();
  columnar::ReadStats stats;
  ASSIGN_OR_RETURN(const columnar::FileReader file, block.Open(BlockFileKind::kExemplars, &stats));
  return ReadExemplarTable(file, request, limit_bytes, &stats, out);
}

Status ReadMetadata(const ColdBlock& block, std::string_view family, uint64_t limit_bytes,
                    std::vector<BatchMetadata>* out) {
  if (block.entry().Find(BlockFileKind::kMetadata) == nullptr) return Status::Ok();
  columnar::ReadStats stats;
  ASSIGN_OR_RETURN(const columnar::FileReader file, block.Open(BlockFileKind::kMetadata, &stats));
  return ReadMetadataTable(file, family, limit_bytes, &stats, out);
}

// An exemplar lies within the block's UTC day, not always between its samples.
TimeRange DayOf(const BlockEntry& entry) {
  const TimestampMs day_ms = FloorTo(entry.range.start_ms, kDayMs);
  return {day_ms, day_ms + (kDayMs - 1)};
}

}  // namespace

Result<std::vector<SeriesExemplars>> ColdTier::Exemplars(const ExemplarRequest& request) const {
  std::vector<SeriesExemplars> all;
  if (request.tenant != options_.tenant) return all;
  const std::shared_ptr<const ColdSnapshot> now = snapshot();
  for (const std::shared_ptr<ColdBlock>& block : now->blocks) {
    if (request.budget != nullptr) RETURN_IF_ERROR(request.budget->Check());
    if (block->quarantined() || !DayOf(block->entry()).Overlaps(request.range)) continue;
    const Status status = ReadExemplars(*block, request, options_.select_limit_bytes, &all);
    if (IsDamage(status)) Quarantine(*block, status);
    if (!status.ok() && !IsDamage(status)) return status;
  }
  PutInOrder(request.range, &all);
  return all;
}

// The newest block's word comes first.
Result<std::vector<BatchMetadata>> ColdTier::Metadata(const MetadataRequest& request) const {
  std::vector<BatchMetadata> all;
  if (request.tenant != options_.tenant) return all;
  const std::shared_ptr<const ColdSnapshot> now = snapshot();
  std::vector<std::shared_ptr<ColdBlock>> blocks = now->blocks;
  std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) {
    return a->entry().range.end_ms > b->entry().range.end_ms;
  });
  for (const std::shared_ptr<ColdBlock>& block : blocks) {
    if (block->quarantined()) continue;
    const Status status = ReadMetadata(*block, request.family, options_.select_limit_bytes, &all);
    if (IsDamage(status)) Quarantine(*block, status);
    if (!status.ok() && !IsDamage(status)) return status;
    // Many blocks say the same.
    PutInOrder({.tenant = {}, .family = request.family}, &all);
  }
  PutInOrder(request, &all);
  return all;
}

Status ColdTier::ReadSides(const std::vector<std::shared_ptr<ColdBlock>>& blocks,
                           std::vector<SeriesExemplars>* exemplars,
                           std::vector<BatchMetadata>* metadata) const {
  const TimeRange all{kMinTimestampMs, kMaxTimestampMs};
  ExemplarRequest request;
  request.range = all;
  for (size_t i = blocks.size(); i-- > 0;) {
    const uint64_t limit = options_.select_limit_bytes;
    Status status = ReadExemplars(*blocks[i], request, limit, exemplars);
    if (status.ok()) status = ReadMetadata(*blocks[i], "", limit, metadata);
    if (IsDamage(status)) Quarantine(*blocks[i], status);
    RETURN_IF_ERROR(status);
  }
  PutInOrder(all, exemplars);
  PutInOrder(MetadataRequest(), metadata);
  return Status::Ok();
}

}  // namespace thermocline
