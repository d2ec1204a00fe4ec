// The Histogram message of remote write, version 1 and 2 (prompb and io.prometheus.write.v2).
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"
#include "model/histogram.h"
#include "wire/proto_cursor.h"

namespace thermocline {

struct HistogramMessage {
  Histogram histogram;
  TimestampMs timestamp_ms = 0;
  TimestampMs start_ms = 0;  // 0 = none; version 2 only
};

// Reads one message. Float when the float count is the one set last, as Go's decoder has it; the
// buckets of the other kind are ignored. Spans, buckets and bounds are taken from `*room`, the
// number of elements that may still be read; false when there is no room, with `*room` 0.
// Bounded by it: a byte of the message can ask for 8.
bool ReadHistogramMessage(std::string_view message, uint64_t* room, HistogramMessage* out,
                          ProtoFault* fault);

// Makes what was received a histogram that can be stored, as Prometheus' receiver does: schemas 9
// to 52 are reduced to 8, everything is checked. InvalidArgument with Prometheus' text.
Status AdmitHistogram(Histogram* h);

// Appends the message of version 1, fields in ascending order, to `out`. The start timestamp has no
// field there.
void AppendHistogramMessage(TimestampMs t_ms, const Histogram& h, std::string* out);

}  // namespace thermocline
