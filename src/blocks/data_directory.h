// A Prometheus data directory, of a server that runs or not: its blocks and its head, read only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "blocks/block_set.h"
#include "blocks/wal_head.h"
#include "bucket/object.h"
#include "model/queryable.h"

namespace thermocline {

// What a replay could not read. Prometheus cuts its logs there when it starts; this reader leaves
// the files alone.
struct HeadDamage {
  // With file and offset; empty when there is none. Everything in that log behind it is lost.
  std::string log;
  std::string out_of_order_log;
  std::string chunks;             // the log holds the samples of what is lost here, mostly
  uint64_t dropped_segments = 0;  // whole ones behind a damage
};

// The state at the time of Open: what the server writes later is not seen. Threads: safe.
class DataDirectory : public Queryable {
 public:
  // `folder` within `bucket`, "" for the bucket's own. Memory: that of the head (WalHead).
  // NotFound when it has neither blocks nor a `wal` folder; Corruption when a checkpoint is
  // damaged.
  static Result<std::unique_ptr<DataDirectory>> Open(Bucket& bucket, const std::string& folder,
                                                     const BlockOptions& options);

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;
  // Those of the log; Prometheus keeps no others.
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override;

  const BlockSet& blocks() const { return *blocks_; }
  const WalHead& head() const { return *head_; }
  const HeadDamage& damage() const { return damage_; }

 private:
  DataDirectory() = default;
  std::unique_ptr<BlockSet> blocks_;
  std::shared_ptr<const WalHead> head_;
  HeadDamage damage_;
};

}  // namespace thermocline
