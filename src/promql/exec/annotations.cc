#include "promql/exec/annotations.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "promql/functions/calendar.h"
#include "promql/parser.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

constexpr std::string_view kRepairHead =
    "input to histogram_quantile needed to be fixed for monotonicity (see "
    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";

// Two significant digits, as Go's %.2g.
std::string FormatG2(double value) {
  if (!std::isfinite(value)) return FormatShortest(value);
  return fmt::format("{:.2g}", value);
}

}  // namespace

void Annotations::Add(bool warning, std::string text, NotePlace place) {
  const MutexLock lock(mutex_);
  auto& notes = warning ? warnings_ : infos_;
  const auto [found, added] = notes.try_emplace(std::move(text), place);
  if (!added && place.order >= found->second.order) found->second = place;
}

void Annotations::WarnPlain(std::string text) {
  const MutexLock lock(mutex_);
  if (std::find(plain_.begin(), plain_.end(), text) == plain_.end()) {
    plain_.push_back(std::move(text));
  }
}

void Annotations::ForcedMonotonicity(std::string_view metric_name, double min_bucket,
                                     double max_bucket, double max_diff, TimestampMs at_ms,
                                     NotePlace place) {
  const MutexLock lock(mutex_);
  const auto [found, added] = repairs_.try_emplace(
      std::string(metric_name), Repair{min_bucket, max_bucket, max_diff, at_ms, at_ms, 1, place});
  if (added) return;
  Repair& repair = found->second;
  repair.min_bucket = std::min(repair.min_bucket, min_bucket);
  repair.max_bucket = std::max(repair.max_bucket, max_bucket);
  repair.max_diff = std::max(repair.max_diff, max_diff);
  repair.first_ms = std::min(repair.first_ms, at_ms);
  repair.last_ms = std::max(repair.last_ms, at_ms);
  ++repair.count;
  if (place.order < repair.place.order) repair.place = place;
}

void Annotations::StartOverlap(std::string_view metric_name, int windows, NotePlace place) {
  const MutexLock lock(mutex_);
  const auto [found, added] =
      overlaps_.try_emplace(std::string(metric_name), Overlap{windows, place});
  if (added) return;
  found->second.count += windows;
  if (place.order < found->second.place.order) found->second.place = place;
}

std::string Annotations::RepairText(const std::string& name, const Repair& repair) {
  std::string text(kRepairHead);
  if (!name.empty()) text += fmt::format(" for metric name {}", GoQuote(name));
  text += fmt::format(
      ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
      FormatShortest(repair.min_bucket), FormatShortest(repair.max_bucket),
      FormatG2(repair.max_diff), repair.count, Rfc3339(repair.first_ms), Rfc3339(repair.last_ms));
  return text;
}

std::vector<std::string> Annotations::List(bool warning, std::string_view query) const {
  const MutexLock lock(mutex_);
  std::vector<std::pair<int32_t, std::string>> notes;
  for (const auto& [text, place] : warning ? warnings_ : infos_) {
    notes.emplace_back(place.position, text);
  }
  if (!warning) {
    for (const auto& [name, repair] : repairs_) {
      notes.emplace_back(repair.place.position, RepairText(name, repair));
    }
  }
  if (warning) {
    for (const auto& [name, overlap] : overlaps_) {
      std::string text =
          "sample has start time that overlaps with previous sample timestamp for metric " +
          GoQuote(name);
      if (overlap.count > 1) text += fmt::format(" ({} occurrences)", overlap.count);
      notes.emplace_back(overlap.place.position, std::move(text));
    }
  }
  std::sort(notes.begin(), notes.end());
  std::vector<std::string> list;
  if (warning) list = plain_;
  for (const auto& [position, text] : notes) {
    list.push_back(fmt::format("PromQL {}: {} ({})", warning ? "warning" : "info", text,
                               PositionText(query, position)));
  }
  return list;
}

}  // namespace thermocline::promql
