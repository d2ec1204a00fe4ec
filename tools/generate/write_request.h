// Remote write 1.0 messages as a client encodes them, apart from the server's own decoder.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "model/labels.h"

namespace thermocline {

// The label fields of a prometheus.TimeSeries: encoded once, used in each request that names it.
std::string EncodeSeriesLabels(LabelsView labels);

// Appends a TimeSeries with one sample to the prometheus.WriteRequest in `message`.
void AppendTimeSeries(std::string_view encoded_labels, TimestampMs time_ms, double value,
                      std::string* message);

}  // namespace thermocline
