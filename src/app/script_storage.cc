#include "app/script_storage.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "cold/cold_tier.h"
#include "convert/convert.h"
#include "convert/series_walk.h"
#include "env/simulated/simulated_env.h"
#include "promql/test_script/memory_storage.h"
#include "store/store.h"

namespace thermocline {
namespace {

constexpr TimeRange kAlways = {kMinTimestampMs, kMaxTimestampMs};
constexpr char kFolder[] = "/data";
constexpr uint64_t kSeed = 1;
// As many chunk columns as the data of any script, long or short, is cut into at most.
constexpr int64_t kMostColumns = 12;
constexpr int64_t kLeastColumnMs = 7 * kMinuteMs;

// What a script loaded, as an input of a conversion.
class LoadedSource final : public Source {
 public:
  explicit LoadedSource(const Queryable& loaded) : loaded_(loaded) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    return loaded_.Select(request);
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return loaded_.LabelNames(request);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return loaded_.LabelValues(name, request);
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override {
    return loaded_.Metadata(request);
  }
  SourceLayout layout() const override { return SourceLayout::kBlock; }
  TimeRange range() const override { return kAlways; }
  std::string Describe() const override { return "what a script loaded\n"; }

 private:
  const Queryable& loaded_;
};

// A storage and the simulated machine it lies on.
class StoredData final : public Queryable {
 public:
  explicit StoredData(Executor& executor) : executor_(executor) {}

  Env env() {
    return {machine_.files, machine_.clock,  machine_.random,
            executor_,      machine_.logger, machine_.metrics};
  }
  SimulatedEnv& machine() { return machine_; }
  void Give(std::unique_ptr<Queryable> data) { data_ = std::move(data); }

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    return data_->Select(request);
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return data_->LabelNames(request);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return data_->LabelValues(name, request);
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override {
    return data_->Metadata(request);
  }
  Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                           int64_t lookback_ms) const override {
    return data_->TryCount(request, at_ms, lookback_ms);
  }

 private:
  Executor& executor_;
  SimulatedEnv machine_{kSeed};
  std::unique_ptr<Queryable> data_;  // goes before the machine
};

struct Loaded {
  WriteBatch batch;
  TimeRange range;
};

Result<Loaded> ReadAll(const Queryable& loaded) {
  Loaded out;
  SelectRequest request;
  request.range = kAlways;
  ASSIGN_OR_RETURN(const auto set, loaded.Select(request));
  RETURN_IF_ERROR(WalkSeries(
      *set, [&out](uint32_t, const Labels& labels, const SeriesBatch& batch, size_t series) {
        out.batch.AddSeries(labels);
        for (size_t i = batch.offsets[series]; i < batch.offsets[series + 1]; ++i) {
          const TimestampMs start_ms =
              batch.start_timestamps_ms.empty() ? 0 : batch.start_timestamps_ms[i];
          if (const Histogram* histogram = batch.histogram(i)) {
            out.batch.AddHistogram(batch.timestamps_ms[i], *histogram, start_ms);
          } else {
            out.batch.AddSample(batch.timestamps_ms[i], batch.values[i], start_ms);
          }
          out.range.Extend(batch.timestamps_ms[i]);
        }
        return Status::Ok();
      }));
  return out;
}

Result<std::unique_ptr<const Queryable>> PutIntoHead(const Queryable& loaded, Executor& executor) {
  ASSIGN_OR_RETURN(const Loaded data, ReadAll(loaded));
  auto stored = std::make_unique<StoredData>(executor);
  StoreOptions options;
  options.path = kFolder;
  options.ballast_bytes = 0;
  options.wal.segment_size_bytes = 64 << 10;
  options.wal.inline_commit = true;
  options.free_space_floor_bytes = 0;
  if (!data.range.empty()) {
    // Scripts load series one after another, each from the beginning.
    stored->machine().clock.SetNowMs(data.range.end_ms);
    options.head.out_of_order_window_ms = data.range.end_ms - data.range.start_ms + kHourMs;
  }
  OpenSummary summary;
  ASSIGN_OR_RETURN(auto store, Store::Open(options, stored->env(), &summary));
  ASSIGN_OR_RETURN(const AppendSummary appended, store->Append(data.batch));
  if (appended.rolled_back) return Status::Internal("the head refused what a script loaded");
  stored->Give(std::move(store));
  return std::unique_ptr<const Queryable>(std::move(stored));
}

// Row groups, pages and chunks of a few rows; several shards and a label index.
ConvertOptions SmallPieces(SourceLayout layout, TimeRange range) {
  ConvertOptions options;
  options.layout = layout;
  options.verify = true;
  options.samples.page_rows = 64;  // the least that it takes, as the next
  options.samples.series_page_rows = 64;
  options.samples.row_group_rows = 128;
  options.samples.dictionary_max_values = 4;
  options.shards.row_group_rows = 5;
  options.shards.row_groups_per_shard = 3;
  options.shards.label_page_rows = 2;
  options.shards.chunk_page_bytes = 64;
  options.shards.samples_per_chunk = 7;
  options.shards.column_ms =
      std::max(kLeastColumnMs, (range.end_ms - range.start_ms) / kMostColumns + 1);
  return options;
}

Result<std::unique_ptr<Queryable>> OpenStored(SourceLayout layout, Env env) {
  if (layout != SourceLayout::kSamples) {
    ASSIGN_OR_RETURN(auto source, OpenSource(env.files, &env.executor, kFolder, layout, {}));
    return std::unique_ptr<Queryable>(std::move(source));
  }
  ColdTierOptions options;
  ASSIGN_OR_RETURN(options.directory, ColdDirectory(kFolder, TenantId()));
  ColdOpenSummary summary;
  ASSIGN_OR_RETURN(auto tier, ColdTier::Open(options, env, /*writable=*/false, &summary));
  return std::unique_ptr<Queryable>(std::move(tier));
}

Result<std::unique_ptr<const Queryable>> ConvertLoaded(const Queryable& loaded, SourceLayout layout,
                                                       Executor& executor) {
  ASSIGN_OR_RETURN(const Loaded data, ReadAll(loaded));
  auto stored = std::make_unique<StoredData>(executor);
  if (data.range.empty()) {
    stored->Give(std::make_unique<promql::MemoryStorage>());
    return std::unique_ptr<const Queryable>(std::move(stored));
  }
  const LoadedSource source(loaded);
  ConvertInput input;
  input.source = &source;
  RETURN_IF_ERROR(
      Convert(stored->env(), {input}, kFolder, SmallPieces(layout, data.range), nullptr).status());
  ASSIGN_OR_RETURN(auto opened, OpenStored(layout, stored->env()));
  stored->Give(std::move(opened));
  return std::unique_ptr<const Queryable>(std::move(stored));
}

}  // namespace

Result<promql::ScriptStorage> MakeScriptStorage(std::string_view name, Executor& executor) {
  if (name == "memory") return promql::ScriptStorage();
  if (name == "head") {
    return promql::ScriptStorage(
        [&executor](const Queryable& loaded) { return PutIntoHead(loaded, executor); });
  }
  const auto layout = ParseLayout(name);
  if (!layout.ok() ||
      (*layout != SourceLayout::kSamples && *layout != SourceLayout::kParquetCommon &&
       *layout != SourceLayout::kGateway)) {
    return Status::InvalidArgument("--storage=" + std::string(name) + ": known are " +
                                   std::string(kScriptStorages));
  }
  return promql::ScriptStorage([&executor, layout = *layout](const Queryable& loaded) {
    return ConvertLoaded(loaded, layout, executor);
  });
}

}  // namespace thermocline
