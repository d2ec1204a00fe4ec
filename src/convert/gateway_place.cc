#include "convert/gateway_place.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace thermocline {
namespace {

std::optional<uint64_t> StreamNamed(std::string_view name) {
  uint64_t stream = 0;
  const char* end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data(), end, stream);
  if (error != std::errc() || at != end) return std::nullopt;
  return stream;
}

}  // namespace

Result<GatewayPlace> GatewayAt(FileSystem& files, const std::string& path) {
  GatewayPlace place{path, std::nullopt};
  if (!files.Exists(JoinPath(path, "stream.pb"))) return place;
  std::string_view bare = path;
  while (bare.size() > 1 && bare.ends_with('/')) bare.remove_suffix(1);
  place.stream = StreamNamed(bare.substr(bare.rfind('/') + 1));
  if (!place.stream || *place.stream == 0) {
    return Status::InvalidArgument(
        path +
        ": a stream of a gateway whose folder is not named by its hash here; give the bucket that "
        "holds it");
  }
  place.bucket = ParentPath(bare);
  return place;
}

Result<std::vector<shards::GatewayDay>> DaysOf(Bucket& bucket, std::optional<uint64_t> stream) {
  // The days of stream 0 are noted at the top.
  const bool below = stream.value_or(0) != 0;
  ASSIGN_OR_RETURN(auto days,
                   shards::FindDays(bucket, below ? fmt::format("{}/", *stream) : std::string()));
  std::erase_if(days,
                [&](const shards::GatewayDay& day) { return stream && day.stream != *stream; });
  if (days.empty()) return Status::NotFound("holds no shards of a gateway (no meta.pb of a day)");
  return days;
}

Status CheckGatewayTarget(FileSystem& files, const std::string& path) {
  if (!files.Exists(path)) return Status::Ok();
  ASSIGN_OR_RETURN(const FileInfo info, files.Stat(path));
  if (!info.is_directory) return Status::AlreadyExists(path + ": not a folder");
  ASSIGN_OR_RETURN(const auto entries, files.List(path));
  for (const DirectoryEntry& entry : entries) {
    const bool of_gateway =
        entry.is_directory && (StreamNamed(entry.name) || shards::ParseDate(entry.name, '-').ok());
    if (of_gateway || entry.name.starts_with('.') || entry.name == "lost+found") continue;
    return Status::AlreadyExists(fmt::format(
        "{}: holds '{}', which is no stream or day of a gateway; give it a folder of its own", path,
        entry.name));
  }
  return Status::Ok();
}

}  // namespace thermocline
