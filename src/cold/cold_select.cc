// Reading the cold tier: prune blocks, match their series, merge.
#include <algorithm>

#include "cold/block_histograms.h"
#include "cold/block_reader.h"
#include "cold/cold_tier.h"

namespace thermocline {
namespace {

// Lists nothing; carries the warnings of a select that no block answers.
class NoSeries final : public SeriesSet {
 public:
  explicit NoSeries(std::vector<std::string> warnings) : warnings_(std::move(warnings)) {}
  size_t series_count() const override { return 0; }
  SeriesId id(size_t) const override { return {}; }
  Labels labels(size_t) const override { return {}; }
  Status Read(std::span<const uint32_t>, SeriesBatch* out) const override {
    out->Clear();
    return Status::Ok();
  }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  const std::vector<std::string> warnings_;
};

void Count(ReadCounters* counters, std::atomic<uint64_t> ReadCounters::*counter, uint64_t n = 1) {
  if (counters != nullptr) (counters->*counter).fetch_add(n, std::memory_order_relaxed);
}

void SortDistinct(std::vector<std::string>* values, uint64_t limit) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
  if (limit != 0 && values->size() > limit) values->resize(limit);
}

std::string DamageWarning(const ColdBlock& block) {
  return "cold block " + block.entry().id.ToString() +
         " is damaged and left out: " + block.damage();
}

}  // namespace

Status ColdTier::VisitBlocks(const BlockQuery& query, std::vector<std::string>* warnings,
                             const std::function<Status(const std::shared_ptr<ColdBlock>&,
                                                        columnar::ReadStats*)>& visit) const {
  const std::shared_ptr<const ColdSnapshot> now = snapshot();
  for (const std::shared_ptr<ColdBlock>& block : now->blocks) {
    if (query.budget != nullptr) RETURN_IF_ERROR(query.budget->Check());
    Count(query.counters, &ReadCounters::blocks_considered);
    if (!block->entry().range.Overlaps(query.range)) {
      Count(query.counters, &ReadCounters::blocks_skipped_by_time);
      continue;
    }
    if (!block->quarantined()) {
      columnar::ReadStats stats;
      const Status status = [&]() -> Status {
        bool may_match = query.matcher_sets.empty();
        for (const std::vector<Matcher>* matchers : query.matcher_sets) {
          if (may_match) break;
          ASSIGN_OR_RETURN(may_match, block->MayMatch(*matchers, &stats));
        }
        if (!may_match) {
          Count(query.counters, &ReadCounters::blocks_skipped_by_index);
          return Status::Ok();
        }
        return visit(block, &stats);
      }();
      AddToCounters(stats, query.counters);
      if (status.ok()) continue;
      if (!IsDamage(status)) return status;
      Quarantine(*block, status);
    }
    warnings->push_back(DamageWarning(*block));
  }
  return Status::Ok();
}

Result<std::unique_ptr<SeriesSet>> ColdTier::Select(const SelectRequest& request) const {
  std::vector<std::string> warnings;
  std::vector<std::unique_ptr<SeriesSet>> sources;
  if (request.tenant == options_.tenant) {
    const BlockQuery query{request.range, {&request.matchers}, request.budget, request.counters};
    const BlockSelect select{request.matchers, request.range, options_.select_limit_bytes,
                             request.budget};
    RETURN_IF_ERROR(VisitBlocks(
        query, &warnings,
        [&](const std::shared_ptr<ColdBlock>& block, columnar::ReadStats* stats) -> Status {
          ASSIGN_OR_RETURN(BlockSeries series, MatchSeries(*block, select, stats));
          if (series.size() == 0) return Status::Ok();
          Count(request.counters, &ReadCounters::cold_series, series.size());
          BlockSeriesSet::Source source{
              block,
              std::nullopt,
              request.range,
              options_.select_limit_bytes,
              request.budget,
              request.counters,
              [this](ColdBlock& b, const Status& why) { Quarantine(b, why); }};
          // An unsorted listing must not be cut: another source may list the same series later.
          const uint64_t limit = request.hints.sorted ? request.hints.limit : 0;
          ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> set,
                           OpenBlockSeries(std::move(source), std::move(series),
                                           request.hints.sorted, limit, stats));
          sources.push_back(std::move(set));
          return Status::Ok();
        }));
  }
  if (sources.empty() || !warnings.empty()) {
    sources.push_back(std::make_unique<NoSeries>(std::move(warnings)));
  }
  return MergeSeriesSets(std::move(sources), request);
}

// With matchers the series are looked at one by one; without, the label columns alone tell.
Result<std::vector<std::string>> ColdTier::LabelNames(const LabelRequest& request) const {
  std::vector<std::string> names;
  RETURN_IF_ERROR(CollectLabels(
      request,
      [&](const ColdBlock& block, columnar::ReadStats* stats) {
        return CollectLabelNames(block, {request.range, options_.select_limit_bytes}, stats,
                                 &names);
      },
      [&](LabelsView labels) {
        for (const LabelPair& pair : labels) {
          // Series of one metric share their names: only new ones are kept.
          const auto it = std::find(names.rbegin(), names.rend(), pair.name);
          if (it == names.rend()) names.emplace_back(pair.name);
        }
      }));
  SortDistinct(&names, request.limit);
  return names;
}

Result<std::vector<std::string>> ColdTier::LabelValues(std::string_view name,
                                                       const LabelRequest& request) const {
  std::vector<std::string> values;
  RETURN_IF_ERROR(CollectLabels(
      request,
      [&](const ColdBlock& block, columnar::ReadStats* stats) {
        return CollectLabelValues(block, name, {request.range, options_.select_limit_bytes}, stats,
                                  &values);
      },
      [&](LabelsView labels) {
        const std::string_view value = labels.Get(name);
        if (!value.empty() && (values.empty() || values.back() != value)) {
          values.emplace_back(value);
        }
      }));
  SortDistinct(&values, request.limit);
  return values;
}

Status ColdTier::CollectLabels(
    const LabelRequest& request,
    const std::function<Status(const ColdBlock&, columnar::ReadStats*)>& collect_all,
    const std::function<void(LabelsView)>& collect) const {
  if (request.tenant != options_.tenant) return Status::Ok();
  BlockQuery query{request.range, {}, request.budget, request.counters};
  for (const std::vector<Matcher>& matchers : request.matcher_sets) {
    query.matcher_sets.push_back(&matchers);
  }
  // The answer has no place for warnings; the log and the metric have them.
  std::vector<std::string> warnings;
  return VisitBlocks(
      query, &warnings,
      [&](const std::shared_ptr<ColdBlock>& block, columnar::ReadStats* stats) -> Status {
        if (request.matcher_sets.empty()) return collect_all(*block, stats);
        for (const std::vector<Matcher>& matchers : request.matcher_sets) {
          const BlockSelect select{matchers, request.range, options_.select_limit_bytes,
                                   request.budget};
          ASSIGN_OR_RETURN(const BlockSeries series, MatchSeries(*block, select, stats));
          for (size_t i = 0; i < series.size(); ++i) collect(series.labels(i));
        }
        return Status::Ok();
      });
}

}  // namespace thermocline
