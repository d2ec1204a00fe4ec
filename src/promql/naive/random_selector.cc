// Selectors, ranges and their modifiers.
#include "promql/naive/random_query.h"

namespace thermocline::promql::naive {

std::string QueryWriter::Duration() {
  return OneOf({"15s", "1m", "47s", "2m", "3m30s", "5m", "10m", "1ms", "90", "min_of(90s, 5m)",
                "max_of(step(), 40s) * 2", "(1m + 30s)", "(range() / 4 + 1s)", "(5m % 2m)",
                "(2 ^ 5)"});
}

std::string QueryWriter::At() {
  return " @ " + OneOf({"start()", "end()", "600", "0", "1234.567", "99999", "17m", "-5"});
}

std::string QueryWriter::Modifiers() {
  std::string offset;
  if (OneIn(5)) {
    offset = " offset " + OneOf({"1m", "-1m", "7s", "4m30s", "-11m", "(1m + 5s)", "-step()"});
  }
  const std::string at = OneIn(9) ? At() : "";
  return OneIn(2) ? offset + at : at + offset;
}

std::string QueryWriter::Matchers() {
  if (!OneIn(3)) return "";
  return OneOf({"{i=\"1\"}", "{i!=\"1\"}", "{j=~\"x|z\"}", "{i=~\"[12]\",j!=\"y\"}", "{}",
                "{j!~\"x.*\",i=\"2\"}", "{i=\"3\",j=\"x\"}", "{k=\"\"}"});
}

std::string QueryWriter::Metric() {
  return OneOf({"a", "b", "a", "b", "c_total", "c_total", "u", "e", "e", "n", "n", "g", "x", "x",
                "h_bucket", "s", "t", "missing"});
}

std::string QueryWriter::Selector() {
  if (OneIn(12)) {
    return OneOf({"{__name__=~\"a|b\"}", "{i=\"3\",j=\"x\"}", "{__name__=~\"e|n|g\",j=\"y\"}",
                  "{__name__=~\"x|c_total\"}", "{job=\"j\"}", "{\"a\"}", "{__type__!=\"\"}",
                  "{__name__=~\".+\",j=\"x\",i!=\"2\"}", "target_info", "build_info"});
  }
  return Metric() + Matchers();
}

std::string QueryWriter::InstantSelector() {
  const std::string selector = Selector();
  const std::string extension = OneIn(12) ? OneOf({" smoothed", " anchored"}) : "";
  return selector + extension + Modifiers();
}

std::string QueryWriter::RangeSelector() { return Selector() + "[" + Duration() + "]"; }

std::string QueryWriter::Range(int depth) {
  if (depth <= 0 || !OneIn(4)) return RangeSelector() + Modifiers();
  const std::string step = OneOf({"", "30s", "1m", "7s", "(10s + 5s)", "step()"});
  const std::string inner = OneIn(2) ? InstantSelector() : "(" + Vector(depth - 1) + ")";
  const std::string range = OneOf({"1m", "2m", "5m", "41s", "(2m + 10s)"});
  return inner + "[" + range + ":" + step + "]" + Modifiers();
}

}  // namespace thermocline::promql::naive
