// Exemplars: single measurements that stand for a series' samples, mostly with the id of a trace.
#pragma once

#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/labels.h"
#include "model/matcher.h"

namespace thermocline {

class QueryBudget;

struct Exemplar {
  Labels labels;  // its own: {trace_id="..."}
  TimestampMs t_ms = 0;
  double value = 0;

  bool operator==(const Exemplar& other) const;  // by the bits of the value
};

// Those of one series, ascending by time, no two equal.
struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;

  bool operator==(const SeriesExemplars&) const = default;
};

struct ExemplarRequest {
  TenantId tenant;
  std::vector<std::vector<Matcher>>
      matcher_sets;               // a series counts when one set accepts it; empty = all series
  TimeRange range;                // inclusive at both ends
  QueryBudget* budget = nullptr;  // borrowed, may be null
};

// Whether the series is asked for.
bool Accepts(const ExemplarRequest& request, LabelsView series);
// Makes any list of series and exemplars what an answer is: series in label order, each once,
// without those that have none in `range`.
void PutInOrder(TimeRange range, std::vector<SeriesExemplars>* all);

// Every series with these labels laid over its own.
void LayOver(const Labels& labels, std::vector<SeriesExemplars>* all);

}  // namespace thermocline
