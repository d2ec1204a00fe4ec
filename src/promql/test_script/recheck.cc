#include "promql/test_script/recheck.h"

#include <algorithm>
#include <array>
#include <functional>

#include "promql/ast.h"
#include "promql/parser.h"
#include "promql/printer.h"
#include "promql/signatures.h"

namespace thermocline::promql {
namespace {

constexpr std::array<std::string_view, 15> kVarying = {
    "days_in_month", "day_of_month", "day_of_week", "day_of_year", "end",
    "hour",          "minute",       "month",       "year",        "predict_linear",
    "range",         "start",        "step",        "time",        "timestamp"};

class Pinning {
 public:
  explicit Pinning(TimestampMs at_ms) : at_ms_(at_ms) {}
  bool varies() const { return varies_; }

  // A subquery shields what is in it: its own @ decides.
  void Visit(Expr& expr) {
    if (expr.kind == ExprKind::kSubquery) {
      Pin(&As<SubqueryExpr>(expr).time);
      return;
    }
    if (expr.kind == ExprKind::kVectorSelector) Pin(&As<VectorSelector>(expr).time);
    if (expr.kind == ExprKind::kCall) {
      const std::string_view name = As<Call>(expr).function->name;
      varies_ = varies_ || std::find(kVarying.begin(), kVarying.end(), name) != kVarying.end();
    }
    // The tree is ours; only the walk is for readers.
    ForEachChild(expr, [this](const Expr& child) { Visit(const_cast<Expr&>(child)); });
  }

 private:
  void Pin(TimeModifiers* time) const {
    if (time->at == AtKind::kTimestamp) return;
    time->at = AtKind::kTimestamp;
    time->at_ms = at_ms_;
  }
  TimestampMs at_ms_;
  bool varies_ = false;
};

}  // namespace

std::vector<PinnedQuery> PinQuery(std::string_view query, TimestampMs at_ms) {
  Result<ExprPtr> expr = Parse(query);
  if (!expr.ok()) return {};
  Pinning pinning(at_ms);
  pinning.Visit(**expr);
  if (pinning.varies()) return {};
  const std::string pinned = Print(**expr);
  std::vector<TimestampMs> times = {-10 * at_ms, 0, at_ms / 5, at_ms, 10 * at_ms};
  if (at_ms == 0) times = {-1000, 0, 1000};
  std::vector<PinnedQuery> queries;
  for (const TimestampMs t_ms : times) queries.push_back({pinned, t_ms});
  return queries;
}

bool AsksForItsTimes(std::string_view query) {
  return std::any_of(kVarying.begin(), kVarying.end(), [query](std::string_view name) {
    const bool of_the_query = name == "start" || name == "end" || name == "range" || name == "step";
    return of_the_query && query.find(std::string(name) + "()") != std::string_view::npos;
  });
}

QueryResult StepOf(const QueryResult& range, ResultKind kind, TimestampMs at_ms) {
  QueryResult step;
  step.kind = kind;
  step.at_ms = at_ms;
  for (const ResultSeries& series : range.series) {
    for (size_t i = 0; i < series.values.size(); ++i) {
      if (series.timestamps_ms[i] != at_ms) continue;
      ResultSeries& point = step.series.emplace_back();
      point.labels = series.labels;
      point.timestamps_ms = {at_ms};
      point.values = {series.values[i]};
      if (!series.histograms.empty()) point.histograms = {series.histograms[i]};
    }
  }
  return step;
}

}  // namespace thermocline::promql
