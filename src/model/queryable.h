// The read contract. Head, cold blocks, Prometheus blocks, shards and remote peers all answer it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "model/chunk.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"
#include "model/write_batch.h"

namespace thermocline {

// What one query may use, shared by all its selects and operators. Threads: safe.
class QueryBudget {
 public:
  QueryBudget() = default;
  // `deadline_steady_ns` on the clock that `steady_ns` reads; 0 = none. `limit_bytes` 0 = none.
  // `all` (may be null) is charged too: what all queries together may use; it outlives this one.
  QueryBudget(std::stop_token stop, int64_t deadline_steady_ns, std::function<int64_t()> steady_ns,
              uint64_t limit_bytes, QueryBudget* all = nullptr)
      : stop_(std::move(stop)),
        deadline_steady_ns_(deadline_steady_ns),
        steady_ns_(std::move(steady_ns)),
        limit_bytes_(limit_bytes),
        all_(all) {}
  // Gives back to `all` what was not released.
  ~QueryBudget();
  QueryBudget(const QueryBudget&) = delete;
  QueryBudget& operator=(const QueryBudget&) = delete;

  // Cancelled or DeadlineExceeded once the query must end. Cheap: call at least every 10 ms of
  // work.
  Status Check() const;
  // ResourceExhausted when the charge passes the limit (the charge is then not taken).
  Status Charge(uint64_t bytes);
  void Release(uint64_t bytes);
  uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }

 private:
  std::stop_token stop_;
  int64_t deadline_steady_ns_ = 0;
  std::function<int64_t()> steady_ns_;
  uint64_t limit_bytes_ = 0;
  QueryBudget* all_ = nullptr;
  std::atomic<uint64_t> used_bytes_{0};
};

// What a select considered, skipped and read. Tests assert these; the query API returns them.
struct ReadCounters {
  std::atomic<uint64_t> blocks_considered{0}, blocks_skipped_by_time{0}, blocks_skipped_by_index{0};
  std::atomic<uint64_t> pages_considered{0}, pages_skipped{0}, pages_read{0};
  std::atomic<uint64_t> requests{0}, bytes_read{0}, rows_read{0};
  std::atomic<uint64_t> head_series{0}, head_samples{0}, cold_series{0}, cold_samples{0};

  // Adds what another one counted.
  void Add(const ReadCounters& other);
};

struct SelectHints {
  bool sorted = false;        // list series in canonical label order (LabelsView's <=>)
  uint64_t limit = 0;         // stop after so many series; 0 = all
  int64_t step_ms = 0;        // 0 for instant queries
  int64_t range_ms = 0;       // 0 unless a matrix selector
  std::string_view function;  // the call or aggregation around the selector, as in Prometheus'
                              // SelectHints; may be empty
};

struct SelectRequest {
  TenantId tenant;
  std::vector<Matcher> matchers;  // all must match
  TimeRange range;                // inclusive at both ends
  SelectHints hints;
  QueryBudget* budget = nullptr;     // borrowed, may be null; outlives the SeriesSet
  ReadCounters* counters = nullptr;  // borrowed, may be null; outlives the SeriesSet
};

// Samples of some series, in shared column buffers. Series i owns [offsets[i], offsets[i+1]) of the
// columns, ascending and distinct in time. A series without samples in range has an empty span.
// Stale markers are included.
struct SeriesBatch {
  std::vector<uint32_t> offsets;  // series + 1
  std::vector<TimestampMs> timestamps_ms;
  std::vector<double> values;
  std::vector<TimestampMs> start_timestamps_ms;  // empty, or parallel (0 = none)
  // Empty (all samples are floats), or parallel: an index into `histograms`, kNoHistogram for a
  // float. A histogram's `values` entry is its sum, so that staleness reads the same.
  std::vector<uint32_t> histogram_index;
  std::vector<Histogram> histograms;

  static constexpr uint32_t kNoHistogram = UINT32_MAX;

