// Where the gateway's days lie in a bucket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bucket/object.h"
#include "shards/gateway_meta.h"
#include "shards/shard.h"

namespace thermocline::shards {

struct GatewayDay {
  uint64_t stream = 0;    // hash of the external labels; 0 = none
  int64_t day_ms = 0;     // midnight, UTC
  std::string data_path;  // "<stream>/2023-11-15/", or "2023/11/15/" of a proof of concept
  std::string meta_key;
  std::string stream_key;  // empty for stream 0
};

// Midnight of YYYY-MM-DD (`separator` '-' or '/'). InvalidArgument for anything else.
Result<int64_t> ParseDate(std::string_view text, char separator);
std::string FormatDate(int64_t day_ms);

// Whether `key` names a day's meta.pb, in either dialect, and which.
Result<GatewayDay> ParseMetaKey(std::string_view key);
GatewayDay DayOf(uint64_t stream, int64_t day_ms);

// The days of a bucket by key, of all meta.pb whose keys start with `prefix`; not those that a
// deletion-marker.pb hides.
Result<std::vector<GatewayDay>> FindDays(Bucket& bucket, const std::string& prefix = "");

// The shards of a day, as meta.pb and stream.pb tell. Corruption when stream.pb does not hash to
// the stream's name.
Result<std::vector<Shard::Place>> FindDayShards(Bucket& bucket, const GatewayDay& day);

}  // namespace thermocline::shards
