#pragma once

#include "base/status.h"
#include "model/histogram.h"

namespace thermocline {

// What Prometheus refuses in a histogram that somebody sends (its Histogram.Validate and
// FloatHistogram.Validate): schemas outside -4 .. 8 and -53, spans and buckets that do not agree,
// negative counts, integer counts that do not add up, bounds that do not ascend. InvalidArgument
// with its text.
Status CheckHistogram(const Histogram& h);

}  // namespace thermocline
