// One Prometheus TSDB block, read only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "blocks/block_files.h"
#include "model/queryable.h"

namespace thermocline {

// Answers from the index, segment files and tombstones of one block, as Prometheus' block querier
// does. Tenant-less: every request is answered. A series set keeps the files open after the block
// is gone. Threads: safe.
class Block : public Queryable {
 public:
  // `folder` within `bucket`: "" when the bucket is the block's own folder. `bucket` may go once
  // this returned. Unimplemented for what is no raw block of version 1 (downsampled, newer).
  static Result<std::unique_ptr<Block>> Open(Bucket& bucket, const std::string& folder,
                                             const BlockOptions& options);

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  // None: blocks hold no metadata.
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;

  const BlockMeta& meta() const { return files_->meta; }
  const BlockIndex& index() const { return *files_->index; }
  const Tombstones& tombstones() const { return files_->tombstones; }
  const BlockDamage& damage() const { return files_->damage; }

 private:
  explicit Block(std::shared_ptr<const BlockFiles> files) : files_(std::move(files)) {}
  // The union over the matcher sets; ascending.
  Result<std::vector<SeriesRef>> MatchAny(const LabelRequest& request) const;

  const std::shared_ptr<const BlockFiles> files_;
};

}  // namespace thermocline
