// Warnings and infos of a query. Texts: promql-semantics 5.1; merging: 5.2.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"

namespace thermocline::promql {

struct PlanNode;

// Where an annotation points: a place in the query, and the rank that decides between two places.
struct NotePlace {
  int32_t position = 0;
  uint32_t order = 0;
};

// Collects each text once. Threads: safe.
class Annotations {
 public:
  // Texts without the "PromQL warning: " prefix and without the position.
  void Warn(std::string text, NotePlace place) { Add(true, std::move(text), place); }
  void Info(std::string text, NotePlace place) { Add(false, std::move(text), place); }
  // A warning of the storage: neither prefix nor position.
  void WarnPlain(std::string text);
  // histogram_quantile had to make buckets monotonic; occurrences of one name are summed up.
  void ForcedMonotonicity(std::string_view metric_name, double min_bucket, double max_bucket,
                          double max_diff, TimestampMs at_ms, NotePlace place);
  // Start timestamps overlapped in so many windows; occurrences of one name are summed up.
  void StartOverlap(std::string_view metric_name, int windows, NotePlace place);

  // In order of position, then text.
  std::vector<std::string> Warnings(std::string_view query) const { return List(true, query); }
  std::vector<std::string> Infos(std::string_view query) const { return List(false, query); }

 private:
  struct Repair {
    double min_bucket, max_bucket, max_diff;
    TimestampMs first_ms, last_ms;
    uint64_t count;
    NotePlace place;
  };
  struct Overlap {
    int64_t count;
    NotePlace place;
  };
  void Add(bool warning, std::string text, NotePlace place);
  std::vector<std::string> List(bool warning, std::string_view query) const;
  static std::string RepairText(const std::string& name, const Repair& repair);

  mutable Mutex mutex_;
  std::map<std::string, NotePlace> warnings_ GUARDED_BY(mutex_);
  std::map<std::string, NotePlace> infos_ GUARDED_BY(mutex_);
  std::map<std::string, Repair> repairs_ GUARDED_BY(mutex_);
  std::map<std::string, Overlap> overlaps_ GUARDED_BY(mutex_);
  std::vector<std::string> plain_ GUARDED_BY(mutex_);
};

}  // namespace thermocline::promql
