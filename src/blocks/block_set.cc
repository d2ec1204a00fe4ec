#include "blocks/block_set.h"

#include <algorithm>
#include <set>
#include <utility>

namespace thermocline {
namespace {

constexpr size_t kUlidSize = 26;

using Texts = Result<std::vector<std::string>>;

Texts UnionOfTexts(const std::vector<std::unique_ptr<Block>>& blocks, uint64_t limit,
                   const std::function<Texts(const Block&)>& ask) {
  std::set<std::string> all;
  for (const auto& block : blocks) {
    ASSIGN_OR_RETURN(std::vector<std::string> texts, ask(*block));
    for (std::string& text : texts) all.insert(std::move(text));
  }
  std::vector<std::string> out(all.begin(), all.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace

Result<std::vector<std::string>> FindBlocks(Bucket& bucket, const std::string& folder) {
  const std::string prefix = folder.empty() || folder.ends_with('/') ? folder : folder + "/";
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, bucket.List(prefix));
  std::vector<std::string> names;
  for (const ObjectInfo& object : objects) {
    const std::string_view key = std::string_view(object.key).substr(prefix.size());
    if (key.size() < kUlidSize || key.substr(kUlidSize) != "/meta.json") continue;
    const std::string name(key.substr(0, kUlidSize));
    if (BlockId::Parse(name).ok()) names.push_back(name);
  }
  return names;
}

BlockSet::BlockSet(std::vector<std::unique_ptr<Block>> blocks) : blocks_(std::move(blocks)) {
  std::sort(blocks_.begin(), blocks_.end(), [](const auto& a, const auto& b) {
    const BlockMeta& left = a->meta();
    const BlockMeta& right = b->meta();
    return left.min_ms != right.min_ms ? left.min_ms < right.min_ms : left.id < right.id;
  });
}

Result<std::unique_ptr<BlockSet>> BlockSet::Open(Bucket& bucket, const std::string& folder,
                                                 const BlockOptions& options) {
  const std::string prefix = folder.empty() || folder.ends_with('/') ? folder : folder + "/";
  ASSIGN_OR_RETURN(const std::vector<std::string> names, FindBlocks(bucket, folder));
  std::set<BlockId> replaced;
  std::vector<Status> left_out;
  // Whether the block is passed over for this.
  const auto skips = [&](const Status& status) {
    if (!options.skip_damaged || status.code() != Code::kUnimplemented) return false;
    left_out.push_back(status);
    return true;
  };
  std::vector<std::string> wanted;
  for (const std::string& name : names) {
    const std::string key = prefix + name + "/meta.json";
    ASSIGN_OR_RETURN(const std::string json, bucket.Get(key));
    const auto meta = ParseBlockMeta(json, key);
    if (!meta.ok()) {
      if (!skips(meta.status())) return meta.status();
      continue;
    }
    wanted.push_back(name);
    // A downsampled block does not replace what it was made of.
    if (meta->resolution_ms == 0) replaced.insert(meta->parents.begin(), meta->parents.end());
  }
  std::vector<std::unique_ptr<Block>> blocks;
  for (const std::string& name : wanted) {
    ASSIGN_OR_RETURN(const BlockId id, BlockId::Parse(name));
    if (replaced.contains(id)) continue;
    auto block = Block::Open(bucket, prefix + name, options);
    if (block.ok()) {
      blocks.push_back(*std::move(block));
    } else if (!skips(block.status())) {
      return block.status();
    }
  }
  auto set = std::make_unique<BlockSet>(std::move(blocks));
  for (const Status& status : left_out) set->damage_.AddBlock(status);
  return set;
}

Result<std::unique_ptr<SeriesSet>> BlockSet::Select(const SelectRequest& request) const {
  std::vector<std::unique_ptr<SeriesSet>> sets;
  for (const auto& block : blocks_) {
    ASSIGN_OR_RETURN(auto set, block->Select(request));
    if (set->series_count() > 0) sets.push_back(std::move(set));
  }
  return MergeSeriesSets(std::move(sets), request);
}

Texts BlockSet::LabelNames(const LabelRequest& request) const {
  return UnionOfTexts(blocks_, request.limit,
                      [&](const Block& block) { return block.LabelNames(request); });
}

Texts BlockSet::LabelValues(std::string_view name, const LabelRequest& request) const {
  return UnionOfTexts(blocks_, request.limit,
                      [&](const Block& block) { return block.LabelValues(name, request); });
}

Result<std::vector<BatchMetadata>> BlockSet::Metadata(const MetadataRequest&) const {
  return std::vector<BatchMetadata>();
}

TimeRange BlockSet::range() const {
  TimeRange range;
  for (const auto& block : blocks_) {
    range.Extend(block->meta().range().start_ms);
    range.Extend(block->meta().range().end_ms);
  }
  return range;
}

uint64_t BlockSet::damaged_chunks() const {
  uint64_t count = 0;
  for (const auto& block : blocks_) count += block->damage().chunks();
  return count;
}

uint64_t BlockSet::damaged_series() const {
  uint64_t count = 0;
  for (const auto& block : blocks_) count += block->damage().series();
  return count;
}

}  // namespace thermocline
