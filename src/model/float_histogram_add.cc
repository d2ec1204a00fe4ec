// Addition and subtraction. Source: Prometheus' FloatHistogram.Add, KahanAdd, Sub.
#include <cmath>
#include <utility>

#include "model/float_histogram_parts.h"

namespace thermocline {
namespace {

// The other operand's side, at the receiver's schema.
struct Addend {
  const std::vector<HistogramSpan>* spans;
  const std::vector<double>* buckets;
  const std::vector<double>* compensation;  // may be null: all zero
};

// Both hints into one; true when they contradict each other.
bool MergeHints(FloatHistogram* h, CounterResetHint other) {
  using enum CounterResetHint;
  if (other == h->reset_hint || h->reset_hint == kGauge) return false;
  if (other == kGauge) {
    h->reset_hint = kGauge;
    return false;
  }
  if (h->reset_hint == kUnknown || other == kUnknown) {
    h->reset_hint = kUnknown;
    return false;
  }
  h->reset_hint = kUnknown;
  return true;
}

// Walks the addend's buckets beyond the zero bucket.
class AddendCursor {
 public:
  AddendCursor(const Addend& from, int32_t schema, double threshold, bool subtract)
      : from_(from), cursor_(*from.spans, from.buckets->size()), subtract_(subtract) {
    do {
      valid_ = cursor_.Next();
    } while (valid_ && IsExponentialSchema(schema) &&
             BucketBound(static_cast<int32_t>(cursor_.index()), schema, {}) <= threshold);
  }
  bool valid() const { return valid_; }
  int64_t index() const { return cursor_.index(); }
  double value() const { return Signed((*from_.buckets)[cursor_.position()]); }
  double compensation() const {
    return from_.compensation == nullptr ? 0 : Signed((*from_.compensation)[cursor_.position()]);
  }
  void Next() { valid_ = cursor_.Next(); }

 private:
  double Signed(double value) const { return subtract_ ? value * -1 : value; }
  Addend from_;
  BucketCursor cursor_;
  bool subtract_;
  bool valid_ = false;
};

void AddInto(const AddendCursor& from, const BucketSide& to, size_t position) {
  if (to.compensation == nullptr) {
    (*to.buckets)[position] += from.value();
    return;
  }
  double* sum = &(*to.buckets)[position];
  double* compensation = &(*to.compensation)[position];
  KahanStep(from.value(), sum, compensation);
  const double more = from.compensation();
  if (more != 0) KahanStep(more, sum, compensation);
}

// Whether every bucket of `from` exists in the receiver already.
bool Covers(const BucketSide& to, AddendCursor from) {
  BucketCursor own(*to.spans, to.buckets->size());
  bool valid = own.Next();
  for (; from.valid(); from.Next()) {
    while (valid && own.index() < from.index()) valid = own.Next();
    if (!valid || own.index() != from.index()) return false;
  }
  return true;
}

// Builds the receiver's side anew with the buckets it lacks. A new bucket joins the span that ends
// right before it, else the one that begins right after it; spans that meet stay two.
class SideMerge {
 public:
  explicit SideMerge(const BucketSide& to)
      : to_(to), own_(*to.spans, to.buckets->size()), own_valid_(own_.Next()) {}

  void Run(AddendCursor from) {
    for (; from.valid(); from.Next()) {
      while (own_valid_ && own_.index() < from.index()) TakeOwn();
      if (own_valid_ && own_.index() == from.index()) {
        const size_t position = buckets_.size();
        TakeOwn();
        AddInto(from, {nullptr, &buckets_, to_.compensation == nullptr ? nullptr : &extra_},
                position);
      } else {
        Insert(from);
      }
    }
    while (own_valid_) TakeOwn();
    *to_.spans = std::move(spans_);
    *to_.buckets = std::move(buckets_);
    if (to_.compensation != nullptr) *to_.compensation = std::move(extra_);
  }

