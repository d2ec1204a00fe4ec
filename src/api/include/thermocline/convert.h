// Sources of any layout into Parquet: merged by time, published whole; and two sources compared.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <thermocline/export.h>
#include <thermocline/labels.h>
#include <thermocline/samples.h>
#include <thermocline/source.h>
#include <thermocline/status.h>

namespace thermocline::api {

enum class Compression { kAuto, kZstd, kNone };

struct ConvertOptions {
  Layout layout = Layout::kParquetCommon;  // or kGateway, kSamples
  TimeRange range;                         // samples outside are left out
  bool verify = false;                     // reads back and compares before publishing
  bool skip_damaged = false;               // of inputs that are opened here
  int threads = 4;

  // parquet-common and gateway.
  std::vector<std::string> sort_labels = {"__name__"};
  std::vector<std::string> bloom_labels = {"__name__"};
  uint64_t row_group_rows = 1'000'000;
  uint64_t row_groups_per_shard = 0;  // 0 = one shard
  uint32_t max_columns = 32767;       // of a labels file
  uint32_t samples_per_chunk = 120;   // of chunks that are encoded anew
  Compression compression = Compression::kAuto;
  // parquet-common: folder below the target, and the time that a chunk column covers.
  std::string name;
  int64_t column_ms = 8 * 3600 * 1000;
  // gateway: the stream that everything is of; by default what each block's meta.json says.
  std::optional<Labels> external_labels;
};

struct ConvertProgress {
  double part_done = 0;  // 0 to 1
  uint64_t samples = 0;  // read so far
  bool verifying = false;
};
// Called by the converting thread now and then; an error ends the conversion with it.
using ConvertWatch = std::function<Status(const ConvertProgress&)>;

struct ConvertSummary {
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t files = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t chunks_passed = 0;  // without being decoded
  uint64_t chunks_encoded = 0;
  uint64_t starts_dropped = 0;  // start timestamps that the layout cannot hold
  uint64_t samples_verified = 0;
};

// Writes what the places at `inputs` hold, of any layouts and overlapping or not, to the folder
// `target`, which must be absent or empty (a gateway's may hold other days). A failed run leaves it
// as it was. Errors: NotFound when there is no sample, AlreadyExists, Unimplemented for what the
// layout cannot hold, Internal when `verify` finds a difference, and those of reading and writing.
THERMOCLINE_API Result<ConvertSummary> Convert(const std::vector<std::string>& inputs,
                                               const std::string& target,
                                               const ConvertOptions& options = {},
                                               const ConvertWatch& watch = nullptr);
// The same of an opened or made source. Folders of blocks and buckets of the gateway are opened
// anew, block by block and stream by stream.
THERMOCLINE_API Result<ConvertSummary> Convert(const Source& input, const std::string& target,
                                               const ConvertOptions& options = {},
                                               const ConvertWatch& watch = nullptr);

struct Comparison {
  uint64_t series = 0;   // in both
  uint64_t samples = 0;  // compared and equal
  uint64_t series_only_a = 0;
  uint64_t series_only_b = 0;
  uint64_t series_differing = 0;
  std::vector<std::string> differences;  // the first ones, a line each
  bool equal() const { return series_only_a + series_only_b + series_differing == 0; }
};
// Every sample of the selection in both, bit for bit; histograms by their non-empty buckets.
THERMOCLINE_API Result<Comparison> Compare(const Source& a, const Source& b,
                                           const Selection& selection = {});

}  // namespace thermocline::api
