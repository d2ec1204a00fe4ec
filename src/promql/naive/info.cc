// info() of the naive evaluator (promql-semantics 2.11).
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

using MatcherList = std::vector<Matcher>;

// What the second argument of info asks for.
struct InfoWish {
  MatcherList names;
  MatcherList data;

  bool IsInfoMetric(std::string_view name) const {
    return std::all_of(names.begin(), names.end(),
                       [name](const Matcher& m) { return m.Matches(name); });
  }
  bool Wants(std::string_view label) const {
    return data.empty() || std::any_of(data.begin(), data.end(),
                                       [label](const Matcher& m) { return m.name() == label; });
  }
  bool AcceptsNothing() const {
    return std::all_of(data.begin(), data.end(), [](const Matcher& m) { return m.Matches(""); });
  }
};

Result<InfoWish> WishOf(const Call& call) {
  InfoWish wish;
  if (call.args.size() > 1) {
    for (const Matcher& m : As<VectorSelector>(StripParens(*call.args[1])).matchers) {
      (m.name() == kMetricNameLabel ? wish.names : wish.data).push_back(m);
    }
  }
  const std::string name(kMetricNameLabel);
  if (wish.names.empty()) {
    wish.names.push_back(Matcher::Equal(name, "target_info"));
  } else if (std::all_of(wish.names.begin(), wish.names.end(),
                         [](const Matcher& m) { return m.negative(); })) {
    ASSIGN_OR_RETURN(Matcher any, Matcher::Make(MatchType::kRegex, name, ".+_info"));
    wish.names.push_back(std::move(any));
  }
  return wish;
}

// The info series of one step that speaks for a metric name and a target.
using Key = std::vector<std::string>;  // name, instance, job
struct Speaker {
  Labels labels;
  TimestampMs taken_ms = 0;
};
using Speakers = std::map<Key, Speaker>;

Key KeyOf(std::string_view name, const Labels& labels) {
  return {std::string(name), std::string(labels.Get("instance")), std::string(labels.Get("job"))};
}

Result<Speakers> SpeakersOf(const Vector& infos) {
  Speakers speakers;
  for (const Element& info : infos) {
    const auto [held, added] = speakers.try_emplace(KeyOf(info.labels.metric_name(), info.labels),
                                                    Speaker{info.labels, info.taken_ms});
    if (added) continue;
    if (held->second.taken_ms == info.taken_ms) {
      return Status::OutOfRange(fmt::format(
          "found duplicate series for info metric: existing {} @ {}, new {} @ {}",
          held->second.labels.ToString(), info.taken_ms, info.labels.ToString(), info.taken_ms));
    }
    if (held->second.taken_ms < info.taken_ms) held->second = {info.labels, info.taken_ms};
  }
  return speakers;
}

// The labels with those of the speakers; nullopt: the element goes.
Result<std::optional<Labels>> Enriched(const Labels& base, const Speakers& speakers,
                                       const InfoWish& wish) {
  std::map<std::string, std::string> added;
  bool described = false;
  for (const auto& [key, speaker] : speakers) {
    if (key != KeyOf(key[0], base)) continue;
    described = true;
    for (const LabelPair& pair : speaker.labels) {
      const std::string label(pair.name);
      if (label == kMetricNameLabel || !wish.Wants(label)) continue;
      if (added.contains(label) && added[label] != pair.value) {
        return Status::OutOfRange("conflicting label: " + label);
      }
      if (!base.Has(label)) added[label] = std::string(pair.value);
    }
  }
  if (!described && !wish.AcceptsNothing()) return std::optional<Labels>();
  LabelsBuilder builder(base);
  for (const auto& [label, value] : added) builder.Set(label, value);
  return std::optional<Labels>(builder.Build());
}

}  // namespace

// The series over the steps; a point's `start_ms` says when its sample was taken.
Result<Matrix> Evaluator::InfoSeries(const Matrix& stored, const Grid& grid) {
  VectorSelector anywhere;
  Matrix infos;
  for (const Series& series : stored) {
    Series out{series.labels, false, {}};
    for (const TimestampMs t_ms : grid.Times()) {
      ASSIGN_OR_RETURN(const Vector now, InstantElements(anywhere, {series}, t_ms));
      if (now.empty()) continue;
      if (now[0].histogram != nullptr) {
        return Status::OutOfRange("this should be an info metric, with float samples: " +
                                  series.labels.ToString());
      }
      out.points.push_back({t_ms, 0, nullptr, now[0].taken_ms});
    }
    infos.push_back(std::move(out));
  }
  return infos;
}

Result<Value> Evaluator::EvalInfo(const Call& call, const Grid& grid) {
  ASSIGN_OR_RETURN(const Value base, Eval(*call.args[0], grid));
  ASSIGN_OR_RETURN(const InfoWish wish, WishOf(call));
  // Only targets that the base speaks of count, so that others cannot be in conflict.
  std::set<std::string> instances;
  std::set<std::string> jobs;
  for (const Series& series : base.matrix) {
    if (wish.IsInfoMetric(series.labels.metric_name())) continue;
    instances.insert(std::string(series.labels.Get("instance")));
    jobs.insert(std::string(series.labels.Get("job")));
  }
  instances.erase("");
  jobs.erase("");
  Matrix infos;
  if (!instances.empty() || !jobs.empty()) {
    MatcherList matchers = wish.names;
    matchers.insert(matchers.end(), wish.data.begin(), wish.data.end());
    ASSIGN_OR_RETURN(Matrix stored, Stored(matchers));
    std::erase_if(stored, [&](const Series& info) {
      const auto unasked = [&](const std::set<std::string>& values, std::string_view label) {
        return !values.empty() && !values.contains(std::string(info.labels.Get(label)));
      };
      return unasked(instances, "instance") || unasked(jobs, "job");
    });
    ASSIGN_OR_RETURN(infos, InfoSeries(stored, grid));
  }
  // As upstream, two elements of equal labels are refused also at one step alone.
  StepCollector collector(grid, true);
  for (const TimestampMs t_ms : grid.Times()) {
    const Vector elements = At(base.matrix, t_ms);
    if (elements.empty()) continue;
    Vector now = At(infos, t_ms);
    for (Element& info : now) info.taken_ms = info.start_ms;
    ASSIGN_OR_RETURN(const Speakers speakers, SpeakersOf(now));
    Vector out;
    for (const Element& element : elements) {
      std::optional<Labels> labels = element.labels;
      if (!wish.IsInfoMetric(element.labels.metric_name())) {
        ASSIGN_OR_RETURN(labels, Enriched(element.labels, speakers, wish));
      }
      if (labels) out.push_back({*labels, element.value, element.histogram, false, t_ms, 0});
    }
    RETURN_IF_ERROR(collector.Add(t_ms, out));
  }
  Value value;
  value.matrix = collector.Take();
  return value;
}

}  // namespace thermocline::promql::naive
