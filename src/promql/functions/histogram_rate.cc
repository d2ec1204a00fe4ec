// rate, increase, delta, irate and idelta of native histograms. Source: Prometheus'
// promql/functions.go, histogramRate, extrapolatedRate and instantValue; promql-semantics 2.3, 2.4.
#include <algorithm>
#include <utility>

#include "model/labels.h"
#include "promql/functions/mixed_window.h"

namespace thermocline::promql {
namespace {

std::string NotCounterText(std::string_view metric_name) {
  return "this native histogram metric is not a counter: " + GoQuote(metric_name);
}
std::string NotGaugeText(std::string_view metric_name) {
  return "this native histogram metric is not a gauge: " + GoQuote(metric_name);
}

bool IsGauge(const FloatHistogram& h) { return h.reset_hint == CounterResetHint::kGauge; }

// Samples `i - 1` and `i` of the window, the earlier one seen as `before`.
bool IsReset(const HistogramView& window, size_t i, const FloatHistogram& before) {
  return IsStartReset(window.start_of(i - 1), window.times[i - 1], window.start_of(i),
                      window.times[i]) ||
         DetectReset(window.at(i), before);
}

// Collects the change over a window's histograms, resets not yet in it.
class HistogramChange {
 public:
  HistogramChange(bool is_counter, const HistogramView& window, std::string_view metric_name,
                  WindowNotes* notes)
      : is_counter_(is_counter), window_(window), metric_name_(metric_name), notes_(notes) {}

  // Null: the histograms do not combine.
  std::shared_ptr<FloatHistogram> Compute() {
    const HistogramTraits* const traits = window_.traits;
    if (is_counter_ && (traits[0].is_gauge || traits[window_.count - 1].is_gauge)) {
      notes_->warnings.push_back(NotCounterText(metric_name_));
    }
    first_ = window_.histograms[0];
    if (is_counter_ && traits[1].is_reset) {
      // Its layout does not matter, because nothing is subtracted.
      empty_.schema = window_.at(1).schema;
      empty_.custom_bounds = window_.at(1).custom_bounds;
      first_ = &empty_;
    }
    if (window_.last().uses_custom_bounds() != first_->uses_custom_bounds()) {
      notes_->warnings.push_back(MixedBucketsText(metric_name_));
      return nullptr;
    }
    int32_t schema = 0;
    if (!LookAtTheMiddle(&schema)) return nullptr;
    auto change = std::make_shared<FloatHistogram>(CopyToSchema(window_.last(), schema));
    const auto subtracted = Subtract(change.get(), *first_);
    if (!subtracted) return Clash();
    if (subtracted->bounds_reconciled) {
      notes_->infos.push_back(MismatchedBoundsText("subtraction"));
    }
    if (is_counter_) {
      if (!AddResets(change.get())) return Clash();
    } else if (!traits[0].is_gauge || !traits[window_.count - 1].is_gauge) {
      notes_->warnings.push_back(NotGaugeText(metric_name_));
    }
    change->reset_hint = CounterResetHint::kGauge;
    Compact(change.get(), 0);
    return change;
  }

 private:
  // The lowest schema that counts, and whether all buckets are of one sort.
  bool LookAtTheMiddle(int32_t* schema) {
    *schema = std::min(window_.last().schema, first_->schema);
    for (size_t i = 1; is_counter_ && i + 1 < window_.count; ++i) {
      const HistogramTraits& one = window_.traits[i];
      if (one.is_gauge) notes_->warnings.push_back(NotCounterText(metric_name_));
      *schema = std::min<int32_t>(*schema, one.schema);
      if (one.custom_bounds != first_->uses_custom_bounds()) {
        Clash();
        return false;
      }
    }
    return true;
  }

