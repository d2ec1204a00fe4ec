#include "promql/test_script/run_script.h"

#include <memory>
#include <utility>
#include <vector>

#include "promql/parser.h"
#include "promql/test_script/comparison.h"
#include "promql/test_script/memory_storage.h"
#include "promql/test_script/script.h"

namespace thermocline::promql {
namespace {

// A series that was in the script but not loaded.
struct SetAside {
  Labels labels;
  std::string_view reason;
};

constexpr std::string_view kHistograms = "native histograms";
constexpr std::string_view kCustomBuckets = "histograms with custom buckets";
constexpr std::string_view kStartTimestamps = "start timestamps";

class ScriptRun {
 public:
  ScriptRun(std::string_view name, const ScriptQuery& ask, std::string* report,
            const ScriptStorage& store)
      : name_(name), ask_(ask), report_(report), store_(store) {}

  void Execute(const ClearCommand&) {
    storage_.Clear();
    stored_.reset();
    set_aside_.clear();
  }
  void Execute(const LoadCommand& load);
  void Execute(const EvalCommand& eval);
  const ScriptSummary& summary() const { return summary_; }

 private:
  void AddCustomBuckets(const Labels& classic);
  // The answer from what is loaded, or from what `store_` makes of it.
  Result<QueryResult> Ask(const EvalCommand& eval);
  // Why `eval` cannot be run; empty when it can.
  std::string_view ReasonToSetAside(const EvalCommand& eval) const;
  std::string_view ReasonIn(const Expr& expr) const;
  void Report(const EvalCommand& eval, std::string_view what);

  std::string_view name_;
  const ScriptQuery& ask_;
  std::string* report_;
  const ScriptStorage& store_;
  MemoryStorage storage_;
  std::unique_ptr<const Queryable> stored_;  // null when storage_ changed since
  std::vector<SetAside> set_aside_;
  ScriptSummary summary_;
};

void ScriptRun::Execute(const LoadCommand& load) {
  stored_.reset();
  bool start_timestamps = false;
  for (const SeriesLine& line : load.series) {
    if (line.is_start_timestamps || line.has_histograms || start_timestamps) {
      set_aside_.push_back({line.labels, line.has_histograms ? kHistograms : kStartTimestamps});
      start_timestamps = line.is_start_timestamps;  // the samples are on the next line
      continue;
    }
    for (size_t i = 0; i < line.values.size(); ++i) {
      if (line.values[i].kind == SequenceValue::kOmitted) continue;
      storage_.Add(line.labels, static_cast<int64_t>(i) * load.step_ms, line.values[i].value);
    }
    if (load.with_custom_buckets) AddCustomBuckets(line.labels);
  }
}

// load_with_nhcb makes a histogram of each family of classic buckets, under its base name.
void ScriptRun::AddCustomBuckets(const Labels& classic) {
  const std::string_view name = classic.metric_name();
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (name.size() <= suffix.size() || name.substr(name.size() - suffix.size()) != suffix)
      continue;
    LabelsBuilder base(classic);
    base.Set(kMetricNameLabel, name.substr(0, name.size() - suffix.size())).Remove(kBucketLabel);
    set_aside_.push_back({base.Build(), kCustomBuckets});
    return;
  }
}

void ScriptRun::Execute(const EvalCommand& eval) {
  if (const std::string_view reason = ReasonToSetAside(eval); !reason.empty()) {
    ++summary_.set_aside;
    return Report(eval, "set aside (" + std::string(reason) + ")");
  }
  const std::string difference = Difference(eval, Ask(eval));
  if (difference.empty()) {
    ++summary_.passed;
  } else {
    ++summary_.failed;
    Report(eval, "failed: " + difference);
  }
}

Result<QueryResult> ScriptRun::Ask(const EvalCommand& eval) {
  if (store_ == nullptr) return ask_(storage_, eval);
  if (stored_ == nullptr) {
    ASSIGN_OR_RETURN(stored_, store_(storage_));
  }
  return ask_(*stored_, eval);
}

void ScriptRun::Report(const EvalCommand& eval, std::string_view what) {
  report_->append(name_).append(":").append(std::to_string(eval.line)).append(": ");
  report_->append(what).append(": ").append(eval.query).append("\n");
}

std::string_view ScriptRun::ReasonToSetAside(const EvalCommand& eval) const {
  if (eval.has_histograms) return kHistograms;
  const Result<ExprPtr> expr = Parse(eval.query);
  return expr.ok() ? ReasonIn(**expr) : std::string_view();
}

std::string_view ScriptRun::ReasonIn(const Expr& root) const {
  std::vector<const Expr*> todo = {&root};
  while (!todo.empty()) {
    const Expr& expr = *todo.back();
    todo.pop_back();
    if (expr.kind == ExprKind::kVectorSelector) {
      for (const SetAside& series : set_aside_) {
        if (MatchesAll(As<VectorSelector>(expr).matchers, series.labels)) return series.reason;
      }
    }
    ForEachChild(expr, [&todo](const Expr& child) { todo.push_back(&child); });
  }
  return {};
}

}  // namespace

EngineOptions ScriptEngineOptions() {
  EngineOptions options;
  options.max_samples = 10'000;
  options.enable_experimental = true;
  options.delayed_name_removal = true;
  options.default_step_ms = kMinuteMs;
  return options;
}

ScriptQuery AskEngine(const Engine& engine) {
  return [&engine](const Queryable& storage, const EvalCommand& eval) {
    const QueryOptions options;
    return eval.is_range ? engine.Range(storage, eval.query, eval.start_ms, eval.end_ms,
                                        eval.step_ms, options)
                         : engine.Instant(storage, eval.query, eval.at_ms, options);
  };
}

Result<ScriptSummary> RunScriptText(std::string_view name, std::string_view text,
                                    const ScriptQuery& ask, std::string* report,
                                    const ScriptStorage& store) {
  Result<std::vector<ScriptCommand>> commands = ParseScript(text);
  if (!commands.ok()) return commands.status().WithContext(name);
  ScriptRun run(name, ask, report, store);
  for (const ScriptCommand& command : *commands) {
    std::visit([&run](const auto& one) { run.Execute(one); }, command);
  }
  return run.summary();
}

}  // namespace thermocline::promql
