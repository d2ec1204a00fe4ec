#include "promql/naive/differential.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "promql/naive/naive.h"
#include "promql/naive/random_data.h"
#include "promql/naive/random_query.h"
#include "promql/naive/random_storage.h"
#include "promql/parser.h"
#include "promql/text.h"

namespace thermocline::promql::naive {
namespace {

// Values are the same to the last bit. Only sums of a group follow the order of its series, which
// nothing prescribes where an operator made them.
constexpr double kOrderError = 1e-12;

bool HasGroupSums(std::string_view query) {
  for (const std::string_view name : {"sum", "avg", "stddev", "stdvar"}) {
    for (size_t at = query.find(name); at != query.npos; at = query.find(name, at + 1)) {
      const size_t after = at + name.size();
      if (after < query.size() && query[after] != '_') return true;
    }
  }
  return false;
}

// Makes a difference in the last bit one of any size.
bool Amplifies(std::string_view query) {
  for (const std::string_view part : {"tan(", "sin(", "cos(", " %", " ^", "exp("}) {
    if (query.find(part) != query.npos) return true;
  }
  return false;
}

double ErrorOf(std::string_view query) {
  if (!HasGroupSums(query)) return 0;
  return Amplifies(query) ? std::numeric_limits<double>::infinity() : kOrderError;
}

class Closeness {
 public:
  explicit Closeness(double relative_error) : relative_error_(relative_error) {}

  bool Same(double a, double b) const {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    if (a == b) return std::signbit(a) == std::signbit(b);
    return std::fabs(a - b) <= relative_error_ * (std::fabs(a) + std::fabs(b));
  }
  bool Same(const std::vector<double>& a, const std::vector<double>& b) const {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [this](double x, double y) { return Same(x, y); });
  }
  bool Same(const FloatHistogram* a, const FloatHistogram* b) const {
    if (a == nullptr || b == nullptr) return a == b;
    return a->reset_hint == b->reset_hint && a->schema == b->schema &&
           a->zero_threshold == b->zero_threshold && Same(a->zero_count, b->zero_count) &&
           Same(a->count, b->count) && Same(a->sum, b->sum) &&
           a->positive_spans == b->positive_spans && a->negative_spans == b->negative_spans &&
           Same(a->positive_buckets, b->positive_buckets) &&
           Same(a->negative_buckets, b->negative_buckets) && a->custom_bounds == b->custom_bounds;
  }

