#include "promql/exec/info.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "promql/exec/counted_operator.h"
#include "promql/exec/selector.h"

namespace thermocline::promql {
namespace {

constexpr std::string_view kIdentifyingLabels[] = {"instance", "job"};
constexpr std::string_view kDefaultInfoMetric = "target_info";

std::string QuoteRegex(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  return quoted;
}

// The values of the identifying labels, as a key.
std::string Identity(LabelsView labels) {
  std::string key;
  for (const std::string_view name : kIdentifyingLabels) {
    key += labels.Get(name);
    key += '\0';
  }
  return key;
}

// One info metric of one target: rows that follow one another over time.
struct InfoSource {
  std::vector<uint32_t> rows;
  std::vector<int32_t> winner;  // by step: the row whose sample is newest, or -1
};

class InfoOperator : public MatrixOperator {
 public:
  InfoOperator(QueryContext& context, const PlanNode& call, const StepGrid& grid, VectorPtr source)
      : MatrixOperator(context, grid),
        call_(call),
        source_(std::move(source)),
        infos_(context, grid.count) {}

  Status Open() override {
    RETURN_IF_ERROR(SplitMatchers());
    RETURN_IF_ERROR(source_->Open());
    ASSIGN_OR_RETURN(Matrix base, Materialize(context_, *source_, grid_.count));
    source_.reset();
    RETURN_IF_ERROR(FetchInfos(base));
    ASSIGN_OR_RETURN(const std::vector<bool> occupied, base.OccupiedSteps());
    RETURN_IF_ERROR(ChooseWinners(occupied));
    for (const Matrix::Row& row : base.rows()) {
      RETURN_IF_ERROR(context_.Check());
      RETURN_IF_ERROR(IsInfoItself(row) ? Copy(row) : Enrich(row));
    }
    infos_ = Matrix(context_, grid_.count);
    return result_.HoldSamples();
  }

 private:
  // Matchers on the name choose info metrics, the others what is wanted of them.
  Status SplitMatchers() {
    if (call_.children.size() > 1) {
      for (const Matcher& matcher : As<VectorSelector>(*call_.children[1]->expr).matchers) {
        (matcher.name() == kMetricNameLabel ? name_matchers_ : data_matchers_).push_back(matcher);
      }
    }
    const bool positive = std::any_of(name_matchers_.begin(), name_matchers_.end(),
                                      [](const Matcher& m) { return !m.negative(); });
    if (name_matchers_.empty()) {
      name_matchers_.push_back(
          Matcher::Equal(std::string(kMetricNameLabel), std::string(kDefaultInfoMetric)));
    } else if (!positive) {
      ASSIGN_OR_RETURN(Matcher any,
                       Matcher::Make(MatchType::kRegex, std::string(kMetricNameLabel), ".+_info"));
      name_matchers_.push_back(std::move(any));
    }
    return Status::Ok();
  }

  bool IsInfoItself(const Matrix::Row& row) const {
    const std::string_view name = row.labels.metric_name();
    return std::all_of(name_matchers_.begin(), name_matchers_.end(),
                       [name](const Matcher& m) { return m.Matches(name); });
  }

  // Info series of the targets that `base` speaks of, with the times of their samples as values.
  Status FetchInfos(const Matrix& base) {
    std::vector<Matcher> matchers = name_matchers_;
    matchers.insert(matchers.end(), data_matchers_.begin(), data_matchers_.end());
    bool identified = false;
    for (const std::string_view label : kIdentifyingLabels) {
      std::set<std::string> values;
      for (const Matrix::Row& row : base.rows()) {
        if (!IsInfoItself(row) && row.labels.Has(label)) {
          values.insert(QuoteRegex(row.labels.Get(label)));
        }
      }
      if (values.empty()) continue;
      identified = true;
      std::string pattern;
      for (const std::string& value : values) pattern += (pattern.empty() ? "" : "|") + value;
      ASSIGN_OR_RETURN(Matcher matcher,
                       Matcher::Make(MatchType::kRegex, std::string(label), pattern));
      matchers.push_back(std::move(matcher));
    }
    if (!identified) return Status::Ok();
    PlanNode node;
    node.kind = PlanKind::kSelector;
    node.matchers = std::move(matchers);
    node.expr = &selector_;
    VectorPtr infos =
        CountSelected(context_, call_, grid_,
                      std::make_unique<VectorSelectorOperator>(
                          context_, node, grid_, VectorSelectorOperator::Answer::kInfoTime));
    RETURN_IF_ERROR(infos->Open());
    ASSIGN_OR_RETURN(infos_, Materialize(context_, *infos, grid_.count));
    return Status::Ok();
  }