  size_t series_count() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  // Null for a float; `sample` counts from the batch's first, not the series'.
  const Histogram* histogram(size_t sample) const {
    if (histogram_index.empty() || histogram_index[sample] == kNoHistogram) return nullptr;
    return &histograms[histogram_index[sample]];
  }
  std::span<const TimestampMs> times(size_t i) const {
    return std::span(timestamps_ms).subspan(offsets[i], offsets[i + 1] - offsets[i]);
  }
  std::span<const double> floats(size_t i) const {
    return std::span(values).subspan(offsets[i], offsets[i + 1] - offsets[i]);
  }
  void Clear() {
    offsets.assign(1, 0);
    timestamps_ms.clear();
    values.clear();
    start_timestamps_ms.clear();
    histogram_index.clear();
    histograms.clear();
  }
};

// The answer to a select: first the list of series, whole, then samples for any of them, on demand.
// Listing is cheap (ids and lazy labels); reading decodes. A set may list a series that turns out
// to have no sample in range. Lifetime: keeps alive whatever snapshot it reads. Threads: all const
// methods are safe to call concurrently.
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  virtual size_t series_count() const = 0;
  // Distinct within the set.
  virtual SeriesId id(size_t series) const = 0;
  // The label set, materialised on demand.
  virtual Labels labels(size_t series) const = 0;
  // Replaces `out` with the samples within the request's range of `series` (indexes into the list,
  // ascending, distinct). Callers pass at most 1,024 at a time, neighbours together, so that a
  // source decodes each page once.
  virtual Status Read(std::span<const uint32_t> series, SeriesBatch* out) const = 0;
  // Whether ReadEncoded answers.
  virtual bool has_encoded() const { return false; }
  // As Read, but the chunks as they are stored. Whole chunks only: a chunk that a tombstone or the
  // range cuts is decoded, cut and encoded anew, so that chunks and Read hold the same samples.
  virtual Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const;
  // Partial answers and the like, known once the select returned.
  virtual const std::vector<std::string>& warnings() const = 0;
};

struct ExemplarRequest;  // model/exemplar.h
struct SeriesExemplars;

struct LabelRequest {
  TenantId tenant;
  std::vector<std::vector<Matcher>>
      matcher_sets;  // a series counts when one set accepts it; empty = all series
  TimeRange range;
  uint64_t limit = 0;  // 0 = all
  QueryBudget* budget = nullptr;
  ReadCounters* counters = nullptr;
};

struct MetadataRequest {
  TenantId tenant;
  std::string family;  // empty = all
  uint64_t limit = 0;
  uint64_t limit_per_family = 0;
};

// Answers an index alone can give without decoding samples: for an instant vector selector at
// `at_ms`, per requested group.
enum class IndexAggregate { kCount, kGroup, kLast };

// Threads: safe. Each call sees one consistent state (a snapshot taken at the call).
class Queryable {
 public:
  virtual ~Queryable() = default;
  virtual Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const = 0;
  // Ascending byte order, distinct.
  virtual Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const = 0;
  virtual Result<std::vector<std::string>> LabelValues(std::string_view name,
                                                       const LabelRequest& request) const = 0;
  virtual Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const = 0;
  // The exemplars within the request's range, series in label order; none unless overridden.
  virtual Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const;
  // The number of series that have a non-stale sample in (at_ms - lookback_ms, at_ms] and match;
  // nullopt when only samples can tell.
  virtual Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                                   int64_t lookback_ms) const {
    (void)request, (void)at_ms, (void)lookback_ms;
    return std::optional<uint64_t>();
  }
};

// Reads several sources as one. Series are joined by id, confirmed by labels (ids that collide with
// other labels stay apart); where two sources have a sample at the same timestamp the later source
// in `sources` wins. The matching order is kept within the first source, and with hints.sorted the
// whole list is in label order.
Result<std::unique_ptr<SeriesSet>> MergeSeriesSets(std::vector<std::unique_ptr<SeriesSet>> sources,
                                                   const SelectRequest& request);

}  // namespace thermocline
