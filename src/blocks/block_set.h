// A folder of blocks as one source.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "blocks/block.h"
#include "model/queryable.h"

namespace thermocline {

// Merges its blocks by time, as Prometheus does with blocks that overlap and out-of-order ones. Of
// samples at one timestamp, the block that begins later wins, then the one made later (by ULID).
// Threads: safe.
class BlockSet : public Queryable {
 public:
  // `blocks` in any order.
  explicit BlockSet(std::vector<std::unique_ptr<Block>> blocks);
  // Opens every folder below `folder` that is named by a ULID and has a meta.json, but for those
  // that another one replaces (its compaction parents): what interrupted compactions left behind.
  // With skip_damaged, blocks that are Unimplemented (downsampled, newer) are left out and counted.
  static Result<std::unique_ptr<BlockSet>> Open(Bucket& bucket, const std::string& folder,
                                                const BlockOptions& options);

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;

  // In the order of the rule above.
  const std::vector<std::unique_ptr<Block>>& blocks() const { return blocks_; }
  // From the first begin to the last end; empty without blocks.
  TimeRange range() const;
  uint64_t damaged_chunks() const;
  uint64_t damaged_series() const;
  // Of whole blocks; what is left out within a block is counted by that.
  const BlockDamage& damage() const { return damage_; }

 private:
  std::vector<std::unique_ptr<Block>> blocks_;
  BlockDamage damage_;
};

// The names of the block folders below `folder`, ascending.
Result<std::vector<std::string>> FindBlocks(Bucket& bucket, const std::string& folder);

}  // namespace thermocline
