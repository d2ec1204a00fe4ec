// Time series on disk, or made in memory, read one way whatever their layout.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <thermocline/chunks.h>
#include <thermocline/export.h>
#include <thermocline/labels.h>
#include <thermocline/samples.h>
#include <thermocline/status.h>

namespace thermocline::api {

enum class Layout {
  kBlock = 0,       // the folder of one Prometheus block
  kBlocks = 1,      // a folder of blocks: merged by time
  kPrometheus = 2,  // a Prometheus data directory: blocks, head chunks, write-ahead logs
  kParquetCommon =
      3,             // shards as parquet-common writes them: 0.labels.parquet, 0.chunks.parquet...
  kGateway = 4,      // a bucket of the Thanos Parquet gateway
  kSamples = 5,      // Thermocline's own data folder: one row a sample
  kOpenMetrics = 6,  // a file of OpenMetrics text
  kText = 7,         // a file of Prometheus' classic text format, with timestamps
  kMade = 100,       // none: series that a program made (Source::Make)
};
// "block", "blocks", "prometheus", "parquet-common", "gateway", "samples", "openmetrics", "text",
// "made".
THERMOCLINE_API std::string_view LayoutName(Layout layout);
// By the names of files below `path`, or a file's last line; InvalidArgument when nothing fits.
THERMOCLINE_API Result<Layout> RecogniseLayout(const std::string& path);

struct SourceOptions {
  // Leaves out damaged chunks and counts them (Source::damage) instead of failing.
  bool skip_damaged = false;
  int threads = 2;  // that read beside the caller's; at least 1
  // Text files: a file that takes compressed samples beyond what memory should hold; empty: none.
  std::string scratch;
};

struct Selection {
  std::vector<Matcher> matchers;  // all must accept; none = everything
  TimeRange range;
  bool sorted = true;  // in label order
  uint64_t limit = 0;  // at most so many series; 0 = all
};

struct Damage {
  uint64_t blocks = 0;  // whole ones
  uint64_t chunks = 0;
  uint64_t series = 0;
  uint64_t log_ends = 0;  // logs that end in the middle of a record
  std::vector<std::string> messages;
};

// The series that a selection found: listed whole, read piece by piece. It keeps the source open.
// Threads: const members may be called at once.
class THERMOCLINE_API SeriesSet {
 public:
  struct State;
  explicit SeriesSet(std::shared_ptr<const State> state);  // of the library

  size_t size() const;
  Labels labels(size_t series) const;
  // Replaces `out` with the samples of [first, first + count), at most 1,024 series; one that has
  // none in range is an empty span. Pass the same batch again: it keeps its memory.
  Status Read(size_t first, size_t count, SampleBatch* out) const;
  // Whether the layout stores Prometheus' chunks, which ReadChunks hands out undecoded: whole ones
  // as they are, those that the range cuts encoded anew.
  bool has_chunks() const;
  Status ReadChunks(size_t first, size_t count, ChunkBatch* out) const;
  const std::vector<std::string>& warnings() const;

  // Reads all series in order, about a million samples at a time, and calls
  // visit(labels, batch, i): the samples are those of series i of the batch. Series without samples
  // are passed over. The first error, of reading or of `visit`, ends it.
  using Visit = std::function<Status(const Labels&, const SampleBatch&, size_t i)>;
  Status ForEach(const Visit& visit) const;

 private:
  std::shared_ptr<const State> state_;
};

// Exemplars of one series, ascending by time.
struct Exemplar {
  Labels labels;  // its own: {trace_id="..."}
  int64_t time_ms = 0;
  double value = 0;
};
struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;
};

// A series given by a program; `samples` holds one series.
struct Series {
  Labels labels;
  SampleBatch samples;
};

// An opened source; copies share it. Threads: const members may be called at once.
class THERMOCLINE_API Source {
 public:
  // Looks what `path` holds, or insists on `layout`. Reads little, writes nothing. kSamples shares
  // the data folder's lock with other readers: Unavailable while a server has it open, and none can
  // open it while the source lives.
  // Errors: NotFound, InvalidArgument, Corruption, Unimplemented, Io.
  static Result<Source> Open(const std::string& path, const SourceOptions& options = {});
  static Result<Source> Open(const std::string& path, Layout layout,
                             const SourceOptions& options = {});
  // `count` series that `make` makes on demand, the same for the same number each time;
  // `labels` tells their labels, distinct. Both may be called by several threads at once.
  static Result<Source> Make(size_t count, const std::function<Labels(size_t)>& labels,
                             std::function<Status(size_t, SampleBatch*)> make);
  // Series held in memory. InvalidArgument when labels repeat or columns disagree.
  static Result<Source> FromSeries(std::vector<Series> series);

  Layout layout() const;
  // Holds every sample; without ends where only reading would tell.
  TimeRange range() const;
  std::string Describe() const;  // for a person
  Damage damage() const;         // left out so far

  Result<SeriesSet> Select(const Selection& selection) const;
  // Ascending and distinct, of the series that match (all without matchers).
  Result<std::vector<std::string>> LabelNames(const Selection& selection = {}) const;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const Selection& selection = {}) const;
  // Of the series that match, in label order; empty where the layout keeps none.
  Result<std::vector<SeriesExemplars>> Exemplars(const Selection& selection = {}) const;
  // Of one family, or of all when it is empty; empty where the layout keeps none.
  Result<std::vector<MetricMetadata>> Metadata(const std::string& family = {}) const;

  struct State;
  explicit Source(std::shared_ptr<const State> state);  // of the library
  const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;
};

}  // namespace thermocline::api
