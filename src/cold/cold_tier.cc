#include "cold/cold_tier.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "cold/block_reader.h"
#include "cold/index_cache.h"

namespace thermocline {

Status ColdTierOptions::Validate() const {
  if (directory.empty() || grace_ms < 0 || select_limit_bytes == 0) {
    return Status::InvalidArgument(
        fmt::format("cold tier: directory '{}', grace {} ms, select limit {} bytes", directory,
                    grace_ms, select_limit_bytes));
  }
  return writer.Validate();
}

Result<std::string> ColdDirectory(const std::string& data, const TenantId& tenant) {
  if (tenant.is_default()) return JoinPath(data, "cold");
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!-_.*'()";
  const std::string& name = tenant.name;
  if (name.size() > 150 || name == "." || name == ".." ||
      name.find_first_not_of(kAllowed) != std::string::npos) {
    return Status::InvalidArgument(
        fmt::format("tenant '{}': not 1 to 150 of [A-Za-z0-9!-_.*'()]", name.substr(0, 200)));
  }
  return JoinPath(JoinPath(JoinPath(data, "tenants"), name), "cold");
}

ColdTier::ColdTier(ColdTierOptions options, Env env)
    : options_(std::move(options)),
      env_(env),
      bucket_(std::make_unique<LocalBucket>(env.files, options_.directory)),
      cache_(std::make_shared<IndexCache>(options_.index_cache_bytes)),
      manifest_files_(env.files, options_.directory),
      snapshot_(std::make_shared<const ColdSnapshot>()) {}

ColdTier::~ColdTier() { env_.metrics.RemoveCallbacks(this); }

Result<std::unique_ptr<ColdTier>> ColdTier::Open(const ColdTierOptions& options, Env env,
                                                 bool writable, ColdOpenSummary* summary) {
  RETURN_IF_ERROR(options.Validate());
  std::unique_ptr<ColdTier> tier(new ColdTier(options, env));
  RETURN_IF_ERROR(tier->Load(writable, summary));
  tier->RegisterMetrics();
  return tier;
}

void ColdTier::RegisterMetrics() {
  quarantined_total_ = &env_.metrics.GetCounter("thermocline_cold_quarantined_blocks_total",
                                                "Cold blocks found damaged and set aside.");
  const auto gauge = [&](std::string_view name, std::string_view help, auto read) {
    env_.metrics.AddCallback(this, name, help, MetricType::kGauge, {}, read);
  };
  gauge("thermocline_cold_blocks", "Blocks in the cold tier's manifest.",
        [this] { return static_cast<double>(snapshot()->blocks.size()); });
  gauge("thermocline_cold_bytes", "Bytes of the cold tier's files, removed ones included.",
        [this] { return static_cast<double>(total_bytes()); });
  gauge("thermocline_cold_index_cache_bytes", "Footers, page indexes and filters held in memory.",
        [this] { return static_cast<double>(cache_->size_bytes()); });
}

BlockId ColdTier::NewBlockId() {
  last_block_ms_ = std::max(env_.clock.NowMs(), last_block_ms_ + 1);
  return BlockId::Make(last_block_ms_, static_cast<uint16_t>(env_.random.Next()),
                       env_.random.Next());
}

Result<std::vector<BlockEntry>> ColdTier::WriteBlocks(const SeriesSet& series,
                                                      const BlockRequest& request,
                                                      uint32_t threads) {
  if (request.tenant != options_.tenant) {
    return Status::InvalidArgument("cold tier: a block of another tenant: " + request.tenant.name);
  }
  BlockWriterOptions options = options_.writer;
  if (threads != 0) options.threads = threads;
  return WriteWith(series, request, options);
}

// No lock is held while bytes are written: an import of hours holds up no flush.
Result<std::vector<BlockEntry>> ColdTier::WriteWith(const SeriesSet& series,
                                                    const BlockRequest& request,
                                                    const BlockWriterOptions& options) {
  {
    MutexLock lock(write_mutex_);
    if (!writable_) return Status::PermissionDenied("cold tier: opened for reading only");
    ++writes_running_;
  }
  const auto new_id = [this] {
    MutexLock lock(write_mutex_);
    return NewBlockId();
  };
  const auto reserve = [this](const std::vector<std::string>& labels) {
    MutexLock lock(write_mutex_);
    for (const std::string& label : labels) label_columns_.FindOrAdd(label);
    return label_columns_;
  };
  auto entries =
      thermocline::WriteBlocks(series, request, options, new_id, env_.executor, *bucket_, reserve);
  MutexLock lock(write_mutex_);
  --writes_running_;
  if (!entries.ok()) return entries.status();
  for (const BlockEntry& entry : *entries) {
    for (const BlockFile& file : entry.files) writing_.insert(file.key);
  }
  return entries;
}

Status ColdTier::Install(std::vector<BlockEntry> added, const std::vector<BlockId>& removed) {
  MutexLock lock(write_mutex_);
  if (!writable_) return Status::PermissionDenied("cold tier: opened for reading only");
  // Installed or not, they are no longer being written: what no manifest names is an orphan.
  for (const BlockEntry& entry : added) {
    for (const BlockFile& file : entry.files) writing_.erase(file.key);
  }
  Manifest next = manifest_;
  for (const BlockId& id : removed) RETURN_IF_ERROR(TakeOut(id, /*replaced=*/false, &next));
  for (BlockEntry& entry : added) {
    for (const BlockId& id : entry.replaces) {
      // Blocks of several days may replace the same ones.
      if (next.Find(id) != nullptr) RETURN_IF_ERROR(TakeOut(id, /*replaced=*/true, &next));
    }
    for (const FlushMark& mark : entry.flushed) next.AddMark(mark);
    const auto at =
        std::lower_bound(next.blocks.begin(), next.blocks.end(), entry.id,
                         [](const BlockEntry& b, const BlockId& id) { return b.id < id; });
    next.blocks.insert(at, std::move(entry));
  }
  const Lsn oldest(forget_marks_below_.load(std::memory_order_relaxed));
  std::erase_if(next.flushed, [&](const FlushMark& mark) { return mark.through < oldest; });
  return InstallLocked(std::move(next));
}

Status ColdTier::InstallLocked(Manifest next) {
  next.label_columns = label_columns_;
  ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, manifest_files_.Numbers());
  next.number = std::max(manifest_.number, numbers.empty() ? 0 : numbers.back()) + 1;
  if (const Status status = manifest_files_.Install(next); !status.ok()) {
    uncertain_ = true;
    return status.WithContext("install manifest " + std::to_string(next.number));
  }
  uncertain_ = false;
  manifest_ = std::move(next);
  Publish(manifest_);
  return Status::Ok();
}

