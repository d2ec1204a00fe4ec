#include "store/import.h"

#include <fmt/core.h>

#include <utility>

#include "env/failpoint.h"
#include "store/missing_samples.h"
#include "store/store.h"

namespace thermocline {
namespace {

FailPoint kBeforeImportInstall("store.before_import_install");
FailPoint kAfterImportInstall("store.after_import_install");

}  // namespace

StoreImport::StoreImport(Store& store, uint32_t threads) : store_(store), threads_(threads) {}

StoreImport::~StoreImport() {
  if (!blocks_.empty()) store_.cold_->Discard(blocks_);
}

Status StoreImport::Write(const SeriesSet& series, TimeRange piece,
                          const std::vector<Matcher>& matchers, const BlockRequest& sides) {
  RETURN_IF_ERROR(CheckRoom());
  SelectRequest request;
  request.matchers = matchers;
  request.range = piece;
  ASSIGN_OR_RETURN(auto known, store_.Select(request));
  // A block that cannot be read might hold other samples for these times.
  if (!known->warnings().empty()) {
    return Status::Corruption("import over damaged data: " + known->warnings().front());
  }
  const MissingSamples missing(series, std::move(known));
  BlockRequest block;
  block.range = piece;
  block.exemplars = sides.exemplars;
  block.metadata = sides.metadata;
  ASSIGN_OR_RETURN(std::vector<BlockEntry> written,
                   store_.cold_->WriteBlocks(missing, block, threads_));
  const Status age = CheckAge(written);
  for (BlockEntry& entry : written) {
    counts_.samples += entry.samples;
    counts_.bytes += entry.size_bytes();
    ++counts_.blocks;
    blocks_.push_back(std::move(entry));
  }
  counts_.there += missing.left_out();
  counts_.there_other += missing.left_out_other();
  return age;
}

Status StoreImport::CheckRoom() const {
  const StoreOptions& options = store_.options_;
  ASSIGN_OR_RETURN(const uint64_t free_bytes, store_.env_.files.FreeSpace(options.path));
  if (free_bytes > store_.free_space_floor_bytes_) return Status::Ok();
  return Status::ResourceExhausted(
      fmt::format("import: {} bytes are free in {}, which is below the floor of {}", free_bytes,
                  options.path, store_.free_space_floor_bytes_));
}

Status StoreImport::CheckAge(const std::vector<BlockEntry>& blocks) const {
  const StoreOptions& options = store_.options_;
  if (options.retention_time_ms <= 0) return Status::Ok();
  const TimestampMs oldest_ms = store_.env_.clock.NowMs() - options.retention_time_ms;
  for (const BlockEntry& block : blocks) {
    if (block.range.end_ms >= oldest_ms) continue;
    return Status::OutOfRange(fmt::format(
        "import: samples up to {} ms are older than the retention of {} s and would be removed at "
        "once; --min-time={} leaves older ones out",
        block.range.end_ms, options.retention_time_ms / 1000, (oldest_ms + 999) / 1000));
  }
  return Status::Ok();
}

Result<std::unique_ptr<SeriesSet>> StoreImport::Written() const {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  request.hints.sorted = true;
  return store_.cold_->SelectWritten(blocks_, request);
}

Status StoreImport::Publish(const Announce& announce) {
  if (blocks_.empty()) return Status::Ok();
  const uint64_t limit = store_.options_.retention_size_bytes;
  const uint64_t total = store_.log_->size_bytes() + store_.cold_->total_bytes() + counts_.bytes;
  if (limit > 0 && total > limit) {
    return Status::ResourceExhausted(
        fmt::format("import: {} bytes more make {}, above the retention of {} bytes: the oldest "
                    "samples would be removed at once",
                    counts_.bytes, total, limit));
  }
  if (announce) RETURN_IF_ERROR(announce(blocks_));
  RETURN_IF_ERROR(kBeforeImportInstall.Hit());
  std::vector<BlockEntry> blocks = std::exchange(blocks_, {});
  RETURN_IF_ERROR(store_.cold_->Install(std::move(blocks)).WithContext("import"));
  RETURN_IF_ERROR(kAfterImportInstall.Hit());
  store_.env_.logger.Log(LogLevel::kInfo, "store", "Imported samples",
                         {{"blocks", std::to_string(counts_.blocks)},
                          {"samples", std::to_string(counts_.samples)},
                          {"already_there", std::to_string(counts_.there)},
                          {"bytes", std::to_string(counts_.bytes)}});
  return Status::Ok();
}

}  // namespace thermocline
