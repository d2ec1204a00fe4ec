#include "blocks/block_meta.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>

namespace thermocline {
namespace {

using simdjson::dom::element;

constexpr size_t kMaxJsonBytes = size_t{64} << 20;

// The member, or its zero value when it is absent or of another type.
template <typename T>
T Get(const simdjson::simdjson_result<element>& value) {
  T out{};
  return value.get(out) == simdjson::SUCCESS ? out : T{};
}

// A count; what is negative or no integer says nothing.
uint64_t Count(const simdjson::simdjson_result<element>& value) { return Get<uint64_t>(value); }

void Strings(const simdjson::simdjson_result<element>& value, std::vector<std::string>* out) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return;
  for (const element item : array) {
    std::string_view text;
    if (item.get(text) == simdjson::SUCCESS) out->emplace_back(text);
  }
}

bool Has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

bool BlockMeta::partial_view() const {
  return Has(hints, "from-stale-series") || Has(hints, "from-selected-series");
}

bool BlockMeta::out_of_order() const { return Has(hints, "from-out-of-order"); }

Result<BlockMeta> ParseBlockMeta(std::string_view json, std::string_view where) {
  const auto bad = [&](std::string_view what) {
    return Status::Corruption(fmt::format("{}: {}", where, what));
  };
  if (json.size() > kMaxJsonBytes) return bad("larger than 64 MiB");
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return bad("no JSON");
  if (!root.is_object()) return bad("no JSON object");
  int64_t version = 0;
  if (root["version"].get(version) != simdjson::SUCCESS) return bad("no version");
  if (version != 1) {
    return Status::Unimplemented(fmt::format("{}: version {}, only 1 is read", where, version));
  }
  BlockMeta meta;
  std::string_view ulid;
  if (root["ulid"].get(ulid) != simdjson::SUCCESS) return bad("no ulid");
  const auto id = BlockId::Parse(ulid);
  if (!id.ok()) return bad(fmt::format("'{}' is no ULID", ulid));
  meta.id = *id;
  if (root["minTime"].get(meta.min_ms) != simdjson::SUCCESS ||
      root["maxTime"].get(meta.max_ms) != simdjson::SUCCESS) {
    return bad("no minTime or maxTime");
  }
  if (meta.max_ms < meta.min_ms) return bad("maxTime is before minTime");
  // An empty range; also keeps max_ms - 1 from wrapping.
  if (meta.max_ms == kMinTimestampMs) return bad("maxTime is out of range");
  const auto stats = root["stats"];
  meta.sample_count = Count(stats["numSamples"]);
  meta.series_count = Count(stats["numSeries"]);
  meta.chunk_count = Count(stats["numChunks"]);
  meta.tombstone_count = Count(stats["numTombstones"]);
  const auto compaction = root["compaction"];
  meta.level = static_cast<uint32_t>(std::min<uint64_t>(Count(compaction["level"]), UINT32_MAX));
  Strings(compaction["sources"], &meta.sources);
  Strings(compaction["hints"], &meta.hints);
  simdjson::dom::array parents;
  if (compaction["parents"].get(parents) == simdjson::SUCCESS) {
    for (const element parent : parents) {
      const auto id_of_parent = BlockId::Parse(Get<std::string_view>(parent["ulid"]));
      if (id_of_parent.ok() && *id_of_parent != BlockId()) meta.parents.push_back(*id_of_parent);
    }
  }
  const auto thanos = root["thanos"];
  simdjson::dom::object labels;
  if (thanos["labels"].get(labels) == simdjson::SUCCESS) {
    for (const auto field : labels) {
      std::string_view value;
      if (field.value.get(value) == simdjson::SUCCESS) {
        meta.external_labels.emplace(field.key, value);
      }
    }
  }
  meta.resolution_ms = Get<int64_t>(thanos["downsample"]["resolution"]);
  return meta;
}

}  // namespace thermocline
