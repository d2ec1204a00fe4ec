#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "cold/manifest.h"
#include "env/failpoint.h"

namespace thermocline {
namespace {

FailPoint kBeforeManifest("cold.before_manifest");
FailPoint kAfterManifestWrite("cold.after_manifest_write");
FailPoint kAfterManifestRename("cold.after_manifest_rename");

constexpr std::string_view kPrefix = "MANIFEST-";
constexpr std::string_view kAside = "MANIFEST.tmp";
constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 30;
constexpr size_t kKept = 2;

}  // namespace

std::string ManifestFiles::PathOf(uint64_t number) const {
  return JoinPath(directory_, fmt::format("{}{}", kPrefix, number));
}

Result<std::vector<uint64_t>> ManifestFiles::Numbers() const {
  std::vector<uint64_t> numbers;
  Result<std::vector<DirectoryEntry>> entries = files_.List(directory_);
  if (!entries.ok()) {
    if (entries.status().code() == Code::kNotFound) return numbers;
    return entries.status();
  }
  for (const DirectoryEntry& entry : *entries) {
    if (entry.is_directory || !entry.name.starts_with(kPrefix)) continue;
    const char* begin = entry.name.data() + kPrefix.size();
    const char* end = entry.name.data() + entry.name.size();
    uint64_t number = 0;
    const auto [stop, error] = std::from_chars(begin, end, number);
    if (error == std::errc() && stop == end && begin != end) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<ManifestFiles::Loaded> ManifestFiles::Load() const {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, Numbers());
  if (numbers.empty()) return Status::NotFound("no manifest in " + directory_);
  Loaded loaded;
  for (size_t i = numbers.size(); i-- > 0;) {
    const std::string path = PathOf(numbers[i]);
    Result<std::string> bytes = files_.ReadFile(path, kMaxManifestBytes);
    Status status = bytes.status();
    if (bytes.ok()) {
      Result<Manifest> manifest = DecodeManifest(*bytes);
      if (manifest.ok() && manifest->number == numbers[i]) {
        loaded.manifest = *std::move(manifest);
        return loaded;
      }
      status = manifest.ok()
                   ? Status::Corruption("it is manifest " + std::to_string(manifest->number))
                   : manifest.status();
    }
    // A newer program's manifest is not damage: going back to an older one would lose its blocks.
    if (status.code() == Code::kUnimplemented) return status.WithContext(path);
    loaded.warnings.push_back(status.WithContext(path).ToString());
  }
  std::string all;
  for (const std::string& warning : loaded.warnings) all += (all.empty() ? "" : "; ") + warning;
  return Status::Corruption(all);
}

Status ManifestFiles::Install(const Manifest& manifest) {
  RETURN_IF_ERROR(manifest.Validate());
  RETURN_IF_ERROR(kBeforeManifest.Hit());
  const std::string aside = JoinPath(directory_, kAside);
  const std::string path = PathOf(manifest.number);
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                     files_.OpenForWrite(aside, OpenMode::kTruncate));
    RETURN_IF_ERROR(file->Append(EncodeManifest(manifest)));
    RETURN_IF_ERROR(file->Sync());
    RETURN_IF_ERROR(file->Close());
  }
  RETURN_IF_ERROR(kAfterManifestWrite.Hit());
  RETURN_IF_ERROR(files_.Rename(aside, path));
  RETURN_IF_ERROR(kAfterManifestRename.Hit());
  RETURN_IF_ERROR(files_.SyncDirectory(directory_));
  const Result<std::vector<uint64_t>> numbers = Numbers();
  if (!numbers.ok()) return Status::Ok();
  for (size_t i = 0; i + kKept < numbers->size(); ++i) {
    // Best effort: an old manifest left behind is only a few bytes.
    if (!files_.RemoveFile(PathOf((*numbers)[i])).ok()) break;
  }
  return Status::Ok();
}

}  // namespace thermocline
