#include "convert/day_plan.h"

#include <algorithm>
#include <map>

#include "convert/series_walk.h"

namespace thermocline {
namespace {

// A select of a day without samples is cheap, but not free.
constexpr uint64_t kMostDaysTried = 1000;

Result<std::vector<TimeRange>> FindDays(const Queryable& data, TimeRange range) {
  SelectRequest request;
  request.range = range;
  ASSIGN_OR_RETURN(const auto set, data.Select(request));
  std::map<int64_t, TimeRange> days;
  RETURN_IF_ERROR(
      WalkSeries(*set, [&](uint32_t, const Labels&, const SeriesBatch& batch, size_t i) {
        const auto times = batch.times(i);
        for (auto at = times.begin(); at != times.end();) {
          const int64_t day = FloorTo(*at, kDayMs);
          const auto end = std::lower_bound(at, times.end(), day + kDayMs);
          TimeRange& range_of_day = days[day];
          range_of_day.Extend(*at);
          range_of_day.Extend(*(end - 1));
          at = end;
        }
        return Status::Ok();
      }));
  std::vector<TimeRange> out;
  out.reserve(days.size());
  for (const auto& [day, range_of_day] : days) out.push_back(range_of_day);
  return out;
}

}  // namespace

Result<std::vector<TimeRange>> PlanDays(const Queryable& data, TimeRange known, TimeRange range) {
  const TimeRange whole{std::max(known.start_ms, range.start_ms),
                        std::min(known.end_ms, range.end_ms)};
  if (known.empty() || whole.empty()) return std::vector<TimeRange>();
  const uint64_t width =
      static_cast<uint64_t>(whole.end_ms) - static_cast<uint64_t>(whole.start_ms);
  if (width / static_cast<uint64_t>(kDayMs) >= kMostDaysTried) return FindDays(data, whole);
  std::vector<TimeRange> days;
  for (int64_t day = FloorTo(whole.start_ms, kDayMs); day <= whole.end_ms; day += kDayMs) {
    days.push_back({std::max(day, whole.start_ms), std::min(day + kDayMs - 1, whole.end_ms)});
  }
  return days;
}

TimeRange WholeDays(TimeRange piece, TimeRange range) {
  const TimestampMs last_day = FloorTo(piece.end_ms, kDayMs);
  const TimestampMs end =
      last_day > kMaxTimestampMs - kDayMs ? kMaxTimestampMs : last_day + (kDayMs - 1);
  return {std::max(FloorTo(piece.start_ms, kDayMs), range.start_ms), std::min(end, range.end_ms)};
}

TimeRange Cover(const std::vector<TimeRange>& days) {
  return days.empty() ? TimeRange{} : TimeRange{days.front().start_ms, days.back().end_ms};
}

}  // namespace thermocline