  bool AddResets(FloatHistogram* change) {
    bool overlap = false;
    const FloatHistogram* before = first_;
    for (size_t i = 1; i < window_.count; ++i) {
      overlap = overlap ||
                StartsOverlap(window_.start_of(i - 1), window_.times[i - 1], window_.start_of(i));
      // The first may stand for an empty one.
      const bool known = before == window_.histograms[i - 1];
      if (known ? window_.traits[i].is_reset : IsReset(window_, i, *before)) {
        const auto added = Add(change, *before);
        if (!added) return false;
        if (added->bounds_reconciled) notes_->infos.push_back(MismatchedBoundsText("addition"));
      }
      before = window_.histograms[i];
    }
    if (overlap) ++notes_->start_overlaps;
    return true;
  }

  // Replaces what was noticed so far.
  std::shared_ptr<FloatHistogram> Clash() {
    notes_->Clear();
    notes_->warnings.push_back(MixedBucketsText(metric_name_));
    return nullptr;
  }

  bool is_counter_;
  const HistogramView& window_;
  std::string_view metric_name_;
  WindowNotes* notes_;
  const FloatHistogram* first_ = nullptr;
  FloatHistogram empty_;
};

}  // namespace

std::vector<HistogramTraits> TraitsOf(const HistogramView& series, bool resets) {
  std::vector<HistogramTraits> traits(series.count);
  for (size_t i = 0; i < series.count; ++i) {
    const FloatHistogram& one = series.at(i);
    traits[i] = {static_cast<int8_t>(one.schema), IsGauge(one), one.uses_custom_bounds(),
                 resets && i > 0 && IsReset(series, i, series.at(i - 1))};
  }
  return traits;
}

bool HistogramRate(RateKind kind, const MixedWindow& window, std::string_view metric_name,
                   WindowNotes* notes, WindowAnswer* out) {
  const HistogramView& view = window.histograms;
  const bool is_counter = kind != RateKind::kDelta;
  const SampledSpan span{view.times[0],          view.times[view.count - 1], view.count,
                         window.floats.start_ms, window.floats.end_ms,       view.start_of(0)};
  std::shared_ptr<FloatHistogram> change;
  if (view.count > 1) {
    change = HistogramChange(is_counter, view, metric_name, notes).Compute();
    if (change == nullptr) return false;
  }
  if (is_counter && span.begins_inside()) {
    if (change == nullptr) {
      change = std::make_shared<FloatHistogram>(view.at(0));
    } else {
      const auto added = Add(change.get(), view.at(0));
      if (!added) {
        notes->warnings.push_back(MixedBucketsText(metric_name));
        return false;
      }
      if (added->bounds_reconciled) notes->infos.push_back(MismatchedBoundsText("addition"));
    }
  } else if (view.count < 2) {
    return false;
  }
  Multiply(change.get(), StretchFactor(kind, span, view.at(0).count, change->count));
  out->histogram = std::move(change);
  return true;
}

namespace {

struct LastSample {
  TimestampMs t_ms = 0;
  TimestampMs start_ms = 0;
  double value = 0;
  const FloatHistogram* histogram = nullptr;
};

// The last two samples of either kind, the earlier first; of equal times the float first.
std::vector<LastSample> LastTwo(const MixedWindow& window) {
  std::vector<LastSample> last;
  const WindowView& floats = window.floats;
  for (size_t i = floats.count - std::min<size_t>(floats.count, 2); i < floats.count; ++i) {
    last.push_back({floats.times[i], floats.start_of(i), floats.values[i], nullptr});
  }
  const HistogramView& view = window.histograms;
  for (size_t i = view.count - std::min<size_t>(view.count, 2); i < view.count; ++i) {
    last.push_back({view.times[i], view.start_of(i), 0, view.histograms[i]});
  }
  std::stable_sort(last.begin(), last.end(),
                   [](const LastSample& a, const LastSample& b) { return a.t_ms < b.t_ms; });
  if (last.size() > 2) last.erase(last.begin(), last.end() - 2);
  return last;
}

}  // namespace

bool InstantHistogramChange(bool is_rate, const MixedWindow& window, std::string_view metric_name,
                            WindowNotes* notes, WindowAnswer* out) {
  const std::vector<LastSample> last = LastTwo(window);
  if (last.size() < 2 || last[0].t_ms == last[1].t_ms) return false;
  const LastSample& before = last[0];
  const LastSample& now = last[1];
  const double seconds = static_cast<double>(now.t_ms - before.t_ms) / 1000;
  const bool start_reset = IsStartReset(before.start_ms, before.t_ms, now.start_ms, now.t_ms);
  if ((before.histogram == nullptr) != (now.histogram == nullptr)) {
    notes->warnings.push_back(MixedFloatsText(metric_name));
    return false;
  }
  if (now.histogram == nullptr) {
    const bool reset = is_rate && (now.value < before.value || start_reset);
    out->value = reset ? now.value : now.value - before.value;
    if (is_rate) out->value /= seconds;
    return true;
  }
  const bool any_gauge = IsGauge(*before.histogram) || IsGauge(*now.histogram);
  const bool both_gauge = IsGauge(*before.histogram) && IsGauge(*now.histogram);
  if (is_rate && any_gauge) notes->warnings.push_back(NotCounterText(metric_name));
  if (!is_rate && !both_gauge) notes->warnings.push_back(NotGaugeText(metric_name));
  auto change = std::make_shared<FloatHistogram>(*now.histogram);
  if (!is_rate || (!start_reset && !DetectReset(*now.histogram, *before.histogram))) {
    const auto subtracted = Subtract(change.get(), *before.histogram);
    if (!subtracted) {
      notes->warnings.push_back(MixedBucketsText(metric_name));
      return false;
    }
    if (subtracted->bounds_reconciled) notes->infos.push_back(MismatchedBoundsText("subtraction"));
  }
  change->reset_hint = CounterResetHint::kGauge;
  Compact(change.get(), 0);
  if (is_rate) Divide(change.get(), seconds);
  out->histogram = std::move(change);
  return true;
}

// --- anchored and smoothed ---

namespace {

// Source: Prometheus' promql/functions.go, extendedHistogramRate and what it calls.
class ExtendedChange {
 public:
  ExtendedChange(bool is_counter, bool smoothed, const MixedWindow& window,
                 std::string_view metric_name, WindowNotes* notes)
      : is_counter_(is_counter),
        smoothed_(smoothed),
        view_(window.histograms),
        start_ms_(window.floats.start_ms),
        end_ms_(window.floats.end_ms),
        metric_name_(metric_name),
        notes_(notes) {}

