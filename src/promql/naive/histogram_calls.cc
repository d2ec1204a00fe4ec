// histogram_* functions of the naive evaluator (promql-semantics 2.12 to 2.14).
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "promql/naive/evaluator.h"
#include "promql/text.h"

namespace thermocline::promql::naive {
namespace {

using F = Function;

double NumberOf(F function, const FloatHistogram& h) {
  switch (function) {
    case F::kHistogramCount: return h.count;
    case F::kHistogramSum: return h.sum;
    case F::kHistogramAvg: return h.sum / h.count;
    case F::kHistogramStddev: return std::sqrt(HistogramVariance(h));
    default: return HistogramVariance(h);
  }
}

bool IsQuantile(double q) { return q >= 0 && q <= 1; }

// As OpenMetrics writes floats: 1.0, 0.5, +Inf, and no -0.
std::string QuantileText(double q) {
  std::string text = FormatShortest(q == 0 ? 0.0 : q);
  if (std::isfinite(q) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

Vector Evaluator::HistogramNumbers(Function function, const Vector& vector) const {
  Vector out;
  for (Element element : vector) {
    if (element.histogram == nullptr) continue;
    element.value = NumberOf(function, *element.histogram);
    element.histogram = nullptr;
    element.drop_name = true;
    // These keep __type__ and __unit__.
    if (!options_.delayed_name_removal) {
      element.labels = LabelsBuilder(element.labels).Remove(kMetricNameLabel).Build();
    }
    out.push_back(std::move(element));
  }
  return out;
}

Evaluator::Histograms Evaluator::SortOut(const Vector& vector, int32_t position) {
  const auto name_of = [&](const Labels& labels) {
    return options_.delayed_name_removal ? labels.metric_name() : std::string_view();
  };
  Histograms histograms;
  for (const Element& element : vector) {
    if (element.histogram != nullptr) {
      histograms.natives.push_back(element);
      continue;
    }
    const std::optional<double> bound = BoundOf(element.labels);
    if (!bound) {
      notes_.Warn(fmt::format("bucket label \"le\" is missing or has a malformed value of {}{}",
                              GoQuote(element.labels.Get(kBucketLabel)),
                              ForMetric(name_of(element.labels))),
                  position);
      continue;
    }
    const Labels labels = LabelsBuilder(element.labels).Remove(kBucketLabel).Build();
    auto& all = histograms.classics;
    auto found = std::find_if(all.begin(), all.end(),
                              [&](const ClassicHistogram& h) { return h.labels == labels; });
    if (found == all.end()) found = all.insert(found, {labels, element.drop_name, {}});
    found->buckets.push_back({*bound, element.value});
  }
  std::erase_if(histograms.natives, [&](const Element& native) {
    const size_t erased = std::erase_if(
        histograms.classics, [&](const ClassicHistogram& h) { return h.labels == native.labels; });
    if (erased == 0) return false;
    notes_.Warn("vector contains a mix of classic and native histograms" +
                    ForMetric(name_of(native.labels)),
                position);
    return true;
  });
  return histograms;
}

Vector Evaluator::QuantilesOf(double q, const Histograms& histograms, TimestampMs t_ms,
                              const QuantilePlaces& places) {
  Vector out;
  for (Element element : histograms.natives) {
    DropName(&element);
    const HistogramEstimate estimate = thermocline::HistogramQuantile(q, *element.histogram);
    if (estimate.has_nan_observations) {
      notes_.Info(fmt::format("input to histogram_quantile has NaN observations, result is {}{}",
                              estimate.skewed_by_nan ? "skewed higher" : "NaN",
                              ForMetric(element.labels.metric_name())),
                  places.native);
    }
    element.value = estimate.value;
    element.histogram = nullptr;
    out.push_back(std::move(element));
  }
  for (const ClassicHistogram& classic : histograms.classics) {
    std::optional<BucketRepair> repair;
    Element element{classic.labels, QuantileOfBuckets(q, classic.buckets, &repair)};
    if (repair) {
      const bool named = options_.delayed_name_removal;
      notes_.Repaired(named ? std::string(classic.labels.metric_name()) : "", *repair, t_ms,
                      places.classic);
    }
    DropName(&element);
    out.push_back(std::move(element));
  }
  return out;
}

Vector Evaluator::HistogramQuantile(const Call& call, const Arguments& args) {
  const double q = args.scalar(0);
  const QuantilePlaces places{PositionOf(*call.args[0]), PositionOf(*call.args[1])};
  if (!IsQuantile(q)) notes_.Warn(InvalidQuantile(q), places.native);
  return QuantilesOf(q, SortOut(args.vectors[1], places.classic), args.t_ms, places);
}

Vector Evaluator::HistogramQuantiles(const Call& call, const Arguments& args) {
  const int32_t position = PositionOf(*call.args[0]);
  for (size_t i = 2; i < call.args.size(); ++i) {
    const double q = args.scalar(i);
    if (!IsQuantile(q)) notes_.Warn(InvalidQuantile(q), PositionOf(*call.args[i]));
  }
  const Histograms histograms = SortOut(args.vectors[0], position);
  Vector out;
  for (size_t i = 2; i < call.args.size(); ++i) {
    const double q = args.scalar(i);
    for (Element& element : QuantilesOf(q, histograms, args.t_ms, {position, position})) {
      element.labels = LabelsBuilder(element.labels).Set(args.texts[1], QuantileText(q)).Build();
      out.push_back(std::move(element));
    }
  }
  return out;
}

Vector Evaluator::HistogramFractions(const Call& call, const Arguments& args) {
  const double lower = args.scalar(0);
  const double upper = args.scalar(1);
  const Histograms histograms = SortOut(args.vectors[2], PositionOf(*call.args[2]));
  Vector out;
  for (Element element : histograms.natives) {
    DropName(&element);
    const HistogramEstimate estimate =
        thermocline::HistogramFraction(lower, upper, *element.histogram);
    if (estimate.has_nan_observations) {
      notes_.Info(
          "input to histogram_fraction has NaN observations, which are excluded from all "
          "fractions" +
              ForMetric(element.labels.metric_name()),
          PositionOf(*call.args[0]));
    }
    element.value = estimate.value;
    element.histogram = nullptr;
    out.push_back(std::move(element));
  }
  for (const ClassicHistogram& classic : histograms.classics) {
    Element element{classic.labels, FractionOfBuckets(lower, upper, classic.buckets)};
    DropName(&element);
    out.push_back(std::move(element));
  }
  return out;
}

}  // namespace thermocline::promql::naive
