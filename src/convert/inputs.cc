#include "convert/inputs.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>
#include <utility>

#include "blocks/block_set.h"
#include "bucket/local_bucket.h"
#include "convert/gateway_place.h"
#include "convert/publish_journal.h"
#include "model/exemplar.h"

namespace thermocline {
namespace {

Result<uint64_t> BytesBelow(FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const FileInfo info, files.Stat(path));
  if (!info.is_directory) return info.size_bytes;
  ASSIGN_OR_RETURN(const auto objects, LocalBucket(files, path).List(""));
  uint64_t bytes = 0;
  for (const ObjectInfo& object : objects) bytes += object.size_bytes;
  return bytes;
}

Result<BlockMeta> ReadMeta(FileSystem& files, const std::string& folder) {
  const std::string path = JoinPath(folder, "meta.json");
  ASSIGN_OR_RETURN(const std::string json, files.ReadFile(path, uint64_t{64} << 20));
  return ParseBlockMeta(json, path);
}

Result<InputPlace> PlaceOf(FileSystem& files, const std::string& folder, const BlockMeta& meta) {
  InputPlace place;
  place.path = folder;
  LabelsBuilder external;
  for (const auto& [name, value] : meta.external_labels) external.Set(name, value);
  place.external = external.Build();
  place.block = meta.id.ToString();
  place.partial_view = meta.partial_view();
  ASSIGN_OR_RETURN(place.bytes, BytesBelow(files, folder));
  return place;
}

Result<std::vector<InputPlace>> FindStreams(FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const GatewayPlace of_path, GatewayAt(files, path));
  RETURN_IF_ERROR(CheckPublished(files, of_path.bucket));
  LocalBucket bucket(files, of_path.bucket);
  const auto days = DaysOf(bucket, of_path.stream);
  if (!days.ok()) return days.status().WithContext(path);
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects,
                   bucket.List(of_path.stream ? fmt::format("{}/", *of_path.stream) : ""));
  std::map<uint64_t, InputPlace> streams;
  for (const shards::GatewayDay& day : *days) {
    InputPlace& place = streams[day.stream];
    place.path = of_path.bucket;
    place.layout = SourceLayout::kGateway;
    place.stream = day.stream;
    ASSIGN_OR_RETURN(const std::string meta_bytes, bucket.Get(day.meta_key));
    const auto meta = shards::ParseGatewayMeta(meta_bytes);
    if (!meta.ok()) return meta.status().WithContext(JoinPath(place.path, day.meta_key));
    place.day_blocks[day.day_ms] = meta->converted_blocks;
    for (const ObjectInfo& object : objects) {
      if (object.key.starts_with(day.data_path) || object.key == day.meta_key) {
        place.bytes += object.size_bytes;
      }
    }
    if (day.stream_key.empty() || !place.stream_labels.empty()) continue;
    ASSIGN_OR_RETURN(const std::string labels, bucket.Get(day.stream_key));
    auto stream = shards::ParseStream(labels);
    if (!stream.ok()) return stream.status().WithContext(JoinPath(place.path, day.stream_key));
    place.stream_labels = *std::move(stream);
  }
  std::vector<InputPlace> places;
  for (auto& [hash, place] : streams) places.push_back(std::move(place));
  return places;
}