  // Null: nothing reaches into the window, or the histograms do not combine.
  std::shared_ptr<FloatHistogram> Compute() {
    if (!FindEdges() || !Validate()) return nullptr;
    left_ = Left();
    right_ = left_ == nullptr ? nullptr : Right();
    if (right_ == nullptr) return Clash();
    if (!is_counter_ && (!IsGauge(*left_) || !IsGauge(*right_))) {
      notes_->warnings.push_back(NotGaugeText(metric_name_));
    }
    auto change = std::make_shared<FloatHistogram>(*right_);
    const auto subtracted = Subtract(change.get(), *left_);
    if (!subtracted) return Clash();
    if (subtracted->bounds_reconciled) notes_->infos.push_back(MismatchedBoundsText("subtraction"));
    if (is_counter_ && !Correct(change.get())) return Clash();
    return change;
  }

 private:
  bool FindEdges() {
    const TimestampMs* const times = view_.times;
    last_ = view_.count - 1;
    const auto after = std::upper_bound(times, times + last_, start_ms_) - times;
    first_ = after == 0 ? 0 : static_cast<size_t>(after) - 1;
    if (smoothed_) {
      last_ = static_cast<size_t>(std::lower_bound(times, times + last_, end_ms_) - times);
    }
    return times[last_] > start_ms_ && !(smoothed_ && times[first_] > end_ms_);
  }

