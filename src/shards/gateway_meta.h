// The gateway's small objects: a day's meta.pb and a stream's stream.pb (proto3). FORMAT.md 2.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"

namespace thermocline::shards {

struct GatewayMeta {
  int64_t min_ms = 0;
  int64_t max_ms = 0;  // midnight after the day
  int64_t shards = 0;
  // Version 0 only: metric name -> its label columns.
  std::map<std::string, std::vector<std::string>> columns_for_name;
  int64_t version = 0;
  std::vector<std::string> converted_blocks;  // ULIDs
};

// Corruption for malformed bytes, a check that does not hold, a negative or absurd number of
// shards, times out of order.
// Unknown fields are skipped.
Result<GatewayMeta> ParseGatewayMeta(std::string_view bytes);
std::string EncodeGatewayMeta(const GatewayMeta& meta);

// The labels all series of a stream have. An entry without a value is dropped.
Result<Labels> ParseStream(std::string_view bytes);
std::string EncodeStream(LabelsView external);

}  // namespace thermocline::shards
