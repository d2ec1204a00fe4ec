// What a conversion reads: places with data, and all of them as one Queryable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "convert/source.h"
#include "env/file_system.h"
#include "model/labels.h"
#include "model/queryable.h"

namespace thermocline {

struct InputPlace {
  std::string path;
  SourceLayout layout = SourceLayout::kBlock;
  // Of a block's meta.json: what Thanos says of all its series. Empty elsewhere.
  Labels external;
  std::string block;  // its ULID, empty elsewhere
  // The block holds only some series of its range (BlockMeta::partial_view).
  bool partial_view = false;
  // Of a gateway's bucket one stream: its hash, its labels (which the series have already), and the
  // blocks that each day was made of.
  std::optional<uint64_t> stream;
  Labels stream_labels;
  std::map<int64_t, std::vector<std::string>> day_blocks;
  uint64_t bytes = 0;  // of all files
};

// A folder of blocks becomes one place a block, without those that another one replaces; a bucket
// of the gateway one a stream; anything else is one place. NotFound when there is no block or day.
// Reads no more than meta.json, meta.pb and stream.pb files.
Result<std::vector<InputPlace>> FindInputs(FileSystem& files, const std::string& path,
                                           SourceLayout layout);

// Equal for paths that differ in slashes, "." and ".." only. Looks at no folder: links and the
// working folder are not resolved.
std::string PlainPath(const std::string& path);

// An opened place; borrowed.
struct ConvertInput {
  InputPlace place;
  const Source* source = nullptr;
};

// Puts inputs in the order that decides between samples of one timestamp, whatever order they came
// in: by first time, then ULID, then path; the later one wins. For blocks this is BlockSet's rule.
void OrderInputs(std::vector<ConvertInput>* inputs);

// Several sources, merged by time. Threads: safe.
class JoinedInputs final : public Queryable {
 public:
  // In the order of OrderInputs; the sources outlive this.
  explicit JoinedInputs(std::vector<const Source*> sources) : sources_(std::move(sources)) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override;
  // Covers every sample; without ends when a source does not know its own.
  TimeRange range() const;

 private:
  const std::vector<const Source*> sources_;
};

}  // namespace thermocline