Result<std::vector<std::string>> UnionOf(
    const std::vector<const Source*>& sources, uint64_t limit,
    const std::function<Result<std::vector<std::string>>(const Source&)>& ask) {
  std::set<std::string> all;
  for (const Source* source : sources) {
    ASSIGN_OR_RETURN(std::vector<std::string> texts, ask(*source));
    all.insert(std::make_move_iterator(texts.begin()), std::make_move_iterator(texts.end()));
  }
  std::vector<std::string> out(all.begin(), all.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace

Result<std::vector<InputPlace>> FindInputs(FileSystem& files, const std::string& path,
                                           SourceLayout layout) {
  std::vector<InputPlace> places;
  if (layout == SourceLayout::kBlock) {
    ASSIGN_OR_RETURN(const BlockMeta meta, ReadMeta(files, path));
    ASSIGN_OR_RETURN(InputPlace place, PlaceOf(files, path, meta));
    places.push_back(std::move(place));
    return places;
  }
  if (layout == SourceLayout::kGateway) return FindStreams(files, path);
  if (layout != SourceLayout::kBlocks) {
    InputPlace place;
    place.path = path;
    place.layout = layout;
    ASSIGN_OR_RETURN(place.bytes, BytesBelow(files, path));
    places.push_back(std::move(place));
    return places;
  }
  LocalBucket bucket(files, path);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, FindBlocks(bucket, ""));
  if (names.empty()) return Status::NotFound(path + ": holds no blocks");
  std::vector<std::pair<std::string, BlockMeta>> blocks;
  std::set<BlockId> replaced;
  for (const std::string& name : names) {
    const std::string folder = JoinPath(path, name);
    ASSIGN_OR_RETURN(BlockMeta meta, ReadMeta(files, folder));
    if (meta.resolution_ms == 0) replaced.insert(meta.parents.begin(), meta.parents.end());
    blocks.emplace_back(folder, std::move(meta));
  }
  for (const auto& [folder, meta] : blocks) {
    if (replaced.contains(meta.id)) continue;
    ASSIGN_OR_RETURN(InputPlace place, PlaceOf(files, folder, meta));
    places.push_back(std::move(place));
  }
  return places;
}

std::string PlainPath(const std::string& path) {
  std::string plain = std::filesystem::path(path).lexically_normal().string();
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain;
}

void OrderInputs(std::vector<ConvertInput>* inputs) {
  std::sort(inputs->begin(), inputs->end(), [](const ConvertInput& a, const ConvertInput& b) {
    const auto key = [](const ConvertInput& input) {
      return std::tuple(input.source->range().start_ms, input.place.block, input.place.path,
                        input.place.stream);
    };
    return key(a) < key(b);
  });
}

Result<std::unique_ptr<SeriesSet>> JoinedInputs::Select(const SelectRequest& request) const {
  std::vector<std::unique_ptr<SeriesSet>> sets;
  for (const Source* source : sources_) {
    if (!source->range().Overlaps(request.range)) continue;
    ASSIGN_OR_RETURN(auto set, source->Select(request));
    sets.push_back(std::move(set));
  }
  return MergeSeriesSets(std::move(sets), request);
}

Result<std::vector<std::string>> JoinedInputs::LabelNames(const LabelRequest& request) const {
  return UnionOf(sources_, request.limit,
                 [&](const Source& source) { return source.LabelNames(request); });
}

Result<std::vector<std::string>> JoinedInputs::LabelValues(std::string_view name,
                                                           const LabelRequest& request) const {
  return UnionOf(sources_, request.limit,
                 [&](const Source& source) { return source.LabelValues(name, request); });
}

Result<std::vector<BatchMetadata>> JoinedInputs::Metadata(const MetadataRequest& request) const {
  std::vector<BatchMetadata> all;
  for (const Source* source : sources_) {
    ASSIGN_OR_RETURN(auto some, source->Metadata(request));
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
  }
  return all;
}

Result<std::vector<SeriesExemplars>> JoinedInputs::Exemplars(const ExemplarRequest& request) const {
  std::vector<SeriesExemplars> all;
  for (const Source* source : sources_) {
    ASSIGN_OR_RETURN(auto some, source->Exemplars(request));
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
  }
  PutInOrder(request.range, &all);
  return all;
}

TimeRange JoinedInputs::range() const {
  TimeRange range;
  for (const Source* source : sources_) {
    const TimeRange one = source->range();
    if (one.empty()) continue;
    range.Extend(one.start_ms);
    range.Extend(one.end_ms);
  }
  return range;
}

}  // namespace thermocline
