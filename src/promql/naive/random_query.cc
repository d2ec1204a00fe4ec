#include "promql/naive/random_query.h"

#include "model/sample.h"

namespace thermocline::promql::naive {
namespace {

constexpr TimestampMs kEndMs = 30 * kMinuteMs;

// One series: a sample about every 15 s, some missing, now and then a stale marker.
template <typename NextValue>
void FillSeries(std::mt19937_64& random, const Labels& labels, NextValue next,
                MemoryStorage* storage) {
  const bool jitter = random() % 2 == 0;
  bool absent = random() % 4 == 0;
  for (TimestampMs t_ms = 0; t_ms <= kEndMs; t_ms += 15 * kSecondMs) {
    if (random() % 40 == 0) absent = !absent;
    const double value = next();
    if (absent || random() % 20 == 0) continue;
    const TimestampMs at_ms = t_ms + (jitter ? static_cast<int64_t>(random() % 3000) : 0);
    storage->Add(labels, at_ms, random() % 60 == 0 ? StaleMarker() : value);
  }
}

}  // namespace

void FillRandomly(std::mt19937_64* random_source, MemoryStorage* storage) {
  std::mt19937_64& random = *random_source;
  for (const std::string i : {"1", "2", "3"}) {
    for (const std::string j : {"x", "y"}) {
      for (const std::string name : {"a", "b"}) {
        FillSeries(
            random, Labels{{"__name__", name}, {"i", i}, {"j", j}},
            [&] { return static_cast<double>(random() % 10) - 3; }, storage);
      }
      double count = 0;
      FillSeries(
          random, Labels{{"__name__", "c_total"}, {"i", i}, {"j", j}},
          [&] { return count = random() % 25 == 0 ? 0 : count + random() % 7; }, storage);
      FillSeries(
          random, Labels{{"__name__", "u"}, {"i", i}, {"j", j}, {"k", "only"}},
          [&] { return static_cast<double>(random()) / 1e15; }, storage);
    }
    for (const std::string le : {"0.1", "1", "10", "+Inf"}) {
      const double scale = static_cast<double>(le.size());
      double count = 0;
      FillSeries(
          random, Labels{{"__name__", "h_bucket"}, {"i", i}, {"le", le}},
          [&] { return count += scale * static_cast<double>(random() % 3); }, storage);
    }
  }
}

std::string QueryWriter::Duration() {
  return OneOf({"15s", "1m", "47s", "2m", "3m30s", "5m", "10m", "1ms", "min_of(90s, 5m)"});
}

std::string QueryWriter::Modifiers() {
  std::string text;
  if (Below(6) == 0) text += " offset " + std::string(Below(3) == 0 ? "-" : "") + Duration();
  if (Below(10) == 0) text += " @ " + OneOf({"start()", "end()", "600", "0", "1234.567", "99999"});
  return text;
}

std::string QueryWriter::Selector() {
  return OneOf({"a", "b", "a{i=\"1\"}", "a{i!=\"1\"}", "b{j=~\"x|z\"}", "{__name__=~\"a|b\"}",
                "c_total", "c_total{i=~\"[12]\"}", "missing", "a{j!~\"x.*\",i=\"2\"}",
                "{i=\"3\",j=\"x\"}"});
}

std::string QueryWriter::Range(int depth) {
  if (depth > 0 && Below(3) == 0) {
    const std::string step = Below(3) == 0 ? "" : OneOf({"30s", "1m", "7s"});
    const std::string inner = Below(2) == 0 ? Selector() : "(" + Vector(depth - 1) + ")";
    return inner + "[" + OneOf({"1m", "2m", "5m"}) + ":" + step + "]" + Modifiers();
  }
  const std::string range = Below(20) == 0 ? "max_of(step(), 40s) * 2" : Duration();
  return Selector() + "[" + range + "]" + Modifiers();
}

// Whole numbers only.
std::string QueryWriter::Whole(int depth) {
  if (depth <= 0 || Below(3) == 0) return Selector() + Modifiers();
  switch (Below(5)) {
    case 0:
      return OneOf({"sum", "min", "max", "count", "group"}) + Grouping() + "(" + Whole(depth - 1) +
             ")";
    case 1:
      return OneOf({"count_over_time", "sum_over_time", "min_over_time", "max_over_time",
                    "last_over_time", "first_over_time", "resets", "changes",
                    "present_over_time"}) +
             "(" + Selector() + "[" + Duration() + "]" + Modifiers() + ")";
    case 2:
      return "(" + Whole(depth - 1) + OneOf({" + ", " - ", " * "}) + OneOf({"1", "2", "-3"}) + ")";
    case 3: return OneOf({"abs", "sgn", "floor", "-"}) + "(" + Whole(depth - 1) + ")";
    default: return "(" + Comparison(depth - 1) + ")";
  }
}

std::string QueryWriter::WindowCall(int depth) {
  switch (Below(8)) {
    case 0: return "double_exponential_smoothing(" + Range(depth) + ", 0.3, 0.6)";
    case 3:
      return "quantile_over_time(" + OneOf({"0.5", "0.9", "0", "1", "-0.1", "1.5"}) + ", " +
             Range(depth) + ")";
    case 1: return "predict_linear(" + Range(depth) + ", " + OneOf({"60", "3600", "-5"}) + ")";
    case 2: return "absent_over_time(" + Range(depth) + ")";
    default:
      return OneOf({"rate",
                    "increase",
                    "delta",
                    "irate",
                    "idelta",
                    "resets",
                    "changes",
                    "deriv",
                    "sum_over_time",
                    "avg_over_time",
                    "min_over_time",
                    "max_over_time",
                    "count_over_time",
                    "last_over_time",
                    "first_over_time",
                    "stddev_over_time",
                    "stdvar_over_time",
                    "present_over_time",
                    "mad_over_time",
                    "ts_of_last_over_time"}) +
             "(" + Range(depth) + ")";
  }
}

std::string QueryWriter::ElementCall(int depth) {
  const std::string inner = Vector(depth - 1);
  switch (Below(7)) {
    case 0: return "clamp(" + inner + ", -1, " + Scalar(depth - 1) + ")";
    case 1: return "round(" + Whole(depth - 1) + ", 5)";
    case 2: return "label_join(" + inner + ", \"n\", \"-\", \"i\", \"j\")";
    case 3: return "timestamp(" + inner + ")";
    case 4: return "absent(" + inner + ")";
    case 6:
      return "histogram_fraction(" + OneOf({"0", "0.5", "-1", "5"}) + ", " +
             OneOf({"1", "3", "+Inf"}) + ", " + OneOf({"h_bucket", "increase(h_bucket[2m])"}) + ")";
    case 5:
      return "histogram_quantile(" + OneOf({"0.5", "0.95", "0", "1", "2"}) + ", " +
             OneOf({"h_bucket", "rate(h_bucket[5m])", "sum by (le) (increase(h_bucket[3m]))"}) +
             ")";
    default:
      return OneOf({"abs", "ceil", "exp", "sqrt", "ln", "sgn", "sin", "atan", "deg", "hour",
                    "minute", "day_of_week", "-"}) +
             "(" + inner + ")";
  }
}

std::string QueryWriter::Grouping() {
  return OneOf({"", " by (i)", " by (j, i)", " without (i)", " without ()", " by (nothing)"});
}

std::string QueryWriter::Aggregation(int depth) {
  switch (Below(5)) {
    case 0:
      return OneOf({"topk", "bottomk"}) + Grouping() + "(" + OneOf({"1", "2", "0", "9"}) + ", u" +
             Modifiers() + ")";
    case 1:
      return "quantile" + Grouping() + "(" + OneOf({"0.5", "0.25", "1", "-1"}) + ", " +
             Vector(depth - 1) + ")";
    case 2: return "count_values" + Grouping() + "(\"v\", " + Whole(depth - 1) + ")";
    default:
      return OneOf({"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"}) +
             Grouping() + "(" + Vector(depth - 1) + ")";
  }
}

std::string QueryWriter::Matching() {
  return OneOf({"", "", " on (i, j)", " ignoring (k)", " on (i) group_left", " ignoring (j)",
                " on (i, j) group_right (k)", " on (j)"}) +
         OneOf({"", "", "", "", " fill (0)", " fill_left (3)", " fill_right (2)"});
}

std::string QueryWriter::Arithmetic(int depth) {
  const std::string op = OneOf({" +", " -", " *", " /", " %", " ^", " atan2"});
  if (Below(2) == 0) return "(" + Vector(depth - 1) + op + " " + Scalar(depth - 1) + ")";
  return "(" + Vector(depth - 1) + op + Matching() + " " + Vector(depth - 1) + ")";
}

std::string QueryWriter::Comparison(int depth) {
  const std::string op = OneOf({" ==", " !=", " >", " <", " >=", " <="});
  const std::string flag = Below(2) == 0 ? " bool" : "";
  if (Below(2) == 0) return "(" + Whole(depth - 1) + op + flag + " " + OneOf({"0", "2", "5"}) + ")";
  return "(" + Whole(depth - 1) + op + flag + Matching() + " " + Whole(depth - 1) + ")";
}

std::string QueryWriter::SetOperation(int depth) {
  return "(" + Vector(depth - 1) + OneOf({" and", " or", " unless"}) +
         OneOf({"", " on (i)", " ignoring (j)", " on ()"}) + " " + Vector(depth - 1) + ")";
}

std::string QueryWriter::Scalar(int depth) {
  switch (Below(depth > 0 ? 5 : 3)) {
    case 0: return OneOf({"1", "2.5", "-3", "0", "1e3"});
    case 1: return "time()";
    case 2: return OneOf({"pi()", "(1 + 2)", "(3 > bool 2)"});
    case 3: return "scalar(" + Vector(depth - 1) + ")";
    default:
      return "(" + Scalar(depth - 1) + OneOf({" + ", " * ", " - "}) + Scalar(depth - 1) + ")";
  }
}

std::string QueryWriter::Vector(int depth) {
  if (depth <= 0) return Selector() + Modifiers();
  switch (Below(8)) {
    case 0: return Selector() + Modifiers();
    case 1: return WindowCall(depth);
    case 2: return ElementCall(depth);
    case 3: return Aggregation(depth);
    case 4: return Arithmetic(depth);
    case 5: return Comparison(depth);
    case 6: return SetOperation(depth);
    default: return Below(2) == 0 ? "vector(" + Scalar(depth - 1) + ")" : WindowCall(depth);
  }
}

}  // namespace thermocline::promql::naive
