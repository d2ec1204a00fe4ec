// inspect: what a source holds; of a data folder of ours down to the pages.
#include <fmt/core.h>

#include "app/command.h"
#include "app/flags.h"
#include "app/open_source.h"
#include "cold/cold_tier.h"
#include "columnar/index_summary.h"
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

// "BYTE_STREAM_SPLIT 3, PLAIN 1": the encodings of the data pages, with how many have each where
// they differ.
std::string EncodingsText(const columnar::ColumnSummary& column) {
  std::string text;
  for (const auto& [name, pages] : column.encodings) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
    if (column.encodings.size() > 1) text += fmt::format(" {}", pages);
  }
  return text;
}

std::string EncodingsJson(const columnar::ColumnSummary& column) {
  std::string json = "{";
  for (const auto& [name, pages] : column.encodings) {
    json += fmt::format(R"({}"{}":{})", json.size() > 1 ? "," : "", name, pages);
  }
  return json + "}";
}

std::string ColumnJson(const columnar::ColumnSpec& spec, const columnar::ColumnSummary& column) {
  return fmt::format(
      R"({{"name":{},"type":"{}","encodings":{},"bytes":{},"dictionaryBytes":{},"pages":{},)"
      R"("nulls":{},"pageIndex":{{"offsetIndexBytes":{},"columnIndexBytes":{},)"
      R"("pagesWithMinMax":{},"nullPages":{}}},"bloomFilterBytes":{}}})",
      Quoted(spec.path()), TypeName(spec.type), EncodingsJson(column),
      column.page_bytes + column.dictionary_bytes, column.dictionary_bytes, column.pages,
      column.nulls, column.offset_index_bytes, column.column_index_bytes, column.bounded_pages,
      column.null_pages, column.bloom_filter_bytes);
}

std::string ColumnText(const columnar::ColumnSpec& spec, const columnar::ColumnSummary& column) {
  std::string text = fmt::format(
      "    {:<24} {:<18} {}\n      {} bytes in {} pages, dictionary {}, {} nulls\n      page "
      "index: "
      "offsets {} bytes, bounds {} bytes, min and max of {} pages, {} null pages",
      spec.path(), TypeName(spec.type), EncodingsText(column),
      column.page_bytes + column.dictionary_bytes, column.pages, column.dictionary_bytes,
      column.nulls, column.offset_index_bytes, column.column_index_bytes, column.bounded_pages,
      column.null_pages);
  if (column.bloom_filter_bytes > 0) {
    text += fmt::format("; bloom filter {} bytes", column.bloom_filter_bytes);
  }
  return text + "\n";
}

std::string FileJson(const BlockFile& file, const columnar::FileIndex& index) {
  std::string json = fmt::format(
      R"({{"kind":"{}","path":{},"bytes":{},"rows":{},"pageIndexAndFooterBytes":{},"rowGroups":[)",
      FolderOf(file.kind), Quoted(file.key), file.size_bytes, file.rows, file.tail.size_bytes);
  for (const columnar::RowGroupSummary& group : columnar::SummariseRowGroups(index)) {
    json += fmt::format(R"({}{{"rows":{},"bytes":{}}})", json.back() == '[' ? "" : ",", group.rows,
                        group.bytes);
  }
  json += R"(],"columns":[)";
  for (uint32_t c = 0; c < index.schema().columns.size(); ++c) {
    if (c > 0) json += ',';
    json += ColumnJson(index.schema().columns[c], columnar::SummariseColumn(index, c));
  }
  return json + "]}";
}

std::string FileText(const BlockFile& file, const columnar::FileIndex& index) {
  std::string text = fmt::format("  {}: {} bytes, {} rows, {} bytes of page index and footer\n",
                                 file.key, file.size_bytes, file.rows, file.tail.size_bytes);
  size_t number = 0;
  for (const columnar::RowGroupSummary& group : columnar::SummariseRowGroups(index)) {
    text += fmt::format("    row group {}: {} rows, {} bytes\n", number++, group.rows, group.bytes);
  }
  for (uint32_t c = 0; c < index.schema().columns.size(); ++c) {
    text += ColumnText(index.schema().columns[c], columnar::SummariseColumn(index, c));
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
