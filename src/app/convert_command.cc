// convert: sources of any layout to one layout.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <utility>

#include "app/command.h"
#include "app/flags.h"
#include "app/open_source.h"
#include "app/progress_text.h"
#include "app/stop_signals.h"
#include "convert/convert.h"
#include "env/failpoint.h"
#include "env/posix/posix_env.h"
#include "wire/parameters.h"

namespace thermocline {
namespace {

constexpr uint64_t kRowGroupBytes = uint64_t{32} << 20;  // of the samples layout, with its buffers
constexpr int64_t kMostJobs = 256;

struct ConvertArguments {
  SourceFlags source;
  std::string to;
  std::string layout;
  std::string min_time;
  std::string max_time;
  std::string compression = "auto";
  std::string progress = "auto";
  std::string failpoints;
  std::vector<std::string> external;
  bool external_from_meta = false;
  int64_t row_group_rows = 1'000'000;
  int64_t row_groups = 0;
  int64_t max_columns = 32767;
  int64_t samples_per_chunk = 120;
  int64_t jobs = 4;
  uint64_t memory_bytes = 0;
  ConvertOptions options;
  std::vector<std::string> sources;
  // --sort-label and --bloom-label as given: flag, label.
  std::vector<std::pair<std::string, std::string>> row_labels;
};

// Settings that only some layouts have: given with another they are refused, not passed over.
struct LayoutFlag {
  std::string_view name;
  bool parquet_common;
  bool gateway;
  bool samples;
};
constexpr LayoutFlag kLayoutFlags[] = {
    {"converter-mark", true, false, false},
    {"name", true, false, false},
    {"column-duration", true, false, false},
    {"sort-label", true, true, false},
    {"bloom-label", true, true, false},
    {"rowgroup-size", true, true, false},
    {"rowgroup-count", true, true, false},
    {"max-columns", true, true, false},
    {"samples-per-chunk", true, true, false},
    {"compression", true, true, false},
    {"external-labels-from-meta", true, false, true},
};

void RegisterOutputFlags(ConvertArguments* parsed, FlagTable* table) {
  shards::ShardWriterOptions& shards = parsed->options.shards;
  table->AddString("to", &parsed->to, "The folder to write; absent or empty (required).");
  table->AddString("layout", &parsed->layout, "samples, parquet-common or gateway (required).");
  table->AddString("min-time", &parsed->min_time, "First time, in seconds or RFC 3339.");
  table->AddString("max-time", &parsed->max_time, "Last time, inclusive.");
  table->AddString("name", &parsed->options.name, "parquet-common: folder below --to.");
  table->AddBool("converter-mark", &parsed->options.converter_mark,
                 "parquet-common: writes Cortex' parquet-converter-mark.json; the target is then "
                 "the folder of a block, which may hold the block itself.");
  table->AddStrings("sort-label", &shards.sort_labels,
                    "Shards: rows are sorted by these labels; may be given again.");
  table->AddStrings("bloom-label", &shards.bloom_labels,
                    "Shards: labels with bloom filters; may be given again, empty for none.");
  table->AddDuration("column-duration", &shards.column_ms,
                     "parquet-common: time that a chunk column covers.");
  table->AddInt("rowgroup-size", &parsed->row_group_rows, "Shards: most rows of a row group.");
  table->AddInt("rowgroup-count", &parsed->row_groups,
                "Shards: most row groups of a shard; 0 for one shard.");
  table->AddInt("max-columns", &parsed->max_columns, "Shards: most columns of a labels file.");
  table->AddInt(
      "samples-per-chunk", &parsed->samples_per_chunk,
      "Shards: most samples of a chunk. When not given, 120 for chunks that are encoded anew; "
      "those of up to 240 stay as they are.");
  table->AddStrings("external-label", &parsed->external,
                    "name=value that every series has; may be given again. gateway: the labels of "
                    "the stream, by default what meta.json says of each block.");
  table->AddBool(
      "external-labels-from-meta", &parsed->external_from_meta,
      "parquet-common, samples: series also get the external labels that Thanos notes in "
      "a block's meta.json.");
  table->AddString("compression", &parsed->compression,
                   "Shards: of chunk pages: auto (zstd where it pays), zstd or none.");
}

void RegisterWorkFlags(ConvertArguments* parsed, FlagTable* table) {
  table->AddSize("memory", &parsed->memory_bytes,
                 "About what writing may hold; 0 for the layout's default. Shards: a row group and "
                 "the label sets share it, series by series some bytes come on top.");
  table->AddInt("jobs", &parsed->jobs, "Threads that read shards and encode samples.");
  table->AddBool("verify", &parsed->options.verify,
                 "Reads back and compares every sample before anything is published.");
  table->AddString("progress", &parsed->progress,
                   "auto (a bar on a terminal, lines elsewhere), bar, plain or none.");
  table->AddString("debug.failpoints", &parsed->failpoints,
                   "Arms failpoints, name=kill@3,...: for crash tests only.");
}

void Register(ConvertArguments* parsed, FlagTable* table) {
  RegisterSourceFlags(&parsed->source, table);
  RegisterOutputFlags(parsed, table);
  RegisterWorkFlags(parsed, table);
}

Status CheckLayoutFlags(const FlagTable& table, SourceLayout layout) {
  for (const Flag& flag : table.flags()) {
    if (flag.source == FlagSource::kDefault) continue;
    for (const LayoutFlag& known : kLayoutFlags) {
      if (known.name != flag.name) continue;
      const bool has = layout == SourceLayout::kParquetCommon ? known.parquet_common
                       : layout == SourceLayout::kGateway     ? known.gateway
                                                              : known.samples;
      if (has) continue;
      return Status::InvalidArgument(
          fmt::format("--{}: the layout {} has no such setting", flag.name, LayoutName(layout)));
    }
  }
  return Status::Ok();
}

template <typename Number>
Status CheckedCount(std::string_view flag, int64_t value, int64_t least, int64_t most,
                    Number* out) {
  if (value < least || value > most) {
    return Status::InvalidArgument(
        fmt::format("--{}: expected {} to {}, found {}", flag, least, most, value));
  }
  *out = static_cast<Number>(value);
  return Status::Ok();
}

Status SetSizes(ConvertArguments* parsed) {
  shards::ShardWriterOptions& shards = parsed->options.shards;
  BlockWriterOptions& samples = parsed->options.samples;
  RETURN_IF_ERROR(CheckedCount("rowgroup-size", parsed->row_group_rows, 1, int64_t{1} << 24,
                               &shards.row_group_rows));
  RETURN_IF_ERROR(
      CheckedCount("rowgroup-count", parsed->row_groups, 0, 1 << 20, &shards.row_groups_per_shard));
  RETURN_IF_ERROR(CheckedCount("max-columns", parsed->max_columns, 3, 32767, &shards.max_columns));
  RETURN_IF_ERROR(CheckedCount("samples-per-chunk", parsed->samples_per_chunk, 1, 65535,
                               &shards.samples_per_chunk));
  RETURN_IF_ERROR(CheckedCount("jobs", parsed->jobs, 1, kMostJobs, &samples.threads));
  if (shards.column_ms <= 0) {
    return Status::InvalidArgument("--column-duration: expected more than 0");
  }
  if (parsed->memory_bytes == 0) return Status::Ok();
  // A row group is encoded while its pages are still held.
  shards.row_group_bytes = std::max<uint64_t>(1 << 20, parsed->memory_bytes / 4);
  // Beyond it label sets are asked of the sources again.
  shards.plan_bytes = parsed->memory_bytes / 4;
  const uint64_t row_groups = parsed->memory_bytes / kRowGroupBytes;
  samples.threads =
      static_cast<uint32_t>(std::clamp<uint64_t>(row_groups, 2, uint64_t{samples.threads} + 1) - 1);
  return Status::Ok();
}

Status SetOutput(ConvertArguments* parsed) {
  ConvertOptions& options = parsed->options;
  if (!parsed->min_time.empty()) {
    ASSIGN_OR_RETURN(options.range.start_ms, ParseTime(parsed->min_time));
  }
  if (!parsed->max_time.empty()) {
    ASSIGN_OR_RETURN(options.range.end_ms, ParseTime(parsed->max_time));
  }
  if (parsed->compression == "zstd") {
    options.shards.chunk_compression = shards::ChunkCompression::kZstd;
  } else if (parsed->compression == "none") {
    options.shards.chunk_compression = shards::ChunkCompression::kNone;
  } else if (parsed->compression != "auto") {
    return Status::InvalidArgument("--compression=" + parsed->compression +
                                   ": known are auto, zstd, none");
  }
  std::erase(options.shards.bloom_labels, "");
  std::erase(options.shards.sort_labels, "");
  if (parsed->external.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(options.external, ParseExternalLabels(parsed->external));
  return Status::Ok();
}

Result<ConvertArguments> Parse(const std::vector<std::string>& arguments) {
  ConvertArguments parsed;
  FlagTable table;
  Register(&parsed, &table);
  ASSIGN_OR_RETURN(parsed.sources, table.ParseCommandLine(arguments));
  if (parsed.sources.empty()) return WrongUsage("convert", "convert needs a source");
  if (parsed.to.empty()) return WrongUsage("convert", "convert needs --to");
  if (parsed.layout.empty()) return WrongUsage("convert", "convert needs --layout");
  const auto layout = ParseLayout(parsed.layout);
  if (!layout.ok() ||
      (*layout != SourceLayout::kSamples && *layout != SourceLayout::kParquetCommon &&
       *layout != SourceLayout::kGateway)) {
    return Status::InvalidArgument("--layout=" + parsed.layout +
                                   ": written are samples, parquet-common, gateway");
  }
  parsed.options.layout = *layout;
  RETURN_IF_ERROR(CheckLayoutFlags(table, *layout));
  if (!parsed.failpoints.empty()) RETURN_IF_ERROR(FailPoint::Arm(parsed.failpoints));
  RETURN_IF_ERROR(SetSizes(&parsed));
  RETURN_IF_ERROR(SetOutput(&parsed));
  for (const Flag& flag : table.flags()) {
    if (flag.source == FlagSource::kDefault) continue;
    shards::ShardWriterOptions& shards = parsed.options.shards;
    // Asked for, it holds for every chunk.
    if (flag.name == "samples-per-chunk") shards.cut_larger_chunks = true;
    if (flag.name == "sort-label") {
      for (const auto& label : shards.sort_labels) {
        parsed.row_labels.emplace_back(flag.name, label);
      }
    } else if (flag.name == "bloom-label") {
      for (const auto& label : shards.bloom_labels) {
        parsed.row_labels.emplace_back(flag.name, label);
      }
    }
  }
  return parsed;
}

void PrintSummary(const ConvertArguments& arguments, const ConvertSummary& summary,
                  double seconds) {
  const double rate = static_cast<double>(summary.samples) / std::max(seconds, 1e-3);
  const std::string& name = arguments.options.name;
  fmt::print("{}: {} series, {} samples\n",
             name.empty() ? arguments.to : JoinPath(arguments.to, name), summary.series,
             summary.samples);
  fmt::print("{} bytes in, {} bytes out in {} files, {:.1f} s, {} samples/s\n", summary.bytes_in,
             summary.bytes_out, summary.files, seconds, ShortCount(rate));
  if (arguments.options.layout != SourceLayout::kSamples) {
    fmt::print("{} chunks passed through, {} encoded\n", summary.chunks_passed,
               summary.chunks_encoded);
  }
  if (summary.starts_dropped > 0) {
    fmt::print("{} start timestamps left out: the layout {} holds none\n", summary.starts_dropped,
               arguments.layout);
  }
  if (arguments.options.verify) {
    fmt::print("verified: {} samples are the same\n", summary.samples_verified);
  }
}

// Of the layouts that have no streams: lays the labels asked for over the series.
void AddExternalLabels(const ConvertArguments& arguments, OpenedInputs* opened) {
  if (arguments.options.layout == SourceLayout::kGateway) return;
  std::set<std::string> streams;
  for (const ConvertInput& input : opened->inputs) streams.insert(input.place.external.packed());
  LayOverInputs(arguments.external_from_meta, arguments.options.external.value_or(Labels()),
                opened);
  if (streams.size() > 1 && !arguments.external_from_meta) {
    fmt::print(stderr,
               "thermocline: blocks of {} sets of external labels become one set of series; "
               "--external-labels-from-meta keeps them apart\n",
               streams.size());
  }
}

// A misspelt label would sort or index nothing.
Status ReportUnknownLabels(const ConvertArguments& arguments, const OpenedInputs& opened) {
  if (arguments.row_labels.empty()) return Status::Ok();
  std::vector<const Source*> sources;
  for (const auto& source : opened.sources) sources.push_back(source.get());
  LabelRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  ASSIGN_OR_RETURN(const auto names, JoinedInputs(std::move(sources)).LabelNames(request));
  for (const auto& [flag, label] : arguments.row_labels) {
    if (std::binary_search(names.begin(), names.end(), label)) continue;
    fmt::print(stderr, "thermocline: --{}={}: no series has this label\n", flag, label);
  }
  return Status::Ok();
}

Status RunConversion(const ConvertArguments& arguments) {
  ASSIGN_OR_RETURN(const ProgressStyle style,
                   ParseProgressStyle(arguments.progress, isatty(STDERR_FILENO) != 0));
  StopSignals signals;
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, static_cast<int>(arguments.jobs));
  const Env env = posix.env();
  ASSIGN_OR_RETURN(OpenedInputs opened, OpenInputs(env, arguments.sources, arguments.source));
  AddExternalLabels(arguments, &opened);
  RETURN_IF_ERROR(ReportUnknownLabels(arguments, opened));
  const int64_t started_ns = env.clock.SteadyNs();
  ProgressText progress(style, started_ns);
  const auto show = [](const std::string& text) {
    if (text.empty()) return;
    fmt::print(stderr, "{}", text);
    std::fflush(stderr);
  };
  const auto summary = Convert(env, opened.inputs, arguments.to, arguments.options,
                               [&](const ConvertProgress& now) -> Status {
                                 if (signals.Pending()) {
                                   return Status::Cancelled("stopped; nothing was published");
                                 }
                                 show(progress.Update(now, env.clock.SteadyNs()));
                                 return Status::Ok();
                               });
  show(progress.Finish());
  if (!summary.ok()) return summary.status();
  PrintSummary(arguments, *summary,
               static_cast<double>(env.clock.SteadyNs() - started_ns) / 1'000'000'000);
  for (size_t i = 0; i < opened.inputs.size(); ++i) {
    ReportDamage(opened.inputs[i].place.path, *opened.sources[i]);
  }
  return Status::Ok();
}

}  // namespace

std::string ConvertFlags() {
  ConvertArguments arguments;
  FlagTable table;
  Register(&arguments, &table);
  return table.HelpText();
}

int RunConvert(const Invocation& invocation) {
  const auto arguments = Parse(invocation.arguments);
  if (!arguments.ok()) return Complain(arguments.status());
  const Status converted = RunConversion(*arguments);
  if (!converted.ok()) return Complain(converted);
  return kExitOk;
}

}  // namespace thermocline
