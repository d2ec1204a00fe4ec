// Samples from elsewhere, of any time, put into the cold tier: written piece by piece, seen all at
// once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "cold/block_writer.h"
#include "cold/manifest.h"
#include "model/queryable.h"

namespace thermocline {

class Store;

struct ImportCounts {
  uint64_t samples = 0;      // written
  uint64_t there = 0;        // left out: the store has a sample of that series and time...
  uint64_t there_other = 0;  // ...and of those, how many differ from what it has
  uint64_t blocks = 0;
  uint64_t bytes = 0;  // of the blocks' files
};

// One import. What the store has wins: a sample at a time at which its series has one, in the head
// or in a block, is left out. So an import that is run again changes nothing.
// Threads: one at a time; ingest, queries, flushes and compaction go on beside it.
class StoreImport {
 public:
  // `store` outlives the import. `threads` encode row groups, the calling one among them.
  StoreImport(Store& store, uint32_t threads);
  // Gives up what was written and not published.
  ~StoreImport();

  // Writes what the store lacks of `series`, whose samples lie within `piece`, as blocks that
  // nobody sees yet. `matchers` select at least all of `series` from the store.
  // Errors: ResourceExhausted when the volume is nearly full; OutOfRange when the samples are older
  // than the retention; what `series` and the files return.
  // `sides` gives the exemplars of the piece and metadata (BlockRequest); may be empty.
  Status Write(const SeriesSet& series, TimeRange piece, const std::vector<Matcher>& matchers,
               const BlockRequest& sides = {});
  // Everything written so far.
  Result<std::unique_ptr<SeriesSet>> Written() const;
  // Makes all of it visible, in one manifest. Before, when there is anything, `announce` is told
  // the blocks: whoever must know after a crash whether they were published notes their ids down.
  // Errors: ResourceExhausted when the retention by size would take samples away again.
  using Announce = std::function<Status(const std::vector<BlockEntry>&)>;
  Status Publish(const Announce& announce);

  const ImportCounts& counts() const { return counts_; }

 private:
  Status CheckRoom() const;
  Status CheckAge(const std::vector<BlockEntry>& blocks) const;

  Store& store_;
  const uint32_t threads_;
  std::vector<BlockEntry> blocks_;  // written, not published
  ImportCounts counts_;
};

}  // namespace thermocline
