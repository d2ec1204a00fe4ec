// Histograms of a window in the naive evaluator: their change, sum and mean, and the line between
// two (promql-semantics 2.3, 2.7).
#include "promql/naive/notes.h"
#include "promql/naive/window.h"

namespace thermocline::promql::naive {

std::shared_ptr<FloatHistogram> CopyOf(const HistogramPtr& histogram) {
  return std::make_shared<FloatHistogram>(*histogram);
}

bool IsGauge(const HistogramPtr& histogram) {
  return histogram->reset_hint == CounterResetHint::kGauge;
}

namespace {

bool Note(const std::optional<HistogramSumNotes>& combined, std::string_view operation,
          const std::string& metric, WindowNotes* notes) {
  if (!combined) {
    notes->warnings.push_back(MixedBuckets(metric));
    return false;
  }
  if (combined->bounds_reconciled) notes->infos.push_back(MismatchedBounds(operation));
  return true;
}

}  // namespace

bool AddTo(FloatHistogram* histogram, const FloatHistogram& other, const std::string& metric,
           WindowNotes* notes) {
  return Note(Add(histogram, other), "addition", metric, notes);
}

bool SubtractFrom(FloatHistogram* histogram, const FloatHistogram& other, const std::string& metric,
                  WindowNotes* notes) {
  return Note(Subtract(histogram, other), "subtraction", metric, notes);
}

double Interpolated(const Point& before, const Point& after, TimestampMs at_ms, bool counter) {
  // A counter that was reset between the two rose from zero.
  const double from = counter && after.value < before.value ? 0 : before.value;
  return from + (after.value - from) * static_cast<double>(at_ms - before.t_ms) /
                    static_cast<double>(after.t_ms - before.t_ms);
}

std::shared_ptr<FloatHistogram> InterpolatedHistogram(const Point& before, const Point& after,
                                                      TimestampMs at_ms, bool counter,
                                                      const std::string& metric,
                                                      WindowNotes* notes) {
  if (at_ms == before.t_ms) return CopyOf(before.histogram);
  if (at_ms == after.t_ms) return CopyOf(after.histogram);
  const double fraction =
      static_cast<double>(at_ms - before.t_ms) / static_cast<double>(after.t_ms - before.t_ms);
  auto between = CopyOf(after.histogram);
  if (counter && DetectReset(*after.histogram, *before.histogram)) {
    Multiply(between.get(), fraction);
    return between;
  }
  if (!SubtractFrom(between.get(), *before.histogram, metric, notes)) return nullptr;
  Multiply(between.get(), fraction);
  if (!AddTo(between.get(), *before.histogram, metric, notes)) return nullptr;
  return between;
}

namespace {

// The mix of bucket kinds in a window; it replaces what was noted of it before.
std::shared_ptr<FloatHistogram> Mixed(const Window& window, bool forget, WindowNotes* notes) {
  if (forget) *notes = WindowNotes();
  notes->warnings.push_back(MixedBuckets(window.metric()));
  return nullptr;
}

// No histogram at all, in the layout of `like`.
HistogramPtr EmptyLike(const FloatHistogram& like) {
  auto empty = std::make_shared<FloatHistogram>();
  empty->schema = like.schema;
  empty->custom_bounds = like.custom_bounds;
  return empty;
}

}  // namespace

std::shared_ptr<FloatHistogram> HistogramChange(bool counter, const Window& window,
                                                WindowNotes* notes) {
  std::vector<HistogramPtr> course;
  for (const Point& point : window.histograms) course.push_back(point.histogram);
  std::vector<bool> anew(course.size());
  const size_t last = course.size() - 1;
  const bool ends_are_gauges = IsGauge(course[0]) && IsGauge(course[last]);
  if (counter && (IsGauge(course[0]) || IsGauge(course[last]))) {
    notes->warnings.push_back(NotACounter(window.metric()));
  }
  if (counter) {
    anew[1] = StartsAnew(window, window.histograms[0], window.histograms[1]) ||
              DetectReset(*course[1], *course[0]);
    // Then the first one's layout does not matter.
    if (anew[1]) course[0] = EmptyLike(*course[1]);
  }
  const bool custom = course[0]->uses_custom_bounds();
  if (course[last]->uses_custom_bounds() != custom) return Mixed(window, false, notes);
  int32_t schema = std::min(course[0]->schema, course[last]->schema);
  for (size_t i = 1; counter && i < last; ++i) {
    if (IsGauge(course[i])) notes->warnings.push_back(NotACounter(window.metric()));
    schema = std::min(schema, course[i]->schema);
    if (course[i]->uses_custom_bounds() != custom) return Mixed(window, true, notes);
  }
  auto change = std::make_shared<FloatHistogram>(custom ? *course[last]
                                                        : CopyToSchema(*course[last], schema));
  const auto subtracted = Subtract(change.get(), *course[0]);
  if (!subtracted) return Mixed(window, true, notes);
  if (subtracted->bounds_reconciled) notes->infos.push_back(MismatchedBounds("subtraction"));
  if (counter) {
    for (size_t i = 1; i < course.size(); ++i) {
      const Point& before = window.histograms[i - 1];
      const Point& now = window.histograms[i];
      if (window.use_starts && StartsOverlap(before, now)) notes->start_overlap = true;
      if (!StartsAnew(window, before, now) && !DetectReset(*course[i], *course[i - 1])) continue;
      const auto added = Add(change.get(), *course[i - 1]);
      if (!added) return Mixed(window, true, notes);
      if (added->bounds_reconciled) notes->infos.push_back(MismatchedBounds("addition"));
    }
  } else if (!ends_are_gauges) {
    notes->warnings.push_back(NotAGauge(window.metric()));
  }
  change->reset_hint = CounterResetHint::kGauge;
  Compact(change.get(), 0);
  return change;
}

namespace {

// What is said once about all histograms of a window, also when they do not go together.
class Seen {
 public:
  void Hint(const FloatHistogram& histogram) {
    reset_ |= histogram.reset_hint == CounterResetHint::kReset;
    not_reset_ |= histogram.reset_hint == CounterResetHint::kNotReset;
  }
  void Bounds(const HistogramSumNotes& combined) { bounds_ |= combined.bounds_reconciled; }
  void Say(WindowNotes* notes) const {
    if (reset_ && not_reset_) notes->warnings.push_back(ResetCollision("aggregation"));
    if (bounds_) notes->infos.push_back(MismatchedBounds("aggregation"));
  }

