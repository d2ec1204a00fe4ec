#include "api/store_source.h"

#include <fmt/core.h>

#include <set>
#include <utility>

#include "blocks/block_damage.h"
#include "convert/named_files.h"
#include "convert/publish_journal.h"
#include "convert/skip_damaged.h"
#include "env/posix/reading_lock.h"
#include "model/exemplar.h"
#include "store/store.h"

namespace thermocline {
namespace {

class StoreSource final : public Source {
 public:
  StoreSource(std::unique_ptr<FileLock> lock, std::unique_ptr<Store> store, std::string description,
              bool skip_damaged)
      : lock_(std::move(lock)),
        store_(std::move(store)),
        description_(std::move(description)),
        skip_damaged_(skip_damaged) {}

  // A server answers without its damaged files, with a warning; who reads files is told.
  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    ASSIGN_OR_RETURN(auto set, store_->Select(request));
    for (const std::string& warning : set->warnings()) {
      const Status incomplete = Status::Corruption(warning);
      if (!skip_damaged_) return incomplete;
      damage_.AddBlock(incomplete);
    }
    return set;
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return store_->LabelNames(request);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return store_->LabelValues(name, request);
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override {
    return store_->Metadata(request);
  }
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override {
    return store_->Exemplars(request);
  }
  Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                           int64_t lookback_ms) const override {
    return store_->TryCount(request, at_ms, lookback_ms);
  }
  SourceLayout layout() const override { return SourceLayout::kSamples; }
  TimeRange range() const override { return {kMinTimestampMs, kMaxTimestampMs}; }
  std::string Describe() const override { return description_; }
  SourceDamage damage() const override {
    SourceDamage sum;
    sum.blocks = damage_.blocks();
    sum.messages = damage_.messages();
    return sum;
  }

 private:
  const std::unique_ptr<FileLock> lock_;  // null for a folder without a lock file
  const std::unique_ptr<Store> store_;
  const std::string description_;
  const bool skip_damaged_;
  mutable BlockDamage damage_;
};

Result<std::unique_ptr<Source>> OpenStoreSource(const Env& env, const std::string& path,
                                                bool skip_damaged) {
  StoreOptions options;
  options.path = path;
  options.read_only = true;
  ASSIGN_OR_RETURN(auto lock, LockForReading(JoinPath(path, "lock")));
  OpenSummary summary;
  ASSIGN_OR_RETURN(auto store, Store::Open(options, env, &summary));
  std::string description = fmt::format("data folder: {} cold blocks, {} series in the log\n",
                                        summary.cold_blocks, summary.head_series);
  std::unique_ptr<Source> source = std::make_unique<StoreSource>(
      std::move(lock), std::move(store), std::move(description), skip_damaged);
  return skip_damaged ? SkipDamagedSeries(std::move(source)) : std::move(source);
}

}  // namespace

Result<std::unique_ptr<Source>> OpenAnyLayout(const Env& env, const std::string& path,
                                              SourceLayout layout, const SourceOptions& options) {
  ASSIGN_OR_RETURN(const FileInfo info, env.files.Stat(path));
  const bool text = layout == SourceLayout::kOpenMetrics || layout == SourceLayout::kText;
  if (info.is_directory == text) {
    return Status::InvalidArgument(path + (text ? ": not a file" : ": not a folder"));
  }
  if (layout == SourceLayout::kSamples) {
    RETURN_IF_ERROR(CheckPublished(env.files, path));
    ASSIGN_OR_RETURN(auto source, OpenStoreSource(env, path, options.skip_damaged));
    return NameFiles(env.files, path, std::move(source));
  }
  return OpenSource(env.files, &env.executor, path, layout, options);
}

Result<OpenedInputs> OpenPlaces(const Env& env, const std::vector<std::string>& paths,
                                std::optional<SourceLayout> layout, const SourceOptions& options) {
  OpenedInputs opened;
  std::set<std::pair<std::string, std::optional<uint64_t>>> seen;
  for (const std::string& path : paths) {
    SourceLayout of_path{};
    if (layout) {
      of_path = *layout;
    } else {
      ASSIGN_OR_RETURN(of_path, RecogniseLayout(env.files, path));
    }
    ASSIGN_OR_RETURN(auto places, FindInputs(env.files, path, of_path));
    for (InputPlace& place : places) {
      if (!seen.emplace(PlainPath(place.path), place.stream).second) continue;
      SourceOptions of_place = options;
      of_place.stream = place.stream;
      if (!options.scratch.empty()) {
        of_place.scratch =
            JoinPath(options.scratch, fmt::format("text-{}.scratch", opened.sources.size()));
      }
      auto source = OpenAnyLayout(env, place.path, place.layout, of_place);
      // Blocks that are not ours to read, as Thanos' downsampled ones.
      if (of_path == SourceLayout::kBlocks && options.skip_damaged &&
          source.status().code() == Code::kUnimplemented) {
        opened.left_out.emplace_back(source.status().message());
        continue;
      }
      RETURN_IF_ERROR(source.status());
      opened.inputs.push_back({std::move(place), source->get()});
      opened.sources.push_back(*std::move(source));
    }
  }
  return opened;
}

}  // namespace thermocline