 private:
  const double relative_error_;
};

// A float and a histogram of one time may stand in one series or in two.
struct ResultPoint {
  Labels labels;
  TimestampMs t_ms = 0;
  double value = 0;
  const FloatHistogram* histogram = nullptr;
};

std::vector<ResultPoint> PointsOf(const QueryResult& result) {
  std::vector<ResultPoint> points;
  for (const ResultSeries& series : result.series) {
    for (size_t i = 0; i < series.values.size(); ++i) {
      points.push_back(
          {series.labels, series.timestamps_ms[i], series.values[i], series.histogram(i)});
    }
  }
  std::stable_sort(points.begin(), points.end(), [](const ResultPoint& a, const ResultPoint& b) {
    if (a.labels != b.labels) return a.labels < b.labels;
    if (a.t_ms != b.t_ms) return a.t_ms < b.t_ms;
    return a.histogram == nullptr && b.histogram != nullptr;
  });
  return points;
}

bool Same(const ResultPoint& a, const ResultPoint& b, const Closeness& close) {
  return a.labels == b.labels && a.t_ms == b.t_ms && close.Same(a.histogram, b.histogram) &&
         (a.histogram != nullptr || close.Same(a.value, b.value));
}

std::string Shown(const QueryResult& result) {
  std::string text = result.text;
  for (const ResultSeries& series : result.series) {
    text += "    " + series.labels.ToString();
    for (size_t i = 0; i < series.values.size(); ++i) {
      const FloatHistogram* histogram = series.histogram(i);
      text += fmt::format(
          " {}@{}",
          histogram != nullptr ? TestExpression(*histogram) : fmt::format("{}", series.values[i]),
          series.timestamps_ms[i]);
    }
    text += "\n";
  }
  for (const std::string& warning : result.warnings) text += "    " + warning + "\n";
  for (const std::string& info : result.infos) text += "    " + info + "\n";
  return text;
}

std::string Shown(const Result<QueryResult>& answer) {
  return answer.ok() ? Shown(*answer) : "    " + answer.status().ToString() + "\n";
}

// Only sorting makes an order that counts, and only that of the values: equal ones have none.
bool IsOrdered(const RandomCase& asked, const QueryResult& result) {
  return result.kind == ResultKind::kVector &&
         (asked.query.starts_with("sort(") || asked.query.starts_with("sort_desc(") ||
          asked.query.starts_with("topk") || asked.query.starts_with("bottomk"));
}

std::vector<double> ValuesOf(const QueryResult& result) {
  std::vector<double> values;
  for (const ResultSeries& series : result.series) {
    values.insert(values.end(), series.values.begin(), series.values.end());
  }
  return values;
}

// What clashed in a group, and with what, depends on the order of its series, too.
bool HasClash(const QueryResult& result) {
  return std::any_of(result.warnings.begin(), result.warnings.end(), [](const std::string& text) {
    return text.find("exponential and custom buckets") != text.npos;
  });
}

// Of what a step's pairs have to say an operator keeps the last, and the last pair is one of no
// particular order: which kinds did not go together is left out.
std::set<std::string> Told(const std::vector<std::string>& notes) {
  std::set<std::string> told;
  for (const std::string& note : notes) {
    const bool kinds = note.find("incompatible sample types") != note.npos;
    told.insert(kinds ? note.substr(0, note.find("\": ")) + note.substr(note.rfind(" (")) : note);
  }
  return told;
}

// Without the match group: which of several is met first follows the order of series, which
// nothing prescribes.
std::string_view Told(std::string_view message) {
  constexpr std::string_view kDuplicate = "found duplicate series for the match group";
  return message.starts_with(kDuplicate) ? kDuplicate : message;
}

// Which error of several is told depends on how the engine cuts its work.
bool SameError(const RandomCase& asked, const Status& engine, const Status& naive) {
  const bool one_tile = asked.options.tile_bytes == EngineOptions().tile_bytes;
  return engine.code() == naive.code() &&
         (!one_tile || Told(engine.message()) == Told(naive.message()));
}

bool Same(const RandomCase& asked, const Result<QueryResult>& engine,
          const Result<QueryResult>& naive) {
  if (!engine.ok() || !naive.ok()) {
    return !engine.ok() && !naive.ok() && SameError(asked, engine.status(), naive.status());
  }
  if (engine->kind != naive->kind || engine->text != naive->text) return false;
  const bool group_sums = HasGroupSums(asked.query);
  const Closeness close(ErrorOf(asked.query));
  const std::vector<ResultPoint> left = PointsOf(*engine);
  const std::vector<ResultPoint> right = PointsOf(*naive);
  if (!std::equal(left.begin(), left.end(), right.begin(), right.end(),
                  [&](const ResultPoint& a, const ResultPoint& b) { return Same(a, b, close); })) {
    return false;
  }
  if (IsOrdered(asked, *engine) && !close.Same(ValuesOf(*engine), ValuesOf(*naive))) return false;
  if (group_sums && HasClash(*engine) && HasClash(*naive)) return true;
  return Told(engine->warnings) == Told(naive->warnings) &&
         Told(engine->infos) == Told(naive->infos);
}

std::string Compared(std::string_view how, const RandomCase& asked,
                     const Result<QueryResult>& engine, const Result<QueryResult>& naive) {
  if (Same(asked, engine, naive)) return "";
  return fmt::format("  {}, engine:\n{}  naive:\n{}", how, Shown(engine), Shown(naive));
}

}  // namespace

std::string RandomCase::ToString() const {
  const EngineOptions plain;
  std::string text = fmt::format("{}\n  from {} to {} step {}", query, start_ms, end_ms, step_ms);
  if (options.lookback_delta_ms != plain.lookback_delta_ms) {
    text += fmt::format(", lookback {}", options.lookback_delta_ms);
  }
  if (options.tile_bytes != plain.tile_bytes) {
    text += fmt::format(", tiles of {} bytes", options.tile_bytes);
  }
  if (options.delayed_name_removal) text += ", delayed name removal";
  if (options.use_start_timestamps) text += ", start timestamps";
  if (options.type_and_unit_labels) text += ", type and unit labels";
  return text;
}