 private:
  bool reset_ = false;
  bool not_reset_ = false;
  bool bounds_ = false;
};

}  // namespace

MaybeAnswer SumOfHistograms(const Window& window, WindowNotes* notes) {
  Seen seen;
  auto sum = CopyOf(window.histograms[0].histogram);
  seen.Hint(*sum);
  FloatHistogram lost = NewCompensation(*sum);
  for (size_t i = 1; i < window.histograms.size(); ++i) {
    seen.Hint(*window.histograms[i].histogram);
    const auto added = KahanAdd(sum.get(), *window.histograms[i].histogram, &lost);
    if (!added) {
      notes->warnings.push_back(MixedBuckets(window.metric()));
      return std::nullopt;
    }
    seen.Bounds(*added);
  }
  if (window.histograms.size() > 1) {
    const auto added = Add(sum.get(), lost);
    if (added) seen.Bounds(*added);
  }
  seen.Say(notes);
  return Answer{0, sum};
}

MaybeAnswer MeanOfHistograms(const Window& window, WindowNotes* notes) {
  Seen seen;
  HistogramMean mean(*window.histograms[0].histogram);
  seen.Hint(*window.histograms[0].histogram);
  for (size_t i = 1; i < window.histograms.size(); ++i) {
    seen.Hint(*window.histograms[i].histogram);
    const auto added = mean.Add(*window.histograms[i].histogram, static_cast<double>(i + 1));
    if (!added) {
      notes->warnings.push_back(MixedBuckets(window.metric()));
      return std::nullopt;
    }
    seen.Bounds(*added);
  }
  seen.Say(notes);
  return Answer{0, mean.Take(static_cast<double>(window.histograms.size()))};
}

HistogramMean::HistogramMean(const FloatHistogram& first)
    : sum_(first), lost_(NewCompensation(first)) {}

std::optional<HistogramSumNotes> HistogramMean::Add(const FloatHistogram& histogram, double count) {
  if (!overflowed_) {
    FloatHistogram sum = sum_;
    FloatHistogram lost = lost_;
    const auto added = KahanAdd(&sum, histogram, &lost);
    if (!added) return std::nullopt;
    if (!HasOverflow(sum)) {
      sum_ = std::move(sum);
      lost_ = std::move(lost);
      compensated_ = true;
      return added;
    }
    overflowed_ = true;
    Divide(&sum_, count - 1);
    Divide(&lost_, count - 1);
  }
  Multiply(&sum_, (count - 1) / count);
  Multiply(&lost_, (count - 1) / count);
  FloatHistogram part = histogram;
  Divide(&part, count);
  compensated_ = true;
  return KahanAdd(&sum_, part, &lost_);
}

HistogramPtr HistogramMean::Take(double count) {
  if (!overflowed_) {
    Divide(&sum_, count);
    Divide(&lost_, count);
  }
  if (compensated_) thermocline::Add(&sum_, lost_);
  return std::make_shared<FloatHistogram>(std::move(sum_));
}

}  // namespace thermocline::promql::naive
