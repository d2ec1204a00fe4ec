// Where the time of one query goes, and what each of its selections considered, skipped and read.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "env/clock.h"
#include "model/exemplar.h"
#include "model/queryable.h"

namespace thermocline {

// A Queryable that passes everything on to another and takes notes. Threads: safe while the query
// runs. `storage` and `clock` are borrowed; series sets that it gave out must be gone before it.
class QueryTrace final : public Queryable {
 public:
  QueryTrace(const Queryable& storage, const Clock& clock)
      : storage_(storage), clock_(clock), started_ns_(clock.SteadyNs()) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return storage_.LabelNames(request);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return storage_.LabelValues(name, request);
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override {
    return storage_.Metadata(request);
  }
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override {
    return storage_.Exemplars(request);
  }
  Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                           int64_t lookback_ms) const override;

  // The tree, after the query has ended: {"duration_msec":...,"message":...,"children":[...]}; a
  // selection has "tiers" too. `sending_ns` is what of the time went into waiting for the client.
  std::string Json(std::string_view message, int64_t sending_ns) const;

 private:
  // One Select or TryCount.
  struct Selection {
    std::string selector;
    TimeRange range;
    int64_t started_ns = 0;
    int64_t listing_ns = 0;
    uint64_t series = 0;
    bool counted = false;           // by the index alone
    ReadCounters* asked = nullptr;  // what the engine counts in
    ReadCounters counters;
    std::atomic<int64_t> reading_ns{0};  // of all threads
    std::atomic<uint64_t> reads{0}, samples{0};
  };
  class TracedSet;

  Selection* Begin(const SelectRequest& request) const;
  std::string SelectionJson(const Selection& selection) const;

  const Queryable& storage_;
  const Clock& clock_;
  const int64_t started_ns_;
  mutable Mutex mutex_;
  mutable std::deque<Selection> selections_ GUARDED_BY(mutex_);
};

}  // namespace thermocline
