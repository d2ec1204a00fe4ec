#include "shards/shard_plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/hash.h"

namespace thermocline::shards {

namespace {

// Of a chunks file; readers in Go take 32,767.
constexpr uint64_t kMostDataColumns = 32000;

}  // namespace

Status ShardWriterOptions::Validate() const {
  if (range.empty() || column_ms <= 0 || DataColumnCount(range, column_ms) > kMostDataColumns) {
    return Status::InvalidArgument(fmt::format(
        "times from {} to {} in columns of {} ms: expected at most {} columns, choose longer ones",
        range.start_ms, range.end_ms, column_ms, kMostDataColumns));
  }
  if (layout == ShardLayout::kGateway) {
    const int64_t day = FloorTo(range.start_ms, kDayMs);
    if (range.end_ms > day + kDayMs - 1) {
      return Status::InvalidArgument(
          fmt::format("times from {} to {} are not of one UTC day", range.start_ms, range.end_ms));
    }
  }
  if (row_group_rows == 0 || row_group_rows > (uint64_t{1} << 24) || row_group_bytes == 0 ||
      max_columns < 3 || max_columns > 32767 || samples_per_chunk == 0 ||
      samples_per_chunk > 65535 || label_page_rows == 0 || chunk_page_bytes == 0 ||
      zstd_level < 1 || zstd_level > 19) {
    return Status::InvalidArgument("a size of the shard writer's options is out of range");
  }
  return Status::Ok();
}

uint32_t ShardWriterOptions::data_columns() const {
  return layout == ShardLayout::kGateway ? kGatewayDataColumns
                                         : static_cast<uint32_t>(DataColumnCount(range, column_ms));
}

namespace {

// Columns of a labels file beside the labels'.
uint32_t OtherColumns(ShardLayout layout) { return layout == ShardLayout::kGateway ? 1 : 2; }

// The values of a sort label by series, as numbers in the order of the values; 0 = no label.
class SortKey {
 public:
  explicit SortKey(std::string name) : name_(std::move(name)) {}
  void Add(const Labels& labels) {
    const std::string_view value = labels.Get(name_);
    if (value.empty()) return codes_.push_back(0);
    if (value != last_) {
      last_ = value;
      last_code_ =
          numbers_.emplace(last_, static_cast<uint32_t>(numbers_.size() + 1)).first->second;
    }
    codes_.push_back(last_code_);
  }
  // Numbers by first appearance become numbers by order.
  void Finish() {
    std::vector<std::pair<std::string_view, uint32_t>> values(numbers_.begin(), numbers_.end());
    std::sort(values.begin(), values.end());
    std::vector<uint32_t> place(values.size() + 1, 0);
    for (uint32_t i = 0; i < values.size(); ++i) place[values[i].second] = i + 1;
    for (uint32_t& code : codes_) code = place[code];
    numbers_.clear();
  }
  uint32_t operator[](size_t series) const { return codes_[series]; }

 private:
  const std::string name_;
  std::unordered_map<std::string, uint32_t> numbers_;
  std::string last_;
  uint32_t last_code_ = 0;
  std::vector<uint32_t> codes_;
};

// Label names and distinct values of a shard in the making.
class ShardContents {
 public:
  explicit ShardContents(const std::vector<std::string>& bloom_labels) {
    for (const std::string& name : bloom_labels) blooms_.push_back({name, "", {}});
  }
  // Names of `labels` that are not there yet.
  std::vector<std::string_view> Fresh(const Labels& labels) const {
    std::vector<std::string_view> fresh;
    for (const LabelPair& pair : labels) {
      if (!names_.contains(pair.name)) fresh.push_back(pair.name);
    }
    return fresh;
  }
  size_t names() const { return names_.size(); }
  void Add(const Labels& labels, const std::vector<std::string_view>& fresh) {
    names_.insert(fresh.begin(), fresh.end());
    for (Bloom& bloom : blooms_) {
      const std::string_view value = labels.Get(bloom.name);
      if (value.empty() || value == bloom.last) continue;
      bloom.last = value;
      bloom.hashes.insert(Hash64(value));
    }
  }
  PlannedShard Finish(size_t first, size_t end, uint64_t most_values) {
    PlannedShard shard{first, end, {names_.begin(), names_.end()}, 1};
    for (const Bloom& bloom : blooms_) {
      const uint64_t values = std::min<uint64_t>(bloom.hashes.size(), most_values);
      shard.bloom_values = std::max(shard.bloom_values, static_cast<uint32_t>(values));
    }
    return shard;
  }

