#include "promql/functions/sample_binary.h"

#include <utility>

#include "promql/functions/arithmetic.h"
#include "promql/functions/mixed_window.h"

namespace thermocline::promql {
namespace {

SampleAnswer Histogram(std::shared_ptr<const FloatHistogram> histogram) {
  SampleAnswer answer;
  answer.valid = true;
  answer.keep = true;
  answer.histogram = std::move(histogram);
  return answer;
}

SampleAnswer Nothing(BinaryNote note) {
  SampleAnswer answer;
  answer.note = note;
  return answer;
}

SampleAnswer Floats(BinaryOp op, double left, double right) {
  if (IsTrim(op)) return Nothing(BinaryNote::kFloatFloat);
  SampleAnswer answer;
  answer.valid = true;
  answer.keep = !IsComparison(op) || Compare(op, left, right);
  answer.value = IsComparison(op) ? left : Arithmetic(op, left, right);
  return answer;
}

SampleAnswer Scale(const FloatHistogram& histogram, double number, bool divide) {
  auto scaled = std::make_shared<FloatHistogram>(histogram);
  if (divide) {
    Divide(scaled.get(), number);
  } else {
    Multiply(scaled.get(), number);
  }
  Compact(scaled.get(), 0);
  return Histogram(std::move(scaled));
}

SampleAnswer WithFloat(BinaryOp op, const FloatHistogram& histogram, double number) {
  switch (op) {
    case BinaryOp::kMul: return Scale(histogram, number, false);
    case BinaryOp::kDiv: return Scale(histogram, number, true);
    case BinaryOp::kTrimLower:
    case BinaryOp::kTrimUpper: {
      auto trimmed = std::make_shared<FloatHistogram>(histogram);
      TrimBuckets(trimmed.get(), number, op == BinaryOp::kTrimUpper);
      return Histogram(std::move(trimmed));
    }
    default: return Nothing(BinaryNote::kHistogramFloat);
  }
}

SampleAnswer Sum(const FloatHistogram& left, const FloatHistogram& right, bool subtract) {
  auto sum = std::make_shared<FloatHistogram>(left);
  const auto noted = subtract ? Subtract(sum.get(), right) : Add(sum.get(), right);
  if (!noted) return Nothing(BinaryNote::kBucketLayout);
  if (noted->reset_collision) {
    return Nothing(subtract ? BinaryNote::kSubtractCollision : BinaryNote::kAddCollision);
  }
  if (subtract) sum->reset_hint = CounterResetHint::kGauge;
  Compact(sum.get(), 0);
  SampleAnswer answer = Histogram(std::move(sum));
  if (noted->bounds_reconciled) {
    answer.note = subtract ? BinaryNote::kSubtractBounds : BinaryNote::kAddBounds;
  }
  return answer;
}

SampleAnswer Histograms(BinaryOp op, const SampleRef& left, const SampleRef& right) {
  switch (op) {
    case BinaryOp::kAdd: return Sum(**left.histogram, **right.histogram, false);
    case BinaryOp::kSub: return Sum(**left.histogram, **right.histogram, true);
    case BinaryOp::kEqual:
    case BinaryOp::kNotEqual: {
      SampleAnswer answer = Histogram(*left.histogram);
      answer.keep = Equals(**left.histogram, **right.histogram) == (op == BinaryOp::kEqual);
      return answer;
    }
    default: return Nothing(BinaryNote::kHistogramHistogram);
  }
}

}  // namespace

SampleAnswer CombineSamples(BinaryOp op, const SampleRef& left, const SampleRef& right) {
  if (!left.is_histogram() && !right.is_histogram()) return Floats(op, left.value, right.value);
  if (!right.is_histogram()) return WithFloat(op, **left.histogram, right.value);
  if (left.is_histogram()) return Histograms(op, left, right);
  if (op == BinaryOp::kMul) return Scale(**right.histogram, left.value, false);
  return Nothing(BinaryNote::kFloatHistogram);
}

bool IsWarning(BinaryNote note) {
  return note == BinaryNote::kBucketLayout || note == BinaryNote::kAddCollision ||
         note == BinaryNote::kSubtractCollision;
}

std::string BinaryNoteText(BinaryNote note, BinaryOp op) {
  const std::string sign(BinaryOpText(op));
  const auto incompatible = [&sign](const char* left, const char* right) {
    return "incompatible sample types encountered for binary operator \"" + sign + "\": " + left +
           " " + sign + " " + right;
  };
  switch (note) {
    case BinaryNote::kFloatFloat: return incompatible("float", "float");
    case BinaryNote::kFloatHistogram: return incompatible("float", "histogram");
    case BinaryNote::kHistogramFloat: return incompatible("histogram", "float");
    case BinaryNote::kHistogramHistogram: return incompatible("histogram", "histogram");
    case BinaryNote::kBucketLayout:
      return "incompatible bucket layout encountered for binary operator " + sign;
    case BinaryNote::kAddCollision: return ResetCollisionText("addition");
    case BinaryNote::kSubtractCollision: return ResetCollisionText("subtraction");
    case BinaryNote::kAddBounds: return MismatchedBoundsText("addition");
    case BinaryNote::kSubtractBounds: return MismatchedBoundsText("subtraction");
    case BinaryNote::kNone: break;
  }
  return "";
}

}  // namespace thermocline::promql
