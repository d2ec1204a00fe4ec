#include "cold/series_order.h"

#include <algorithm>
#include <unordered_set>

namespace thermocline {

SeriesOrder::SeriesOrder(const SeriesSet& series) {
  entries_.reserve(series.series_count());
  for (size_t i = 0; i < series.series_count(); ++i) {
    const Labels labels = series.labels(i);
    entries_.push_back(
        {arena_.size(), static_cast<uint32_t>(labels.packed().size()), static_cast<uint32_t>(i)});
    arena_ += labels.packed();
  }
  std::vector<std::string_view> metrics(entries_.size());  // by source
  const auto view = [&](const Entry& e) {
    return LabelsView(std::string_view(arena_).substr(e.offset, e.size));
  };
  for (const Entry& e : entries_) metrics[e.source] = view(e).metric_name();
  const auto before = [&](const Entry& a, const Entry& b) {
    if (const int order = metrics[a.source].compare(metrics[b.source]); order != 0) {
      return order < 0;
    }
    return view(a) < view(b);
  };
  // Sources usually come in label order, which is metric order unless some label name sorts before
  // __name__.
  if (!std::is_sorted(entries_.begin(), entries_.end(), before)) {
    std::sort(entries_.begin(), entries_.end(), before);
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (i == 0 || metrics[entries_[i].source] != metrics[entries_[i - 1].source]) {
      metric_starts_.push_back(i);
    }
  }
  metric_starts_.push_back(entries_.size());
  CollectNames();
}

void SeriesOrder::CollectNames() {
  std::unordered_set<std::string> known;
  std::vector<std::string_view> before;  // names of the series before: mostly the same
  std::vector<std::string_view> names;
  for (size_t i = 0; i < size(); ++i) {
    names.clear();
    for (const LabelPair& pair : labels(i)) names.push_back(pair.name);
    if (names == before) continue;
    for (const std::string_view name : names) {
      if (name != kMetricNameLabel && known.emplace(name).second) label_names_.emplace_back(name);
    }
    before.swap(names);
  }
}

}  // namespace thermocline