 private:
  struct Bloom {
    std::string name;
    std::string last;
    std::unordered_set<uint64_t> hashes;
  };
  std::set<std::string, std::less<>> names_;
  std::vector<Bloom> blooms_;
};

}  // namespace

class Planner {
 public:
  Planner(const SeriesSet& set, const ShardWriterOptions& options, SeriesPlan* plan)
      : set_(set), options_(options), plan_(plan) {
    plan_->set_ = &set;
  }

  // Looks at all labels once.
  void Collect() {
    for (const std::string& name : options_.sort_labels) keys_.emplace_back(name);
    plan_->kept_.emplace();
    Labels before;
    for (size_t i = 0; i < set_.series_count(); ++i) {
      Labels labels = set_.labels(i);
      for (SortKey& key : keys_) key.Add(labels);
      ascending_ &= i == 0 || !(labels < before);
      if (plan_->kept_) {
        plan_->kept_->Append(labels);
        if (plan_->kept_->memory_bytes() > options_.plan_bytes) plan_->kept_.reset();
      }
      before = std::move(labels);
    }
    for (SortKey& key : keys_) key.Finish();
  }

  void Sort() {
    plan_->order.resize(set_.series_count());
    std::iota(plan_->order.begin(), plan_->order.end(), 0u);
    const auto before = [&](uint32_t a, uint32_t b) {
      for (const SortKey& key : keys_) {
        if (key[a] != key[b]) return key[a] < key[b];
      }
      return ascending_ ? a < b : plan_->labels(a) < plan_->labels(b);
    };
    if (!std::is_sorted(plan_->order.begin(), plan_->order.end(), before)) {
      std::sort(plan_->order.begin(), plan_->order.end(), before);
    }
    keys_.clear();
  }

  Status Cut() {
    const uint64_t total = plan_->order.size();
    uint64_t rows = total;
    if (options_.row_groups_per_shard != 0 && total > 0) {
      const uint64_t most = options_.row_groups_per_shard * options_.row_group_rows;
      const uint64_t shards = (total + most - 1) / most;
      rows = (total + shards - 1) / shards;
    }
    const uint64_t room = options_.max_columns - OtherColumns(options_.layout);
    ShardContents contents(options_.bloom_labels);
    size_t first = 0;
    for (size_t i = 0; i < total; ++i) {
      const Labels labels = plan_->labels(plan_->order[i]);
      std::vector<std::string_view> fresh = contents.Fresh(labels);
      if (i > first && (i - first == rows || contents.names() + fresh.size() > room)) {
        plan_->shards.push_back(contents.Finish(first, i, options_.row_group_rows));
        contents = ShardContents(options_.bloom_labels);
        first = i;
        fresh = contents.Fresh(labels);
      }
      if (fresh.size() > room) {
        return Status::InvalidArgument(
            fmt::format("a series of {} labels, limit {}", fresh.size(), room));
      }
      contents.Add(labels, fresh);
    }
    if (first < total) {
      plan_->shards.push_back(contents.Finish(first, total, options_.row_group_rows));
    }
    return Status::Ok();
  }

 private:
  const SeriesSet& set_;
  const ShardWriterOptions& options_;
  SeriesPlan* const plan_;
  std::vector<SortKey> keys_;
  bool ascending_ = true;  // the set's own order is that of labels
};

uint64_t SeriesPlan::memory_bytes() const {
  return 4 * order.capacity() + (kept_ ? kept_->memory_bytes() : 0);
}

Result<SeriesPlan> PlanShards(const SeriesSet& set, const ShardWriterOptions& options) {
  SeriesPlan plan;
  Planner planner(set, options, &plan);
  planner.Collect();
  planner.Sort();
  RETURN_IF_ERROR(planner.Cut());
  return plan;
}

}  // namespace thermocline::shards
