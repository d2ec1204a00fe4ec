// Binary operators on two samples of either kind. Source: Prometheus' promql/engine.go,
// vectorElemBinop; promql-semantics 4.5.
#pragma once

#include <memory>
#include <string>

#include "model/float_histogram.h"
#include "promql/ast.h"

namespace thermocline::promql {

// A float, or the histogram if that is not null. Borrows the pointer.
struct SampleRef {
  double value = 0;
  const std::shared_ptr<const FloatHistogram>* histogram = nullptr;

  bool is_histogram() const { return histogram != nullptr; }
};

// What is to be annotated. The first four: no such operation on these kinds.
enum class BinaryNote : uint8_t {
  kFloatFloat,
  kFloatHistogram,
  kHistogramFloat,
  kHistogramHistogram,
  kBucketLayout,
  kAddCollision,
  kSubtractCollision,
  kAddBounds,
  kSubtractBounds,
  kNone
};
inline constexpr size_t kBinaryNotes = static_cast<size_t>(BinaryNote::kNone);

bool IsWarning(BinaryNote note);
// The annotation's text.
std::string BinaryNoteText(BinaryNote note, BinaryOp op);

struct SampleAnswer {
  // The pair has an answer, whether a filter keeps it or not.
  bool valid = false;
  bool keep = false;
  double value = 0;
  std::shared_ptr<const FloatHistogram> histogram;  // null for a float
  BinaryNote note = BinaryNote::kNone;
};

// Arithmetic, comparisons (whose answer is the left sample) and trims.
SampleAnswer CombineSamples(BinaryOp op, const SampleRef& left, const SampleRef& right);

inline bool IsTrim(BinaryOp op) { return op == BinaryOp::kTrimLower || op == BinaryOp::kTrimUpper; }

}  // namespace thermocline::promql
