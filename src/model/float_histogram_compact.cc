// Compaction. Source: Prometheus' compactBuckets in model/histogram/generic.go.
#include <algorithm>
#include <utility>

#include "model/float_histogram_parts.h"

namespace thermocline {
namespace {

bool IsEmpty(const BucketSide& side, size_t position) {
  return (*side.buckets)[position] == 0 &&
         (side.compensation == nullptr || (*side.compensation)[position] == 0);
}

// A cheap look first: most histograms are compact already.
bool IsCompact(const BucketSide& side, size_t max_empty) {
  for (const double count : *side.buckets) {
    if (count == 0) return false;
  }
  for (const HistogramSpan& span : *side.spans) {
    if (span.length == 0 || span.offset <= 0 || static_cast<size_t>(span.offset) <= max_empty) {
      return false;
    }
  }
  return true;
}

// Spans under construction, written over the side they are read from.
class Compacted {
 public:
  explicit Compacted(const BucketSide& side) : side_(side) {}

  // Keeps the bucket at `position`.
  void Keep(int64_t index, size_t position, bool opens_span) {
    Open(index, opens_span);
    (*side_.buckets)[size_] = (*side_.buckets)[position];
    if (side_.compensation != nullptr)
      (*side_.compensation)[size_] = (*side_.compensation)[position];
    ++size_;
  }
  int64_t last() const { return last_; }
  bool any() const { return !spans_.empty(); }

  void Finish() {
    side_.buckets->resize(size_);
    if (side_.compensation != nullptr) side_.compensation->resize(size_);
    *side_.spans = std::move(spans_);
  }

 private:
  void Open(int64_t index, bool opens_span) {
    if (spans_.empty() || opens_span) {
      const int64_t offset = spans_.empty() ? index : index - last_ - 1;
      spans_.push_back({static_cast<int32_t>(offset), 0});
    }
    ++spans_.back().length;
    last_ = index;
  }
  BucketSide side_;
  std::vector<HistogramSpan> spans_;
  size_t size_ = 0;
  int64_t last_ = 0;
};

// Empty buckets at the ends of a span go, and longer runs than `max_empty` within it. Spans that
// touch count as one.
void DropEmpty(const BucketSide& side, size_t max_empty) {
  Compacted out(side);
  std::vector<std::pair<int64_t, size_t>> waiting;  // empty buckets that may turn out to be within
  BucketCursor cursor(*side.spans, side.buckets->size());
  int64_t previous = 0;
  bool first = true;
  while (cursor.Next()) {
    const bool touches = !first && cursor.index() == previous + 1;
    first = false;
    previous = cursor.index();
    if (!touches) waiting.clear();
    if (IsEmpty(side, cursor.position())) {
      waiting.emplace_back(cursor.index(), cursor.position());
      continue;
    }
    // The run reaches back to the last kept bucket only if that is in the same span.
    const bool within =
        out.any() && cursor.index() - out.last() - 1 == static_cast<int64_t>(waiting.size());
    const bool keep_empty = touches && within && waiting.size() <= max_empty;
    if (keep_empty) {
      for (const auto& [index, position] : waiting) out.Keep(index, position, false);
    }
    waiting.clear();
    out.Keep(cursor.index(), cursor.position(), cursor.index() != out.last() + 1);
  }
  out.Finish();
}

// Fills gaps of at most `max_empty` buckets.
void JoinSpans(const BucketSide& side, size_t max_empty) {
  std::vector<HistogramSpan> spans;
  std::vector<double> buckets;
  std::vector<double> compensation;
  size_t position = 0;
  for (const HistogramSpan& span : *side.spans) {
    if (!spans.empty() && static_cast<size_t>(span.offset) <= max_empty) {
      const auto gap = static_cast<uint32_t>(span.offset);
      spans.back().length += gap + span.length;
      buckets.resize(buckets.size() + gap, 0);
      if (side.compensation != nullptr) compensation.resize(compensation.size() + gap, 0);
    } else {
      spans.push_back(span);
    }
    const auto append = [position, &span](const std::vector<double>& from,
                                          std::vector<double>* to) {
      const auto begin = from.begin() + static_cast<ptrdiff_t>(position);
      to->insert(to->end(), begin, begin + span.length);
    };
    append(*side.buckets, &buckets);
    if (side.compensation != nullptr) append(*side.compensation, &compensation);
    position += span.length;
  }
  *side.spans = std::move(spans);
  *side.buckets = std::move(buckets);
  if (side.compensation != nullptr) *side.compensation = std::move(compensation);
}

}  // namespace

void CompactSide(const BucketSide& side, size_t max_empty) {
  if (side.compensation != nullptr) side.compensation->resize(side.buckets->size());
  if (IsCompact(side, max_empty)) return;
  DropEmpty(side, max_empty);
  if (max_empty > 0) JoinSpans(side, max_empty);
}

void Compact(FloatHistogram* h, size_t max_empty, FloatHistogram* compensation) {
  const bool both = compensation != nullptr;
  CompactSide(
      {&h->positive_spans, &h->positive_buckets, both ? &compensation->positive_buckets : nullptr},
      max_empty);
  CompactSide(
      {&h->negative_spans, &h->negative_buckets, both ? &compensation->negative_buckets : nullptr},
      max_empty);
}

void Compact(FloatHistogram* h, size_t max_empty) { Compact(h, max_empty, nullptr); }

}  // namespace thermocline
