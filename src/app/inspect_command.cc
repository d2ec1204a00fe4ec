// inspect: what a source holds; of a data folder of ours down to the pages.
#include <fmt/core.h>

#include "app/command.h"
#include "app/flags.h"
#include "app/open_source.h"
#include "cold/cold_tier.h"
#include "columnar/encoding_name.h"
#include "convert/publish_journal.h"
#include "env/posix/posix_env.h"
#include "wire/json.h"

namespace thermocline {
namespace {

std::string_view TypeName(columnar::ColumnType type) {
  switch (type) {
    case columnar::ColumnType::kInt64: return "int64";
    case columnar::ColumnType::kTimestampMs: return "timestamp(ms, UTC)";
    case columnar::ColumnType::kDouble: return "double";
    case columnar::ColumnType::kString: return "string";
    case columnar::ColumnType::kBytes: return "bytes";
  }
  return "?";
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(&out, text);
  return out;
}

uint64_t NullsOf(const columnar::FileIndex& index, uint32_t column) {
  uint64_t nulls = 0;
  for (size_t i = 0; i < index.page_count(column); ++i) nulls += index.page(column, i).null_count;
  return nulls;
}

std::string FileJson(const BlockFile& file, const columnar::FileIndex& index) {
  std::string json = fmt::format(R"({{"kind":"{}","path":{},"bytes":{},"rows":{},"rowGroups":{},)"
                                 R"("pageIndexAndFooterBytes":{},"columns":[)",
                                 FolderOf(file.kind), Quoted(file.key), file.size_bytes, file.rows,
                                 index.row_groups(), file.tail.size_bytes);
  for (uint32_t c = 0; c < index.schema().columns.size(); ++c) {
    const columnar::ColumnSpec& column = index.schema().columns[c];
    json += fmt::format(
        R"({}{{"name":{},"type":"{}","encoding":"{}","bytes":{},"pages":{},"nulls":{}}})",
        c == 0 ? "" : ",", Quoted(column.path()), TypeName(column.type),
        columnar::EncodingName(column.encoding), index.column_bytes(c), index.page_count(c),
        NullsOf(index, c));
  }
  return json + "]}";
}

std::string FileText(const BlockFile& file, const columnar::FileIndex& index) {
  std::string text =
      fmt::format("  {}: {} bytes, {} rows, {} row groups, {} bytes of indexes\n", file.key,
                  file.size_bytes, file.rows, index.row_groups(), file.tail.size_bytes);
  for (uint32_t c = 0; c < index.schema().columns.size(); ++c) {
    const columnar::ColumnSpec& column = index.schema().columns[c];
    text +=
        fmt::format("    {:<24} {:<18} {:<24} {:>12} bytes {:>6} pages {:>10} nulls\n",
                    column.path(), TypeName(column.type), columnar::EncodingName(column.encoding),
                    index.column_bytes(c), index.page_count(c), NullsOf(index, c));
  }
  return text;
}

Result<std::string> Describe(const ColdTier& cold, bool json) {
  std::string out = json ? R"({"blocks":[)" : "";
  bool first = true;
  for (const BlockEntry& block : cold.entries()) {
    const double per_sample = static_cast<double>(block.size_bytes()) /
                              static_cast<double>(std::max<uint64_t>(1, block.samples));
    if (json) {
      out += fmt::format(
          R"({}{{"id":"{}","minTime":{},"maxTime":{},"generation":{},"resolutionMs":{},)"
          R"("series":{},"samples":{},"bytes":{},"bytesPerSample":{:.3f},"files":[)",
          first ? "" : ",", block.id.ToString(), block.range.start_ms, block.range.end_ms,
          block.generation, block.resolution_ms, block.series, block.samples, block.size_bytes(),
          per_sample);
    } else {
      out += fmt::format("block {}: {} series, {} samples, {} bytes ({:.3f} a sample), {} .. {}\n",
                         block.id.ToString(), block.series, block.samples, block.size_bytes(),
                         per_sample, block.range.start_ms, block.range.end_ms);
    }
    first = false;
    for (size_t i = 0; i < block.files.size(); ++i) {
      const BlockFile& file = block.files[i];
      if (json && i > 0) out += ',';
      // Only Parquet files have a tail; the block's filter is our own small file.
      if (file.tail.size_bytes == 0) {
        out += json ? fmt::format(R"({{"kind":"{}","path":{},"bytes":{}}})", FolderOf(file.kind),
                                  Quoted(file.key), file.size_bytes)
                    : fmt::format("  {}: {} bytes\n", file.key, file.size_bytes);
        continue;
      }
      ASSIGN_OR_RETURN(const auto index, cold.ReadFileIndex(file));
      out += json ? FileJson(file, *index) : FileText(file, *index);
    }
    if (json) out += "]}";
  }
  if (json) out += "]}\n";
  return out;
}

// Other layouts describe themselves; without samples being read.
Result<std::string> DescribeSource(const Env& env, const std::string& path, bool json,
                                   const SourceFlags& flags) {
  ASSIGN_OR_RETURN(const auto source, OpenAnySource(env, path, flags));
  const std::string_view layout = LayoutName(source->layout());
  const TimeRange range = source->range();
  if (json) {
    return fmt::format(R"({{"layout":"{}","minTime":{},"maxTime":{},"description":{}}})"
                       "\n",
                       layout, range.start_ms, range.end_ms, Quoted(source->Describe()));
  }
  return fmt::format("layout {}, {} .. {}\n{}", layout, range.start_ms, range.end_ms,
                     source->Describe());
}

Result<std::string> Inspect(const std::string& path, bool json, const SourceFlags& flags) {
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 2);
  const Env env = posix.env();
  RETURN_IF_ERROR(env.files.Stat(path).status());
  // What is nothing we know is shown as an empty data folder of ours.
  const auto layout =
      flags.from_layout.empty() ? RecogniseLayout(env.files, path) : ParseLayout(flags.from_layout);
  if (!flags.from_layout.empty()) RETURN_IF_ERROR(layout.status());
  if (layout.ok() && *layout != SourceLayout::kSamples) {
    return DescribeSource(env, path, json, flags);
  }
  RETURN_IF_ERROR(CheckPublished(env.files, path));
  ColdTierOptions options;
  ASSIGN_OR_RETURN(options.directory, ColdDirectory(path, TenantId()));
  ColdOpenSummary summary;
  ASSIGN_OR_RETURN(const auto cold, ColdTier::Open(options, env, /*writable=*/false, &summary));
  return Describe(*cold, json);
}

void Register(bool* json, SourceFlags* source, FlagTable* table) {
  table->AddBool("json", json, "Prints JSON.");
  RegisterSourceFlags(source, table);
}

}  // namespace

std::string InspectFlags() {
  bool json = false;
  SourceFlags source;
  FlagTable table;
  Register(&json, &source, &table);
  return table.HelpText();
}

int RunInspect(const Invocation& invocation) {
  bool json = false;
  FlagTable table;
  SourceFlags source;
  Register(&json, &source, &table);
  const auto words = table.ParseCommandLine(invocation.arguments);
  if (!words.ok()) return Complain(words.status());
  if (words->size() != 1) {
    return Complain(
        WrongUsage("inspect", fmt::format("inspect takes one source, found {}", words->size())));
  }
  const auto text = Inspect(words->front(), json, source);
  if (!text.ok()) return Complain(text.status());
  fmt::print("{}", *text);
  return kExitOk;
}

}  // namespace thermocline
