#include "promql/test_script/run_script.h"

#include <memory>
#include <utility>
#include <vector>

#include "promql/test_script/comparison.h"
#include "promql/test_script/custom_buckets.h"
#include "promql/test_script/memory_storage.h"
#include "promql/test_script/recheck.h"
#include "promql/test_script/script.h"

namespace thermocline::promql {
namespace {

class ScriptRun {
 public:
  ScriptRun(std::string_view name, const ScriptQuery& ask, std::string* report,
            const ScriptStorage& store)
      : name_(name), ask_(ask), report_(report), store_(store) {}

  Status Execute(const ClearCommand&) {
    storage_.Clear();
    stored_.reset();
    return Status::Ok();
  }
  Status Execute(const LoadCommand& load);
  Status Execute(const EvalCommand& eval);
  const ScriptSummary& summary() const { return summary_; }

 private:
  void Add(const SeriesLine& line, int64_t step_ms, CustomBuckets* classic);
  // The answer from what is loaded, or from what `store_` makes of it.
  Result<QueryResult> Ask(const EvalCommand& eval);
  // The first difference of all the ways to ask; empty when there is none.
  std::string Check(const EvalCommand& eval);
  std::string CheckInstant(const EvalCommand& eval);
  std::string CheckMiddleStep(const EvalCommand& eval, ResultKind kind);

  std::string_view name_;
  const ScriptQuery& ask_;
  std::string* report_;
  const ScriptStorage& store_;
  MemoryStorage storage_;
  std::unique_ptr<const Queryable> stored_;  // null when storage_ changed since
  ScriptSummary summary_;
};

void ScriptRun::Add(const SeriesLine& line, int64_t step_ms, CustomBuckets* classic) {
  for (size_t i = 0; i < line.values.size(); ++i) {
    const SequenceValue& value = line.values[i];
    if (value.kind == SequenceValue::kOmitted) continue;
    const TimestampMs t_ms = static_cast<int64_t>(i) * step_ms;
    TimestampMs start_ms = 0;
    if (!line.start_offsets_ms.empty() && line.start_offsets_ms[i]) {
      start_ms = t_ms + *line.start_offsets_ms[i];
    }
    if (value.kind == SequenceValue::kHistogram) {
      storage_.Add(line.labels, t_ms, value.histogram, start_ms);
    } else {
      storage_.Add(line.labels, t_ms, value.value, start_ms);
      classic->Add(line.labels, t_ms, value.value);
    }
  }
}

Status ScriptRun::Execute(const LoadCommand& load) {
  stored_.reset();
  CustomBuckets classic;
  for (const SeriesLine& line : load.series) Add(line, load.step_ms, &classic);
  if (!load.with_custom_buckets) return Status::Ok();
  ASSIGN_OR_RETURN(const auto converted, classic.Convert());
  for (const CustomBuckets::Converted& one : converted) {
    storage_.Add(one.labels, one.t_ms, one.histogram);
  }
  return Status::Ok();
}

Status ScriptRun::Execute(const EvalCommand& eval) {
  const std::string difference = Check(eval);
  if (difference.empty()) {
    ++summary_.passed;
    return Status::Ok();
  }
  ++summary_.failed;
  report_->append(name_).append(":").append(std::to_string(eval.line)).append(": failed: ");
  report_->append(difference).append(": ").append(eval.query).append("\n");
  return Status::Ok();
}

std::string ScriptRun::Check(const EvalCommand& eval) {
  if (eval.is_range) return Difference(eval, Ask(eval));
  std::string difference = CheckInstant(eval);
  if (!difference.empty()) return difference;
  for (const PinnedQuery& pinned : PinQuery(eval.query, eval.at_ms)) {
    EvalCommand again = eval;
    again.query = pinned.query;
    again.at_ms = pinned.at_ms;
    difference = CheckInstant(again);
    if (!difference.empty()) {
      return "as " + again.query + " at " + std::to_string(again.at_ms) + " ms: " + difference;
    }
  }
  return "";
}

std::string ScriptRun::CheckInstant(const EvalCommand& eval) {
  const Result<QueryResult> answer = Ask(eval);
  std::string difference = Difference(eval, answer);
  if (!difference.empty() || eval.fail) return difference;
  if (eval.is_range_vector || eval.text || AsksForItsTimes(eval.query)) return "";
  difference = CheckMiddleStep(eval, answer->kind);
  return difference.empty() ? "" : "as the middle step of a range query: " + difference;
}

std::string ScriptRun::CheckMiddleStep(const EvalCommand& eval, ResultKind kind) {
  EvalCommand range = eval;
  range.is_range = true;
  range.start_ms = eval.at_ms - kMinuteMs;
  range.end_ms = eval.at_ms + kMinuteMs;
  range.step_ms = kMinuteMs;
  const Result<QueryResult> answer = Ask(range);
  if (!answer.ok()) return "error: " + std::string(answer.status().message());
  // Range queries have an order of their own.
  if (eval.ordered) return "";
  for (size_t i = 1; i < answer->series.size(); ++i) {
    if (answer->series[i].labels < answer->series[i - 1].labels) {
      return "the matrix is not sorted at " + answer->series[i].labels.ToString();
    }
  }
  const QueryResult step = StepOf(*answer, kind, eval.at_ms);
  if (kind == ResultKind::kScalar && step.series.empty()) return "no value";
  return ValueDifference(eval, step);
}

Result<QueryResult> ScriptRun::Ask(const EvalCommand& eval) {
  if (store_ == nullptr) return ask_(storage_, eval);
  if (stored_ == nullptr) {
    ASSIGN_OR_RETURN(stored_, store_(storage_));
  }
  return ask_(*stored_, eval);
}

}  // namespace

EngineOptions ScriptEngineOptions() {
  EngineOptions options;
  options.max_samples = 10'000;
  options.enable_experimental = true;
  options.extended_range_selectors = true;
  options.fill_modifiers = true;
  options.delayed_name_removal = true;
  options.use_start_timestamps = true;
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
    const Status done = std::visit([&run](const auto& one) { return run.Execute(one); }, command);
    if (!done.ok()) return done.WithContext(name);
  }
  return run.summary();
}

}  // namespace thermocline::promql
