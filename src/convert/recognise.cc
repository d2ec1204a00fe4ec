// Tells layouts apart by the names in a folder.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ids.h"
#include "convert/publish_journal.h"
#include "convert/source.h"

namespace thermocline {
namespace {

constexpr std::array<std::pair<SourceLayout, std::string_view>, 8> kNames = {{
    {SourceLayout::kBlock, "block"},
    {SourceLayout::kBlocks, "blocks"},
    {SourceLayout::kPrometheus, "prometheus"},
    {SourceLayout::kParquetCommon, "parquet-common"},
    {SourceLayout::kGateway, "gateway"},
    {SourceLayout::kSamples, "samples"},
    {SourceLayout::kOpenMetrics, "openmetrics"},
    {SourceLayout::kText, "text"},
}};

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// 2023-11-15
bool IsDate(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' && AllDigits(text.substr(0, 4)) &&
         AllDigits(text.substr(5, 2)) && AllDigits(text.substr(8));
}

class Looker {
 public:
  Looker(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  Result<SourceLayout> Look() {
    ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(path_));
    if (!info.is_directory) return LookAtFile(info.size_bytes);
    ASSIGN_OR_RETURN(entries_, files_.List(path_));
    // A block is read whatever becomes of the shards beside it.
    if (Has("meta.json") && Has("index")) return SourceLayout::kBlock;
    RETURN_IF_ERROR(CheckPublished(files_, path_));
    if (Has("0.labels.parquet")) return SourceLayout::kParquetCommon;
    if (Has("cold") || Has("tenants")) return SourceLayout::kSamples;
    if (Has("chunks_head") || Has("wbl")) return SourceLayout::kPrometheus;
    if (Has("wal")) return LookAtLog();
    if (Has("stream.pb")) return SourceLayout::kGateway;
    std::string block;
    std::string day;
    for (const DirectoryEntry& entry : entries_) {
      if (!entry.is_directory) continue;
      const std::string below = JoinPath(path_, entry.name);
      if (BlockId::Parse(entry.name).ok() && files_.Exists(JoinPath(below, "meta.json"))) {
        block = entry.name;
      } else if (LooksLikeGateway(entry.name, below)) {
        day = entry.name;
      }
    }
    if (!block.empty() && !day.empty()) {
      return Status::InvalidArgument(
          fmt::format("{}: holds blocks ({}) and shards of a gateway ({}): --from-layout=blocks or "
                      "--from-layout=gateway decides",
                      path_, block, day));
    }
    if (!day.empty()) return SourceLayout::kGateway;
    if (!block.empty()) return SourceLayout::kBlocks;
    return Status::InvalidArgument(
        fmt::format("{}: neither a block, blocks, a Prometheus data directory, shards nor a data "
                    "folder of ours; --from-layout insists",
                    path_));
  }

 private:
  bool Has(std::string_view name) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const DirectoryEntry& entry) { return entry.name == name; });
  }

  // Cut OpenMetrics text would pass for the classic format, with times a thousandth of what they
  // are: that one must be insisted on.
  Result<SourceLayout> LookAtFile(uint64_t size_bytes) const {
    constexpr std::string_view kEnd = "# EOF\n";
    ASSIGN_OR_RETURN(const auto file, files_.OpenForRead(path_));
    std::string tail;
    const uint64_t from = size_bytes - std::min<uint64_t>(size_bytes, kEnd.size());
    RETURN_IF_ERROR(file->Read(from, kEnd.size(), &tail));
    if (tail == kEnd || tail.ends_with("# EOF")) return SourceLayout::kOpenMetrics;
    if (path_.ends_with(".parquet")) {
      return Status::InvalidArgument(
          path_ + ": a Parquet file; give the folder that holds the shards, or the data folder");
    }
    return Status::InvalidArgument(
        path_ +
        ": a file that does not end with '# EOF': OpenMetrics text that was cut, or text of the "
        "classic format, on which --from-layout=text insists");
  }

  // Prometheus names its segments by eight digits; ours carry an ending.
  Result<SourceLayout> LookAtLog() const {
    ASSIGN_OR_RETURN(const auto segments, files_.List(JoinPath(path_, "wal")));
    const bool digits =
        std::any_of(segments.begin(), segments.end(), [](const DirectoryEntry& entry) {
          return (entry.name.size() == 8 && AllDigits(entry.name)) ||
                 entry.name.starts_with("checkpoint.");
        });
    return digits ? SourceLayout::kPrometheus : SourceLayout::kSamples;
  }

  bool LooksLikeGateway(const std::string& name, const std::string& below) const {
    if (AllDigits(name) && files_.Exists(JoinPath(below, "stream.pb"))) return true;
    if (IsDate(name)) return files_.Exists(JoinPath(below, "meta.pb"));
    // A proof of concept: 2023/11/15/meta.pb.
    if (name.size() != 4 || !AllDigits(name)) return false;
    const auto months = files_.List(below);
    return months.ok() && !months->empty() &&
           std::all_of(months->begin(), months->end(), [](const DirectoryEntry& entry) {
             return entry.is_directory && entry.name.size() == 2 && AllDigits(entry.name);
           });
  }

  FileSystem& files_;
  const std::string path_;
  std::vector<DirectoryEntry> entries_;
};

}  // namespace

std::string_view LayoutName(SourceLayout layout) {
  for (const auto& [value, name] : kNames) {
    if (value == layout) return name;
  }
  return "?";
}

Result<SourceLayout> ParseLayout(std::string_view name) {
  std::string known;
  for (const auto& [value, text] : kNames) {
    if (text == name) return value;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", text);
  }
  return Status::InvalidArgument(fmt::format("unknown layout '{}', known are {}", name, known));
}

Result<SourceLayout> RecogniseLayout(FileSystem& files, const std::string& path) {
  return Looker(files, path).Look();
}

}  // namespace thermocline
