// What a path holds, found by looking, and its data as one Queryable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "bucket/object.h"
#include "env/executor.h"
#include "env/file_system.h"
#include "model/queryable.h"

namespace thermocline {

// The names are those of --from-layout.
enum class SourceLayout {
  kBlock,          // "block": the folder of one Prometheus block
  kBlocks,         // "blocks": a folder of blocks
  kPrometheus,     // "prometheus": a Prometheus data directory: blocks, WAL, head chunks
  kParquetCommon,  // "parquet-common": shards 0.labels.parquet, 0.chunks.parquet, ...
  kGateway,        // "gateway": a bucket of the Thanos parquet gateway
  kSamples,        // "samples": our own data folder
  kOpenMetrics,    // "openmetrics": a file of OpenMetrics text
  kText,           // "text": a file of the classic exposition format, with timestamps
};

std::string_view LayoutName(SourceLayout layout);
// InvalidArgument with the known names.
Result<SourceLayout> ParseLayout(std::string_view name);

// A folder by the names of files, which are not opened; a file by its last line: OpenMetrics text
// ends with "# EOF". NotFound when `path` is not there, InvalidArgument when it is nothing known or
// could be blocks as well as a gateway's bucket.
Result<SourceLayout> RecogniseLayout(FileSystem& files, const std::string& path);

struct SourceOptions {
  // kGateway: only the days of the stream with this hash; the path is then the bucket's, not that
  // of the stream's folder.
  std::optional<uint64_t> stream;
  bool skip_damaged = false;  // damaged chunks (of shards: series) are left out and counted
  // Text files: where compressed samples go that do not fit in memory (see text_file.h).
  std::string scratch;
  // Asked now and then while opening reads one; an error ends that. May be empty.
  std::function<Status()> watch;
};

struct SourceDamage {
  uint64_t chunks = 0;
  uint64_t series = 0;
  uint64_t blocks = 0;    // whole ones
  uint64_t log_ends = 0;  // logs and head chunk files that end early
  std::vector<std::string> messages;
};

// An opened source. Threads: as Queryable.
class Source : public Queryable {
 public:
  virtual SourceLayout layout() const = 0;
  // Covers every sample; inclusive. Empty when there is none.
  virtual TimeRange range() const = 0;
  // A line or more for a person: what there is and how much.
  virtual std::string Describe() const = 0;
  // What was left out so far, by skip_damaged and by torn ends of logs.
  virtual SourceDamage damage() const { return {}; }
};

// `files` outlives the source; `executor` may be null. Errors and damage name files with `path`
// before them; NotFound when a folder holds nothing of the layout. kSamples is not opened here: its
// log needs the store (see api/store_source.h).
Result<std::unique_ptr<Source>> OpenSource(FileSystem& files, Executor* executor,
                                           const std::string& path, SourceLayout layout,
                                           const SourceOptions& options);

}  // namespace thermocline
