#include "shards/gateway_days.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "shards/cell.h"

namespace thermocline::shards {

namespace {

constexpr std::string_view kMetaName = "meta.pb";
constexpr std::string_view kDeletionName = "deletion-marker.pb";
constexpr size_t kDateBytes = 10;

template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() &&
         text[0] != '-';
}

// Days of the proleptic Gregorian calendar since 1970 (H. Hinnant, chrono-Compatible Low-Level
// Date Algorithms).
int64_t DaysFromCivil(int64_t y, int64_t m, int64_t d) {
  y -= m <= 2 ? 1 : 0;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t year = y - era * 400;
  const int64_t day = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
  return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

}  // namespace

std::string FormatDate(int64_t day_ms) {
  const int64_t days = FloorTo(day_ms, kDayMs) / kDayMs + 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t day = days - era * 146097;
  const int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const int64_t of_year = day - (365 * year + year / 4 - year / 100);
  const int64_t shifted = (5 * of_year + 2) / 153;
  const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  return fmt::format("{:04}-{:02}-{:02}", year + era * 400 + (month <= 2 ? 1 : 0), month,
                     of_year - (153 * shifted + 2) / 5 + 1);
}

Result<int64_t> ParseDate(std::string_view text, char separator) {
  int64_t year = 0;
  int64_t month = 0;
  int64_t day = 0;
  const bool fits = text.size() == kDateBytes && text[4] == separator && text[7] == separator &&
                    ParseNumber(text.substr(0, 4), &year) &&
                    ParseNumber(text.substr(5, 2), &month) &&
                    ParseNumber(text.substr(8, 2), &day) && month >= 1 && month <= 12 && day >= 1;
  if (fits) {
    const int64_t day_ms = DaysFromCivil(year, month, day) * kDayMs;
    // 2023-02-30 is another day's date.
    const std::string date = FormatDate(day_ms);
    if (date.substr(8) == text.substr(8)) return day_ms;
  }
  return Status::InvalidArgument("'" + std::string(text) + "' is no date");
}

Result<GatewayDay> ParseMetaKey(std::string_view key) {
  const Status no_day = Status::InvalidArgument("'" + std::string(key) + "' is no day's meta.pb");
  if (!key.ends_with(kMetaName)) return no_day;
  std::string_view path = key.substr(0, key.size() - kMetaName.size());
  if (path.size() < kDateBytes + 1 || path.back() != '/') return no_day;
  path.remove_suffix(1);
  if (const auto day = ParseDate(path, '/'); day.ok()) {
    GatewayDay found;
    found.day_ms = *day;
    found.data_path = std::string(path) + "/";
    found.meta_key = key;
    return found;
  }
  const auto day = ParseDate(path.substr(path.size() - kDateBytes), '-');
  if (!day.ok()) return no_day;
  uint64_t stream = 0;
  if (path.size() > kDateBytes) {
    const std::string_view before = path.substr(0, path.size() - kDateBytes);
    if (!before.ends_with('/') || !ParseNumber(before.substr(0, before.size() - 1), &stream) ||
        stream == 0 || std::to_string(stream) + "/" != before) {
      return no_day;
    }
  }
  return DayOf(stream, *day);
}

GatewayDay DayOf(uint64_t stream, int64_t day_ms) {
  GatewayDay day;
  day.stream = stream;
  day.day_ms = day_ms;
  const std::string date = FormatDate(day_ms) + "/";
  day.data_path = fmt::format("{}/{}", stream, date);
  // Without external labels the data lie below "0/", but meta.pb does not.
  day.meta_key = (stream == 0 ? date : day.data_path) + std::string(kMetaName);
  if (stream != 0) day.stream_key = fmt::format("{}/stream.pb", stream);
  return day;
}

Result<std::vector<GatewayDay>> FindDays(Bucket& bucket, const std::string& prefix) {
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects, bucket.List(prefix));
  std::set<std::string_view> keys;
  for (const ObjectInfo& object : objects) keys.insert(object.key);
  std::vector<GatewayDay> days;
  for (const ObjectInfo& object : objects) {
    auto day = ParseMetaKey(object.key);
    if (!day.ok()) continue;
    const std::string beside_meta = day->meta_key.substr(0, day->meta_key.rfind('/') + 1);
    if (keys.contains(day->data_path + std::string(kDeletionName)) ||
        keys.contains(beside_meta + std::string(kDeletionName))) {
      continue;
    }
    days.push_back(*std::move(day));
  }
  return days;
}

Result<std::vector<Shard::Place>> FindDayShards(Bucket& bucket, const GatewayDay& day) {
  ASSIGN_OR_RETURN(const std::string meta_bytes, bucket.Get(day.meta_key));
  auto meta = ParseGatewayMeta(meta_bytes);
  if (!meta.ok()) return meta.status().WithContext(day.meta_key);
  if (meta->min_ms != day.day_ms || meta->max_ms > day.day_ms + kDayMs) {
    return Status::Corruption(
        fmt::format("{}: a day from {} to {}", day.meta_key, meta->min_ms, meta->max_ms));
  }
  Labels external;
  if (!day.stream_key.empty()) {
    ASSIGN_OR_RETURN(const std::string stream_bytes, bucket.Get(day.stream_key));
    auto stream = ParseStream(stream_bytes);
    if (!stream.ok()) return stream.status().WithContext(day.stream_key);
    external = *std::move(stream);
    if (StreamHash(external) != day.stream) {
      return Status::Corruption(fmt::format("{}: {} hashes to {}", day.stream_key,
                                            external.ToString(), StreamHash(external)));
    }
  }
  std::vector<Shard::Place> places;
  for (int64_t i = 0; i < meta->shards; ++i) {
    Shard::Place place;
    place.labels_key = fmt::format("{}{}.labels.parquet", day.data_path, i);
    place.chunks_key = fmt::format("{}{}.chunks.parquet", day.data_path, i);
    place.day = TimeRange{meta->min_ms, std::max(meta->max_ms, meta->min_ms + kDayMs)};
    place.external = external;
    places.push_back(std::move(place));
  }
  return places;
}

}  // namespace thermocline::shards
