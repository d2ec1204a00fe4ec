// dump: every series of a source as lines.
#include <fmt/core.h>

#include <cstdio>

#include "app/command.h"
#include "app/dump_text.h"
#include "app/flags.h"
#include "app/open_source.h"
#include "convert/series_walk.h"
#include "env/posix/posix_env.h"

namespace thermocline {
namespace {

constexpr size_t kWriteBytes = size_t{1} << 20;

struct DumpArguments {
  SourceFlags source;
  std::string format = "json";
  std::string match;
  std::string start;
  std::string end;
  bool chunks = false;
  std::string path;
};

void Register(DumpArguments* parsed, FlagTable* table) {
  RegisterSourceFlags(&parsed->source, table);
  table->AddString(
      "format", &parsed->format,
      "json (a line a series), csv (a line a sample) or openmetrics; the latter has no "
      "native histograms: their counts and sums are written, and a note how many.");
  table->AddString("match", &parsed->match, "A selector, as up{job=\"x\"}; everything by default.");
  table->AddString("start", &parsed->start, "First time, in seconds or RFC 3339.");
  table->AddString("end", &parsed->end, "Last time.");
  table->AddBool("chunks", &parsed->chunks, "With json: the chunks too, where they are stored.");
}

Result<DumpArguments> Parse(const std::vector<std::string>& arguments) {
  DumpArguments parsed;
  FlagTable table;
  Register(&parsed, &table);
  ASSIGN_OR_RETURN(const auto words, table.ParseCommandLine(arguments));
  if (words.size() != 1) {
    return WrongUsage("dump", fmt::format("dump takes one source, found {}", words.size()));
  }
  parsed.path = words[0];
  return parsed;
}

// Gathers lines and writes them in large pieces.
class Output {
 public:
  std::string* text() { return &text_; }
  Status Flush(size_t above = 0) {
    if (text_.size() <= above) return Status::Ok();
    if (std::fwrite(text_.data(), 1, text_.size(), stdout) != text_.size()) {
      return Status::Io("cannot write to standard output");
    }
    text_.clear();
    return Status::Ok();
  }

 private:
  std::string text_;
};

uint64_t HistogramsOf(const SeriesBatch& batch, size_t i) {
  uint64_t count = 0;
  for (size_t s = batch.offsets[i]; s < batch.offsets[i + 1]; ++s) {
    count += batch.histogram(s) != nullptr;
  }
  return count;
}

Status Dump(const DumpArguments& arguments) {
  ASSIGN_OR_RETURN(const DumpFormat format, ParseDumpFormat(arguments.format));
  ASSIGN_OR_RETURN(const SelectRequest request,
                   SelectionOf(arguments.match, arguments.start, arguments.end));
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 2);
  const Env env = posix.env();
  ASSIGN_OR_RETURN(const auto source, OpenAnySource(env, arguments.path, arguments.source));
  ASSIGN_OR_RETURN(const auto set, source->Select(request));
  if (arguments.chunks && !set->has_encoded()) {
    return Status::InvalidArgument("--chunks: " + arguments.path + " stores none");
  }
  Output output;
  uint64_t reduced = 0;
  *output.text() += DumpHead(format);
  EncodedBatch chunks;
  RETURN_IF_ERROR(WalkSeries(
      *set, [&](uint32_t series, const Labels& labels, const SeriesBatch& batch, size_t i) {
        if (arguments.chunks) RETURN_IF_ERROR(set->ReadEncoded({&series, 1}, &chunks));
        if (format == DumpFormat::kOpenMetrics) reduced += HistogramsOf(batch, i);
        RETURN_IF_ERROR(AppendSeriesText(format, labels, batch, i,
                                         arguments.chunks ? &chunks : nullptr, output.text()));
        return output.Flush(kWriteBytes);
      }));
  *output.text() += DumpTail(format);
  RETURN_IF_ERROR(output.Flush());
  if (reduced > 0) {
    fmt::print(
        stderr,
        "thermocline: {} native histograms written as _count and _sum alone: OpenMetrics text "
        "has no form for their buckets (json and csv have)\n",
        reduced);
  }
  ReportDamage(arguments.path, *source);
  return Status::Ok();
}

}  // namespace

std::string DumpFlags() {
  DumpArguments arguments;
  FlagTable table;
  Register(&arguments, &table);
  return table.HelpText();
}

int RunDump(const Invocation& invocation) {
  const auto arguments = Parse(invocation.arguments);
  if (!arguments.ok()) return Complain(arguments.status());
  const Status dumped = Dump(*arguments);
  if (!dumped.ok()) return Complain(dumped);
  return kExitOk;
}

}  // namespace thermocline
