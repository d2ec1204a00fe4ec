// Admin: what operators ask of a store. The server sees this and neither store nor gateway.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace thermocline {

struct NamedCount {
  std::string name;
  uint64_t count = 0;
};

// The figures of /api/v1/status/tsdb.
struct HeadStatus {
  uint64_t series = 0;
  uint64_t label_pairs = 0;
  uint64_t chunks = 0;  // open and sealed blocks
  TimestampMs min_time_ms = 0;
  TimestampMs max_time_ms = 0;
  std::vector<NamedCount> series_by_metric;  // top `limit`, descending
  std::vector<NamedCount> values_by_label;   // distinct values per label name
  std::vector<NamedCount> bytes_by_label;
  std::vector<NamedCount> series_by_label_pair;  // "name=value"
};

struct FlushSummary {
  uint64_t blocks = 0;
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t bytes = 0;
};

struct Health {
  bool ready = false;
  bool writable = false;
  std::string reason;  // why not, empty when both are true
};

class Admin {
 public:
  virtual ~Admin() = default;
  // Writes everything in the head, open ranges included, to the cold tier. Returns when published.
  virtual Result<FlushSummary> FlushAll() = 0;
  virtual HeadStatus GetHeadStatus(uint64_t limit) const = 0;
  virtual Health GetHealth() const = 0;
};

}  // namespace thermocline