std::string DifferenceOf(const RandomCase& asked, const Matrix& data) {
  const RandomStorage storage(data);
  SeededExecutor executor;
  ManualClock clock;
  const Engine engine(asked.options, executor, clock);
  std::string difference =
      Compared("instant", asked, engine.Instant(storage, asked.query, asked.start_ms, {}),
               NaiveInstant(storage, asked.query, asked.start_ms, asked.options));
  if (!difference.empty() || asked.instant_only) return difference;
  return Compared(
      "range", asked,
      engine.Range(storage, asked.query, asked.start_ms, asked.end_ms, asked.step_ms, {}),
      NaiveRange(storage, asked.query, asked.start_ms, asked.end_ms, asked.step_ms, asked.options));
}

namespace {

// Replaces the query by a part of it that shows a difference too. False: no part does.
bool TakePart(RandomCase* asked, const Matrix& data) {
  const auto expr = Parse(asked->query, ParseOptionsOf(asked->options));
  if (!expr.ok()) return false;
  bool taken = false;
  ForEachChild(StripParens(**expr), [&](const Expr& child) {
    const ValueType type = TypeOf(child);
    if (taken || (type != ValueType::kVector && type != ValueType::kScalar)) return;
    RandomCase part = *asked;
    part.query = asked->query.substr(static_cast<size_t>(child.span.start),
                                     static_cast<size_t>(child.span.end - child.span.start));
    if (DifferenceOf(part, data).empty()) return;
    *asked = part;
    taken = true;
  });
  return taken;
}

}  // namespace

void Shrink(RandomCase* asked, Matrix* data) {
  while (TakePart(asked, *data)) {
  }
  while (asked->end_ms - asked->start_ms >= asked->step_ms) {
    RandomCase fewer = *asked;
    fewer.end_ms -= asked->step_ms;
    if (DifferenceOf(fewer, *data).empty()) break;
    *asked = fewer;
  }
  for (size_t i = data->size(); i-- > 0;) {
    Matrix fewer = *data;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (!DifferenceOf(*asked, fewer).empty()) *data = std::move(fewer);
  }
}

namespace {

// Prometheus evaluates a subquery between windows that do not meet too, where an error may be; an
// engine that cuts its steps into tiles there does not see it.
bool MayHaveGaps(const RandomCase& asked) {
  constexpr int64_t kShortestRangeMs = 41 * kSecondMs;
  const auto subqueries = std::count(asked.query.begin(), asked.query.end(), ':');
  return subqueries > 1 || (subqueries == 1 && asked.step_ms > kShortestRangeMs);
}

}  // namespace

Differential::Differential(uint64_t seed) : random_(seed), data_(RandomData(&random_)) {}

RandomCase Differential::Next() {
  RandomCase asked;
  QueryWriter writer(&random_);
  asked.instant_only = random_() % 10 == 0;
  asked.query = asked.instant_only ? writer.InstantQuery() : writer.Query();
  EngineOptions& options = asked.options;
  options.enable_experimental = true;
  options.extended_range_selectors = true;
  options.fill_modifiers = true;
  options.delayed_name_removal = random_() % 3 == 0;
  options.use_start_timestamps = random_() % 3 == 0;
  options.type_and_unit_labels = random_() % 4 == 0;
  if (random_() % 4 == 0) options.lookback_delta_ms = static_cast<int64_t>(1 + random_() % 90'000);
  // Tiles of one step and more, or one tile.
  if (random_() % 2 == 0) options.tile_bytes = 1 + random_() % 4000;
  asked.start_ms = static_cast<TimestampMs>(random_() % (20 * kMinuteMs));
  asked.step_ms = static_cast<int64_t>(1 + random_() % (2 * kMinuteMs));
  asked.end_ms = asked.start_ms + asked.step_ms * static_cast<int64_t>(random_() % 12) +
                 static_cast<int64_t>(random_() % static_cast<uint64_t>(asked.step_ms));
  if (MayHaveGaps(asked)) options.tile_bytes = EngineOptions().tile_bytes;
  return asked;
}

}  // namespace thermocline::promql::naive
