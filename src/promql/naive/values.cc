#include "promql/naive/values.h"

#include <algorithm>
#include <set>

namespace thermocline::promql::naive {

std::vector<TimestampMs> Grid::Times() const {
  std::vector<TimestampMs> times;
  for (TimestampMs t_ms = start_ms; t_ms <= end_ms; t_ms += step_ms) times.push_back(t_ms);
  return times;
}

Vector At(const Matrix& matrix, TimestampMs t_ms) {
  Vector elements;
  for (const Series& series : matrix) {
    const auto found = std::lower_bound(series.points.begin(), series.points.end(), t_ms,
                                        [](const Point& p, TimestampMs t) { return p.t_ms < t; });
    if (found == series.points.end() || found->t_ms != t_ms) continue;
    elements.push_back(
        {series.labels, found->value, found->histogram, series.drop_name, t_ms, found->start_ms});
  }
  return elements;
}

Labels WithoutName(const Labels& labels) {
  LabelsBuilder builder(labels);
  builder.Remove(kMetricNameLabel).Remove("__type__").Remove("__unit__");
  return builder.Build();
}

Status SameLabelsError() {
  return Status::OutOfRange("vector cannot contain metrics with the same labelset");
}

bool HasSameLabels(const Matrix& matrix) {
  std::set<Labels> seen;
  return !std::all_of(matrix.begin(), matrix.end(),
                      [&](const Series& series) { return seen.insert(series.labels).second; });
}

Result<Matrix> JoinSameLabels(const Matrix& matrix) {
  Matrix joined;
  std::map<Labels, size_t> places;
  for (const Series& series : matrix) {
    const auto [place, added] = places.try_emplace(series.labels, joined.size());
    if (added) {
      joined.push_back(series);
      continue;
    }
    std::vector<Point>& points = joined[place->second].points;
    points.insert(points.end(), series.points.begin(), series.points.end());
    std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
      if (a.t_ms != b.t_ms) return a.t_ms < b.t_ms;
      return a.histogram == nullptr && b.histogram != nullptr;
    });
    for (size_t i = 1; i < points.size(); ++i) {
      const bool same_kind =
          (points[i].histogram == nullptr) == (points[i - 1].histogram == nullptr);
      if (points[i].t_ms == points[i - 1].t_ms && same_kind) return SameLabelsError();
    }
  }
  return joined;
}

void KeepOneOfTwo(bool keep_float, Series* series) {
  std::vector<Point> kept;
  for (const Point& point : series->points) {
    const bool second = !kept.empty() && kept.back().t_ms == point.t_ms;
    if (!second) {
      kept.push_back(point);
    } else if (!keep_float) {
      kept.back() = point;
    }
  }
  series->points = std::move(kept);
}

Status StepCollector::Add(TimestampMs t_ms, const Vector& elements) {
  std::set<Labels> seen;
  for (const Element& element : elements) {
    const bool repeated = !seen.insert(element.labels).second;
    if (repeated && (refuse_same_ || !grid_.single())) return SameLabelsError();
    const Point point{t_ms, element.value, element.histogram, element.start_ms};
    const auto place = places_.find(element.labels);
    // At several steps the first element of a series decides whether its name goes.
    if (place == places_.end() || grid_.single()) {
      places_[element.labels] = matrix_.size();
      matrix_.push_back({element.labels, element.drop_name, {point}});
    } else {
      matrix_[place->second].points.push_back(point);
    }
  }
  return Status::Ok();
}

}  // namespace thermocline::promql::naive