  bool Validate() {
    for (size_t i = first_; i <= last_; ++i) {
      if (view_.at(i).uses_custom_bounds() != view_.at(first_).uses_custom_bounds()) {
        Clash();
        return false;
      }
      if (is_counter_ && IsGauge(view_.at(i))) {
        notes_->warnings.push_back(NotCounterText(metric_name_));
      }
    }
    return true;
  }

  std::shared_ptr<FloatHistogram> Between(size_t i, TimestampMs at_ms) {
    return InterpolateHistograms(view_.at(i), view_.times[i], view_.at(i + 1), view_.times[i + 1],
                                 at_ms, is_counter_, notes_);
  }
  std::shared_ptr<FloatHistogram> Left() {
    if (smoothed_ && view_.times[first_] < start_ms_) return Between(first_, start_ms_);
    return std::make_shared<FloatHistogram>(view_.at(first_));
  }
  std::shared_ptr<FloatHistogram> Right() {
    if (smoothed_ && last_ > 0 && view_.times[last_] > end_ms_) return Between(last_ - 1, end_ms_);
    return std::make_shared<FloatHistogram>(view_.at(last_));
  }

  // Adds what resets between the edges lost.
  bool Correct(FloatHistogram* change) {
    size_t next = first_ + 1;
    const FloatHistogram* before = left_.get();
    if (smoothed_ && view_.times[first_] < start_ms_ &&
        DetectReset(view_.at(first_ + 1), view_.at(first_))) {
      // The left edge is interpolated beyond that reset.
      before = view_.histograms[first_ + 1];
      ++next;
    }
    if (next > last_) return true;
    std::shared_ptr<FloatHistogram> correction;
    for (; next < last_; ++next) {
      if (DetectReset(view_.at(next), *before) && !AddTo(&correction, *before)) return false;
      before = view_.histograms[next];
    }
    if (DetectReset(*right_, *before) && !AddTo(&correction, *before)) return false;
    if (correction == nullptr) return true;
    const auto added = Add(change, *correction);
    if (added && added->bounds_reconciled) {
      notes_->infos.push_back(MismatchedBoundsText("addition"));
    }
    return added.has_value();
  }

  bool AddTo(std::shared_ptr<FloatHistogram>* correction, const FloatHistogram& lost) {
    if (*correction == nullptr) {
      *correction = std::make_shared<FloatHistogram>(lost);
      return true;
    }
    const auto added = Add(correction->get(), lost);
    if (added && added->bounds_reconciled) {
      notes_->infos.push_back(MismatchedBoundsText("addition"));
    }
    return added.has_value();
  }

  std::shared_ptr<FloatHistogram> Clash() {
    notes_->warnings.push_back(MixedBucketsText(metric_name_));
    return nullptr;
  }

  bool is_counter_;
  bool smoothed_;
  const HistogramView& view_;
  TimestampMs start_ms_;
  TimestampMs end_ms_;
  std::string_view metric_name_;
  WindowNotes* notes_;
  size_t first_ = 0;
  size_t last_ = 0;
  std::shared_ptr<FloatHistogram> left_;
  std::shared_ptr<FloatHistogram> right_;
};

}  // namespace

bool ExtendedHistogramRate(RateKind kind, bool smoothed, const MixedWindow& window,
                           std::string_view metric_name, WindowNotes* notes, WindowAnswer* out) {
  ExtendedChange compute(kind != RateKind::kDelta, smoothed, window, metric_name, notes);
  std::shared_ptr<FloatHistogram> change = compute.Compute();
  if (change == nullptr) return false;
  if (kind == RateKind::kRate) {
    Divide(change.get(), static_cast<double>(window.floats.end_ms - window.floats.start_ms) / 1000);
  }
  change->reset_hint = CounterResetHint::kGauge;
  Compact(change.get(), 0);
  out->histogram = std::move(change);
  return true;
}

}  // namespace thermocline::promql