 private:
  void Push(int64_t index, double value, double compensation, bool opens_span) {
    if (opens_span) {
      const int64_t offset = spans_.empty() ? index : index - last_ - 1;
      spans_.push_back({static_cast<int32_t>(offset), 0});
    }
    ++spans_.back().length;
    buckets_.push_back(value);
    if (to_.compensation != nullptr) extra_.push_back(compensation);
    last_ = index;
  }
  void TakeOwn() {
    const size_t at = own_.position();
    Push(own_.index(), (*to_.buckets)[at],
         to_.compensation == nullptr ? 0 : (*to_.compensation)[at],
         own_.starts_span() && !joined_next_);
    joined_next_ = false;
    own_valid_ = own_.Next();
  }
  void Insert(const AddendCursor& from) {
    const bool adjacent = !spans_.empty() && from.index() == last_ + 1;
    Push(from.index(), from.value(), from.compensation(), !adjacent);
    joined_next_ = !adjacent && own_valid_ && own_.index() == from.index() + 1;
  }

  BucketSide to_;
  BucketCursor own_;
  bool own_valid_;
  bool joined_next_ = false;  // the span just opened is the one of the next own bucket
  int64_t last_ = 0;
  std::vector<HistogramSpan> spans_;
  std::vector<double> buckets_;
  std::vector<double> extra_;
};

void AddSide(const BucketSide& to, const Addend& from, int32_t schema, double threshold,
             bool subtract) {
  AddendCursor cursor(from, schema, threshold, subtract);
  if (!Covers(to, cursor)) {
    SideMerge(to).Run(cursor);
    return;
  }
  BucketCursor own(*to.spans, to.buckets->size());
  for (; cursor.valid(); cursor.Next()) {
    do {
      own.Next();
    } while (own.index() != cursor.index());
    AddInto(cursor, to, own.position());
  }
}

// The addend's side at a coarser schema, with its compensations if wanted.
struct ReducedSide {
  std::vector<HistogramSpan> spans;
  std::vector<double> buckets;
  std::vector<double> compensation;
};

void AddExponentialSide(const BucketSide& to, int32_t schema, double threshold,
                        const std::vector<HistogramSpan>& spans, const std::vector<double>& buckets,
                        int32_t other_schema, bool subtract) {
  if (other_schema < schema) {
    ReduceSide(to, schema, other_schema);
    AddSide(to, {&spans, &buckets, nullptr}, other_schema, threshold, subtract);
    return;
  }
  if (other_schema == schema) {
    AddSide(to, {&spans, &buckets, nullptr}, schema, threshold, subtract);
    return;
  }
  const bool compensated = to.compensation != nullptr;
  ReducedSide reduced{spans, buckets, {}};
  if (compensated) reduced.compensation.assign(buckets.size(), 0);
  ReduceSide({&reduced.spans, &reduced.buckets, compensated ? &reduced.compensation : nullptr},
             other_schema, schema);
  AddSide(to, {&reduced.spans, &reduced.buckets, compensated ? &reduced.compensation : nullptr},
          schema, threshold, subtract);
}

void AddExponential(FloatHistogram* h, const FloatHistogram& other, bool subtract,
                    FloatHistogram* c) {
  const BucketSide positive{&h->positive_spans, &h->positive_buckets,
                            c == nullptr ? nullptr : &c->positive_buckets};
  const BucketSide negative{&h->negative_spans, &h->negative_buckets,
                            c == nullptr ? nullptr : &c->negative_buckets};
  AddExponentialSide(positive, h->schema, h->zero_threshold, other.positive_spans,
                     other.positive_buckets, other.schema, subtract);
  AddExponentialSide(negative, h->schema, h->zero_threshold, other.negative_spans,
                     other.negative_buckets, other.schema, subtract);
  if (other.schema < h->schema) h->schema = other.schema;
}

// The bucket part of every addition; true when custom bounds had to be reconciled.
bool AddAllBuckets(FloatHistogram* h, const FloatHistogram& other, bool subtract,
                   FloatHistogram* c) {
  if (!h->uses_custom_bounds()) {
    AddExponential(h, other, subtract, c);
    return false;
  }
  if (h->custom_bounds == other.custom_bounds) {
    AddSide(
        {&h->positive_spans, &h->positive_buckets, c == nullptr ? nullptr : &c->positive_buckets},
        {&other.positive_spans, &other.positive_buckets, nullptr}, h->schema, h->zero_threshold,
        subtract);
    return false;
  }
  AddCustomBuckets(h, other, subtract, c);
  return true;
}

std::optional<HistogramSumNotes> AddOrSubtract(FloatHistogram* h, const FloatHistogram& other,
                                               bool subtract) {
  if (h->uses_custom_bounds() != other.uses_custom_bounds()) return std::nullopt;
  if (&other == h) return AddOrSubtract(h, FloatHistogram(other), subtract);
  HistogramSumNotes notes;
  notes.reset_collision = MergeHints(h, other.reset_hint);
  if (!h->uses_custom_bounds()) {
    const double zero_count = ReconcileZeroBuckets(h, other, nullptr).count;
    h->zero_count = subtract ? h->zero_count - zero_count : h->zero_count + zero_count;
  }
  h->count = subtract ? h->count - other.count : h->count + other.count;
  h->sum = subtract ? h->sum - other.sum : h->sum + other.sum;
  notes.bounds_reconciled = AddAllBuckets(h, other, subtract, nullptr);
  return notes;
}

}  // namespace

std::optional<HistogramSumNotes> Add(FloatHistogram* h, const FloatHistogram& other) {
  return AddOrSubtract(h, other, false);
}

std::optional<HistogramSumNotes> Subtract(FloatHistogram* h, const FloatHistogram& other) {
  return AddOrSubtract(h, other, true);
}

std::optional<HistogramSumNotes> KahanAdd(FloatHistogram* h, const FloatHistogram& other,
                                          FloatHistogram* compensation) {
  if (h->uses_custom_bounds() != other.uses_custom_bounds()) return std::nullopt;
  if (&other == h) return KahanAdd(h, FloatHistogram(other), compensation);
  HistogramSumNotes notes;
  notes.reset_collision = MergeHints(h, other.reset_hint);
  FloatHistogram* c = compensation;
  // Layouts that drifted apart would be read past their ends.
  c->positive_buckets.resize(h->positive_buckets.size());
  c->negative_buckets.resize(h->negative_buckets.size());
  if (!h->uses_custom_bounds()) {
    const ZeroCount zero = ReconcileZeroBuckets(h, other, c);
    KahanStep(zero.count, &h->zero_count, &c->zero_count);
    KahanStep(zero.compensation, &h->zero_count, &c->zero_count);
  }
  KahanStep(other.count, &h->count, &c->count);
  KahanStep(other.sum, &h->sum, &c->sum);
  notes.bounds_reconciled = AddAllBuckets(h, other, false, c);
  c->schema = h->schema;
  c->positive_spans = h->positive_spans;
  if (h->uses_custom_bounds()) {
    c->custom_bounds = h->custom_bounds;
    return notes;
  }
  c->zero_threshold = h->zero_threshold;
  c->negative_spans = h->negative_spans;
  return notes;
}

FloatHistogram NewCompensation(const FloatHistogram& h) {
  FloatHistogram c;
  c.reset_hint = h.reset_hint;
  c.schema = h.schema;
  c.zero_threshold = h.zero_threshold;
  c.custom_bounds = h.custom_bounds;
  c.positive_spans = h.positive_spans;
  c.negative_spans = h.negative_spans;
  c.positive_buckets.assign(h.positive_buckets.size(), 0);
  if (!h.uses_custom_bounds()) c.negative_buckets.assign(h.negative_buckets.size(), 0);
  return c;
}

}  // namespace thermocline
