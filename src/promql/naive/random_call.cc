// Function calls: any of the table of signatures, and those that are interesting more often.
#include "promql/naive/random_query.h"

namespace thermocline::promql::naive {
namespace {

using F = Function;

// Which quantiles, ratios and factors are tried where a plain scalar would seldom be one.
const std::vector<std::string>& Quantiles() {
  static const auto* const kQuantiles = new std::vector<std::string>{
      "0.5", "0.95", "0", "1", "0.1", "0.75", "-0.5", "1.5", "NaN", "-0"};
  return *kQuantiles;
}

}  // namespace

std::string QueryWriter::Argument(const Signature& function, size_t index, int depth) {
  const size_t last = static_cast<size_t>(function.arg_count) - 1;
  switch (function.args[index < last ? index : last]) {
    case ValueType::kScalar:
      if (function.function == F::kQuantileOverTime || function.function == F::kHistogramQuantile) {
        return OneIn(8) ? Scalar(depth) : OneOf(Quantiles());
      }
      if (function.function == F::kDoubleExponentialSmoothing) {
        return OneIn(20) ? Scalar(depth) : OneOf({"0.1", "0.5", "0.9"});
      }
      return Scalar(depth);
    case ValueType::kMatrix: return Range(depth);
    case ValueType::kString: return OneOf({"\"i\"", "\"j\"", "\"le\"", "\"new\"", "\"__name__\""});
    default: return Vector(depth);
  }
}

std::string QueryWriter::AnyCall(int depth) {
  const auto all = AllSignatures();
  const Signature* function = nullptr;
  // Those that make vectors; scalars come through Scalar().
  do {
    function = &all[Below(all.size())];
  } while (function->returns != ValueType::kVector);
  if (function->function == F::kInfo) return InfoCall(depth);
  if (function->function == F::kLabelReplace || function->function == F::kLabelJoin) {
    return LabelCall(depth);
  }
  if (function->function == F::kHistogramQuantiles) return HistogramCall(depth);
  size_t count = function->arg_count;
  if (function->variadic != 0 && OneIn(2)) --count;
  if (function->variadic != 0 && function->variadic != 1 && OneIn(2)) ++count;
  std::string text = std::string(function->name) + "(";
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += ", ";
    text += Parenthesised(Argument(*function, i, depth - 1));
  }
  return text + ")";
}

std::string QueryWriter::RateCall(int depth) {
  const std::string extension = OneIn(4) ? OneOf({" anchored", " smoothed"}) : "";
  const std::vector<std::string> all = {"rate",  "increase", "delta",  "rate",
                                        "irate", "idelta",   "resets", "changes"};
  if (extension.empty()) return OneOf(all) + "(" + Range(depth) + ")";
  const std::string function =
      OneIn(30)
          ? OneOf(all)
          : OneOf(extension == " anchored"
                      ? std::vector<std::string>{"rate", "increase", "delta", "resets", "changes"}
                      : std::vector<std::string>{"rate", "increase", "delta"});
  return function + "(" + RangeSelector() + extension + Modifiers() + ")";
}

std::string QueryWriter::HistogramCall(int depth) {
  const std::string operand =
      OneIn(2) ? Vector(depth - 1)
               : OneOf({"h_bucket", "rate(h_bucket[5m])", "sum by (le) (increase(h_bucket[3m]))",
                        "e", "n", "g", "x", "rate(e[3m])", "increase(n[5m])", "sum(rate(e[4m]))",
                        "avg by (i) (n)", "sum(g)", "{__name__=~\"h_bucket|e\"}",
                        "sum without (le) (h_bucket)"});
  switch (Below(6)) {
    case 0: {
      std::string text = "histogram_quantiles(" + operand + ", \"q\"";
      for (size_t i = 1 + Below(3); i > 0; --i) text += ", " + OneOf(Quantiles());
      return text + ")";
    }
    case 1:
    case 2: {
      const std::string q = OneIn(8) ? Scalar(depth - 1) : OneOf(Quantiles());
      return "histogram_quantile(" + q + ", " + operand + ")";
    }
    case 3:
      return "histogram_fraction(" + OneOf({"0", "0.5", "-1", "5", "-Inf", "NaN"}) + ", " +
             OneOf({"1", "3", "+Inf", "0.7", "-2"}) + ", " + operand + ")";
    default:
      return OneOf({"histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev",
                    "histogram_stdvar"}) +
             "(" + operand + ")";
  }
}

std::string QueryWriter::LabelCall(int depth) {
  const std::string target = OneOf({"\"new\"", "\"i\"", "\"j\"", "\"__name__\"", "\"k\""});
  const std::string source = OneOf({"\"i\"", "\"j\"", "\"le\"", "\"none\"", "\"__name__\""});
  if (OneIn(2)) {
    return "label_join(" + Vector(depth - 1) + ", " + target + ", \"-\", " + source +
           (OneIn(2) ? ", \"i\"" : "") + ")";
  }
  return "label_replace(" + Vector(depth - 1) + ", " + target + ", " +
         OneOf({"\"$1\"", "\"v\"", "\"\"", "\"x-${1}\"", "\"$0\""}) + ", " + source + ", " +
         OneOf({"\"(.*)\"", "\"(.).*\"", "\"1\"", "\"\"", "\"[xy]\""}) + ")";
}

std::string QueryWriter::InfoCall(int depth) {
  const std::string operand =
      OneIn(3)
          ? Vector(depth - 1)
          : OneOf({"t", "t{i=\"1\"}", "sum by (instance, job) (t)", "{job=\"j\"}", "rate(t[3m])"});
  const std::string selector = OneOf({"", ", {version=~\".+\"}", ", {__name__=\"build_info\"}",
                                      ", {version=\"1\"}", ", {__name__=~\".+_info\"}",
                                      ", {__name__!=\"target_info\"}", ", {build=\"\"}", ", {}"});
  return "info(" + operand + selector + ")";
}

std::string QueryWriter::Call(int depth) {
  switch (Below(8)) {
    case 0:
    case 1: return RateCall(depth);
    case 2: return HistogramCall(depth);
    case 3: return OneIn(2) ? LabelCall(depth) : InfoCall(depth);
    default: return AnyCall(depth);
  }
}

}  // namespace thermocline::promql::naive
