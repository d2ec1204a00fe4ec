// One shard: a labels file and a chunks file with the same rows, opened once and read by many.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bucket/object.h"
#include "columnar/file_reader.h"
#include "env/executor.h"
#include "model/labels.h"
#include "model/queryable.h"
#include "shards/label_list.h"
#include "shards/page_fetch.h"
#include "shards/shard_columns.h"

namespace thermocline::shards {

struct ShardOptions {
  FetchLimits fetch;
  // Matchers' pages are read in one round when they are no more bytes than this; otherwise the
  // cheapest first, and the others for the rows that are left.
  uint64_t filter_round_bytes = 1 << 20;
  // The bloom filters of an equality's or a set's label are asked first, in a round of their own,
  // where its pages are more bytes than this.
  uint64_t bloom_worth_bytes = 4 << 20;
  // Chunks of a select that are no more bytes than this are read along with its labels.
  uint64_t prefetch_bytes = 1 << 20;
};

// What one query reads from one shard, and in how many rounds that wait for one another.
struct ShardReads {
  QueryBudget* budget = nullptr;  // may be null
  Executor* executor = nullptr;   // may be null
  columnar::ReadStats stats;
  uint64_t rounds = 0;
  Status Check() const { return budget == nullptr ? Status::Ok() : budget->Check(); }
};
// Adds to the counters of a request; `counters` may be null.
void CountReads(const columnar::ReadStats& stats, ReadCounters* counters);

struct ShardFile {
  std::shared_ptr<const Object> object;
  std::shared_ptr<const columnar::FileIndex> index;

  // A check of its own covers its footer.
  bool checked() const {
    return static_cast<const columnar::PagedFileIndex&>(*index).tail_checked();
  }
  Result<std::shared_ptr<const PageFetch>> Fetch(std::span<const ColumnRows> columns,
                                                 const FetchLimits& limits,
                                                 columnar::ReadStats* stats) const {
    return PageFetch::Run(*object, index, columns, limits, stats);
  }
};

// Immutable. Threads: safe to call concurrently.
class Shard {
 public:
  struct Place {
    std::string labels_key;
    std::string chunks_key;
    std::optional<TimeRange> day;  // what a gateway's meta.pb says
    Labels external;               // laid over every series' own labels
  };
  // One or two requests a file, of both files at once where there is an executor. Errors: NotFound,
  // Corruption, Unimplemented, Io.
  static Result<std::shared_ptr<const Shard>> Open(Bucket& bucket, const Place& place,
                                                   const ShardOptions& options,
                                                   columnar::ReadStats* stats,
                                                   Executor* executor = nullptr);

  const ShardColumns& columns() const { return columns_; }
  const ShardFile& labels() const { return labels_; }
  const ShardFile& chunks() const { return chunks_; }
  const ShardOptions& options() const { return options_; }
  const Labels& external() const { return external_; }
  const std::string& name() const { return name_; }
  uint64_t rows() const { return labels_.index->rows(); }
  TimeRange range() const { return columns_.range; }

  // Rows whose labels (external ones included) all matchers accept, ascending and disjoint. At most
  // two rounds.
  Result<std::vector<RowRange>> Match(const std::vector<Matcher>& matchers,
                                      ShardReads* reads) const;
  // The labels of `rows` (ascending, distinct), external ones included. At most two rounds.
  // `known`: matchers that Match answered with; what an equality says is not read again.
  Result<LabelList> ReadLabels(std::span<const uint64_t> rows, const std::vector<Matcher>& known,
                               ShardReads* reads) const;
  // Names of labels that some of `rows` have, without external ones; every row's when null.
  Result<std::vector<std::string>> LabelNames(const std::vector<RowRange>* rows,
                                              ShardReads* reads) const;
  // Values of a label's column; every row's when `rows` is null. May repeat.
  Result<std::vector<std::string>> LabelValues(const LabelColumn& label,
                                               const std::vector<RowRange>* rows,
                                               ShardReads* reads) const;

 private:
  friend class RowMatcher;
  // Label columns and the rows of `rows` that hold them. `counts`, which may be null, becomes the
  // number of labels of each row where the list of columns was read, and empty otherwise.
  Result<std::vector<ColumnRows>> PresentColumns(std::span<const uint64_t> rows, ShardReads* reads,
                                                 std::vector<uint32_t>* counts = nullptr) const;
  // What the files say of the rows' labels otherwise: their hashes, where no check of the files'
  // own covers what leads to the labels, and their lists of columns.
  bool HashesTell() const;
  Status CheckHashes(std::span<const uint64_t> rows, const LabelList& labels,
                     const PageFetch& fetch, size_t slot, ShardReads* reads) const;
  // External labels are laid over some that the rows have themselves.
  bool HidesLabels() const;
  Status CheckCounts(std::span<const uint64_t> rows, const LabelList& labels,
                     std::span<const uint32_t> counts) const;

  ShardFile labels_;
  ShardFile chunks_;
  ShardColumns columns_;
  ShardOptions options_;
  Labels external_;
  std::string name_;
};

}  // namespace thermocline::shards
