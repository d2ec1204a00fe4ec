#include "promql/naive/random_query.h"

namespace thermocline::promql::naive {

std::string QueryWriter::Query() {
  const int depth = 1 + static_cast<int>(Below(3));
  return OneIn(25) ? Scalar(depth) : Vector(depth);
}

std::string QueryWriter::InstantQuery() {
  if (!OneIn(20)) return Query();
  if (OneIn(10)) return "\"text\"";
  if (OneIn(4)) return RangeSelector() + OneOf({" anchored", " smoothed"}) + Modifiers();
  return Range(2);
}

std::string QueryWriter::Vector(int depth) {
  if (depth <= 0) return InstantSelector();
  switch (Below(10)) {
    case 0: return InstantSelector();
    case 1:
    case 2:
    case 3: return Call(depth);
    case 4:
    case 5: return Aggregation(depth);
    case 6: return Arithmetic(depth);
    case 7: return Comparison(depth);
    case 8: return SetOperation(depth);
    default:
      if (OneIn(3)) return Trim(depth);
      return OneIn(2) ? "-" + Parenthesised(InstantSelector())
                      : "vector(" + Scalar(depth - 1) + ")";
  }
}

std::string QueryWriter::Scalar(int depth) {
  switch (Below(depth > 0 ? 7 : 4)) {
    case 0:
    case 1: return OneOf({"1", "2.5", "-3", "0", "1e3", "NaN", "-Inf", "0x10"});
    case 2: return OneOf({"time()", "pi()", "(1 + 2)", "(3 > bool 2)", "2 ^ 3 % 5"});
    case 3: return OneOf({"step()", "range()", "start()", "end()", "-time()"});
    case 4: return "scalar(" + Vector(depth - 1) + ")";
    case 5:
      return OneOf({"max_of(", "min_of("}) + Scalar(depth - 1) + ", " + Scalar(depth - 1) + ")";
    default:
      return "(" + Scalar(depth - 1) +
             OneOf({" + ", " * ", " - ", " / ", " % ", " atan2 ", " <= bool ", " != bool "}) +
             Scalar(depth - 1) + ")";
  }
}

std::string QueryWriter::Grouping() {
  return OneOf({"", "", " by (i)", " by (j, i)", " without (i)", " without ()", " by (nothing)",
                " by (__name__)", " by (__name__, j)", " without (j, le)", " by ()"});
}

// Selectors and functions of each of their series keep the order of the series.
std::string QueryWriter::RankedOperand() { return OneIn(2) ? InstantSelector() : RateCall(0); }

std::string QueryWriter::Aggregation(int depth) {
  switch (Below(9)) {
    case 0: {
      const std::string k = OneIn(8) ? Scalar(1) : OneOf({"1", "2", "3", "0", "9", "-1"});
      return OneOf({"topk", "bottomk", "limitk"}) + Grouping() + "(" + k + ", " +
             Parenthesised(Vector(depth - 1)) + ")";
    }
    case 1: {
      const std::string ratio =
          OneIn(8) ? Scalar(1) : OneOf({"0.5", "-0.5", "0", "0.1", "-0.9", "1", "3"});
      return "limit_ratio" + Grouping() + "(" + ratio + ", " + Vector(depth - 1) + ")";
    }
    case 2: {
      const std::string q = OneIn(6) ? Scalar(1) : OneOf({"0.5", "0.25", "1", "-1", "0", "1.5"});
      return "quantile" + Grouping() + "(" + q + ", " + Vector(depth - 1) + ")";
    }
    case 3: return "count_values" + Grouping() + "(\"v\", " + RankedOperand() + ")";
    default:
      return OneOf(
                 {"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "sum", "avg"}) +
             Grouping() + "(" + Parenthesised(Vector(depth - 1)) + ")";
  }
}

std::string QueryWriter::Matching(bool fills) {
  const std::string on =
      OneOf({"", "", "", " on (i, j)", " ignoring (k)", " on (i) group_left", " ignoring (j)",
             " on (i, j) group_right (k)", " on (j)", " ignoring (i) group_left (j)",
             " on (i) group_right", " on (i) group_left (j)", " on (__name__, i, j)", " on ()"});
  if (!fills || !OneIn(4)) return on;
  return on + OneOf({" fill (0)", " fill_left (3)", " fill_right (2)", " fill (NaN)",
                     " fill_left (1) fill_right (2)"});
}

std::string QueryWriter::Arithmetic(int depth) {
  const std::string op = OneOf({" +", " -", " *", " /", " %", " ^", " atan2", " +", " -"});
  const std::string vector = Vector(depth - 1);
  switch (Below(4)) {
    case 0: return "(" + vector + op + " " + Scalar(depth - 1) + ")";
    case 1: return "(" + Scalar(depth - 1) + op + " " + vector + ")";
    case 2: return "(" + vector + op + Matching(true) + " " + vector + ")";
    default: return "(" + vector + op + Matching(true) + " " + Vector(depth - 1) + ")";
  }
}

std::string QueryWriter::Comparison(int depth) {
  const std::string op = OneOf({" ==", " !=", " >", " <", " >=", " <="});
  const std::string flag = OneIn(2) ? " bool" : "";
  const std::string vector = Vector(depth - 1);
  switch (Below(4)) {
    case 0: return "(" + vector + op + flag + " " + OneOf({"0", "2", "5", "time()"}) + ")";
    case 1: return "(" + OneOf({"0", "2", "NaN"}) + op + flag + " " + vector + ")";
    case 2: return "(" + vector + op + flag + Matching(true) + " " + vector + ")";
    default: return "(" + vector + op + flag + Matching(true) + " " + Vector(depth - 1) + ")";
  }
}

std::string QueryWriter::SetOperation(int depth) {
  return "(" + Vector(depth - 1) + OneOf({" and", " or", " unless"}) +
         OneOf({"", " on (i)", " ignoring (j)", " on ()", " ignoring (i, j)"}) + " " +
         Vector(depth - 1) + ")";
}

std::string QueryWriter::Trim(int depth) {
  const std::string op = OneOf({" </ ", " >/ "});
  const std::string histograms =
      OneIn(2) ? OneOf({"e", "n", "g", "x", "rate(e[3m])"}) : Vector(depth - 1);
  const std::string bound = OneOf({"0", "1", "2.5", "-1", "100", "-Inf", "+Inf", "0.0005"});
  return OneIn(8) ? "(" + bound + op + histograms + ")" : "(" + histograms + op + bound + ")";
}

}  // namespace thermocline::promql::naive
