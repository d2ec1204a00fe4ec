// Any number of shards as one Queryable.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "env/executor.h"
#include "model/queryable.h"
#include "shards/shard.h"

namespace thermocline::shards {

// Threads: safe. A series that stands in several shards is merged by time.
class ShardQueryable final : public Queryable {
 public:
  // `executor` may be null: shards are then asked one after another. It outlives the queryable.
  explicit ShardQueryable(std::vector<std::shared_ptr<const Shard>> shards,
                          Executor* executor = nullptr)
      : shards_(std::move(shards)), executor_(executor) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  // Shards hold none.
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;

  const std::vector<std::shared_ptr<const Shard>>& shards() const { return shards_; }
  // The most rounds of reads that waited for one another in a Select so far.
  uint64_t most_rounds() const { return most_rounds_.load(); }

 private:
  // Runs ask(shard, reads, &part) for every shard in the request's time, then joins the parts,
  // sorted and distinct.
  template <typename Ask>
  Result<std::vector<std::string>> Gather(const LabelRequest& request, const Ask& ask) const;

  const std::vector<std::shared_ptr<const Shard>> shards_;
  Executor* const executor_;
  mutable std::atomic<uint64_t> most_rounds_{0};
};

// The shards below `prefix` ("" or "name/"): <prefix>0.labels.parquet, 0.chunks.parquet, 1. and so
// on. NotFound when there is no shard 0 of both files; Corruption when a later one lacks a file or
// a number is left out. `day` and `external` are for the gateway's.
Result<std::vector<Shard::Place>> FindShards(Bucket& bucket, const std::string& prefix);
// All at once where there is an executor.
Result<std::vector<std::shared_ptr<const Shard>>> OpenShards(
    Bucket& bucket, const std::vector<Shard::Place>& places, const ShardOptions& options,
    columnar::ReadStats* stats, Executor* executor = nullptr);

}  // namespace thermocline::shards