void ColdTier::Publish(const Manifest& manifest) {
  std::map<BlockId, std::shared_ptr<ColdBlock>> known;
  const std::shared_ptr<const ColdSnapshot> now = snapshot();
  for (const auto& block : now->blocks) known.emplace(block->entry().id, block);
  auto next = std::make_shared<ColdSnapshot>();
  for (const BlockEntry& entry : manifest.blocks) {
    const auto it = known.find(entry.id);
    next->blocks.push_back(
        it != known.end() ? it->second : std::make_shared<ColdBlock>(entry, *bucket_, cache_));
  }
  std::stable_sort(next->blocks.begin(), next->blocks.end(), [](const auto& a, const auto& b) {
    return std::pair(a->entry().generation, a->entry().id) <
           std::pair(b->entry().generation, b->entry().id);
  });
  next->flushed = manifest.flushed;
  next->last_flushed_lsn = manifest.last_flushed_lsn;
  for (const RemovedBlock& removed : manifest.removed) next->removed_bytes += removed.size_bytes;
  MutexLock lock(snapshot_mutex_);
  snapshot_ = std::move(next);
}

void ColdTier::ForgetMarksBelow(Lsn oldest) {
  uint64_t known = forget_marks_below_.load(std::memory_order_relaxed);
  while (known < oldest.number && !forget_marks_below_.compare_exchange_weak(
                                      known, oldest.number, std::memory_order_relaxed)) {
  }
}

std::shared_ptr<const ColdSnapshot> ColdTier::snapshot() const {
  MutexLock lock(snapshot_mutex_);
  return snapshot_;
}

std::vector<FlushMark> ColdTier::flush_marks() const { return snapshot()->flushed; }

Lsn ColdTier::last_flushed_lsn() const { return snapshot()->last_flushed_lsn; }

bool ColdTier::Overlaps(const TimeRange& range) const {
  const std::shared_ptr<const ColdSnapshot> now = snapshot();
  return std::ranges::any_of(
      now->blocks, [&](const auto& block) { return block->entry().range.Overlaps(range); });
}

std::vector<BlockEntry> ColdTier::entries() const {
  std::vector<BlockEntry> entries;
  const std::shared_ptr<const ColdSnapshot> now = snapshot();
  for (const auto& block : now->blocks) entries.push_back(block->entry());
  std::sort(entries.begin(), entries.end(),
            [](const BlockEntry& a, const BlockEntry& b) { return a.id < b.id; });
  return entries;
}

uint64_t ColdTier::index_cache_bytes() const { return cache_->size_bytes(); }

uint64_t ColdTier::total_bytes() const {
  const auto now = snapshot();
  uint64_t bytes = now->removed_bytes;
  for (const auto& block : now->blocks) bytes += block->entry().size_bytes();
  return bytes;
}

std::vector<BlockId> ColdTier::quarantined() const {
  std::vector<BlockId> ids;
  const std::shared_ptr<const ColdSnapshot> now = snapshot();
  for (const auto& block : now->blocks) {
    if (block->quarantined()) ids.push_back(block->entry().id);
  }
  return ids;
}

void ColdTier::Quarantine(ColdBlock& block, const Status& why) const {
  if (!block.Quarantine(why)) return;
  if (quarantined_total_ != nullptr) quarantined_total_->Increment();
  env_.logger.Log(LogLevel::kError, "cold", "A damaged block is set aside; the others still answer",
                  {{"block", block.entry().id.ToString()}, {"error", why.ToString()}});
}

}  // namespace thermocline