  Status ChooseWinners(const std::vector<bool>& base_occupied) {
    for (uint32_t i = 0; i < infos_.rows().size(); ++i) {
      const Matrix::Row& row = infos_.rows()[i];
      InfoSource& source = targets_[Identity(row.labels)][std::string(row.labels.metric_name())];
      source.rows.push_back(i);
      source.winner.resize(grid_.count, -1);
    }
    for (size_t step = 0; step < grid_.count; ++step) {
      if (!base_occupied[step]) continue;
      RETURN_IF_ERROR(context_.Check());
      for (auto& [identity, sources] : targets_) {
        for (auto& [name, source] : sources) RETURN_IF_ERROR(ChooseWinner(source, step));
      }
    }
    return Status::Ok();
  }

  Status ChooseWinner(InfoSource& source, size_t step) {
    for (const uint32_t i : source.rows) {
      const Matrix::Row& row = infos_.rows()[i];
      if (row.kinds[step] == StepKind::kAbsent) continue;
      int32_t& winner = source.winner[step];
      if (winner < 0) {
        winner = static_cast<int32_t>(i);
        continue;
      }
      const Matrix::Row& held = infos_.rows()[static_cast<size_t>(winner)];
      if (held.values[step] == row.values[step]) {
        const auto at = std::to_string(std::llround(row.values[step] * 1000));
        return Status::OutOfRange("found duplicate series for info metric: existing " +
                                  held.labels.ToString() + " @ " + at + ", new " +
                                  row.labels.ToString() + " @ " + at);
      }
      if (row.values[step] > held.values[step]) winner = static_cast<int32_t>(i);
    }
    return Status::Ok();
  }

  Status Copy(const Matrix::Row& row) {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (row.kinds[step] == StepKind::kAbsent) continue;
      RETURN_IF_ERROR(Emit(row.labels, step, row));
    }
    return Status::Ok();
  }

  Status Enrich(const Matrix::Row& row) {
    const auto target = targets_.find(Identity(row.labels));
    std::vector<int32_t> seen;
    std::optional<Labels> labels;
    bool first = true;
    for (size_t step = 0; step < grid_.count; ++step) {
      if (row.kinds[step] == StepKind::kAbsent) continue;
      std::vector<int32_t> winners;
      if (target != targets_.end()) {
        for (const auto& [name, source] : target->second) winners.push_back(source.winner[step]);
      }
      if (first || winners != seen) {
        ASSIGN_OR_RETURN(labels, EnrichedLabels(row.labels, winners));
        seen = std::move(winners);
        first = false;
      }
      if (labels) RETURN_IF_ERROR(Emit(*labels, step, row));
    }
    return Status::Ok();
  }

  // nullopt when the series is to go: nothing describes it, and a data matcher wants something.
  Result<std::optional<Labels>> EnrichedLabels(const Labels& base,
                                               const std::vector<int32_t>& winners) const {
    std::map<std::string, std::string, std::less<>> added;
    bool described = false;
    for (const int32_t winner : winners) {
      if (winner < 0) continue;
      described = true;
      for (const LabelPair& pair : infos_.rows()[static_cast<size_t>(winner)].labels) {
        if (pair.name == kMetricNameLabel || !IsWanted(pair.name)) continue;
        const auto held = added.find(pair.name);
        if (held != added.end() && held->second != pair.value) {
          return Status::OutOfRange("conflicting label: " + std::string(pair.name));
        }
        if (!base.Has(pair.name)) added.emplace(pair.name, pair.value);
      }
    }
    if (!described) {
      const bool all_empty = std::all_of(data_matchers_.begin(), data_matchers_.end(),
                                         [](const Matcher& m) { return m.MatchesEmpty(); });
      if (!all_empty) return std::optional<Labels>();
    }
    LabelsBuilder builder(base);
    for (const auto& [name, value] : added) builder.Set(name, value);
    return std::optional<Labels>(builder.Build());
  }

  bool IsWanted(std::string_view label) const {
    return data_matchers_.empty() ||
           std::any_of(data_matchers_.begin(), data_matchers_.end(),
                       [label](const Matcher& m) { return m.name() == label; });
  }

  Status Emit(const Labels& labels, size_t step, const Matrix::Row& from) {
    const auto [found, added] = outputs_.try_emplace(labels.packed(), result_.rows().size());
    if (added) {
      ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(labels, false));
      (void)row;
    }
    Matrix::Row& row = result_.rows()[found->second];
    if (row.kinds[step] != StepKind::kAbsent) {
      return Status::OutOfRange("vector cannot contain metrics with the same labelset");
    }
    row.SetSample(step, from);
    return Status::Ok();
  }

  const PlanNode& call_;
  VectorPtr source_;
  std::vector<Matcher> name_matchers_;
  std::vector<Matcher> data_matchers_;
  VectorSelector selector_;
  Matrix infos_;
  std::map<std::string, std::map<std::string, InfoSource>> targets_;  // by identity, by name
  std::unordered_map<std::string, size_t> outputs_;                   // by packed labels
};

}  // namespace

Result<VectorPtr> BuildInfo(QueryContext& context, const PlanNode& call, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *call.children[0], grid));
  return VectorPtr(std::make_unique<InfoOperator>(context, call, grid, std::move(source)));
}

}  // namespace thermocline::promql
