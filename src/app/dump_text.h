// Series as lines: the JSON lines of `dump`, OpenMetrics text, CSV.
#pragma once

#include <string>

#include "base/result.h"
#include "model/queryable.h"

namespace thermocline {

enum class DumpFormat { kJson, kOpenMetrics, kCsv };
// json, openmetrics, csv.
Result<DumpFormat> ParseDumpFormat(std::string_view name);

// Appends series `i` of `batch`.
// JSON: one object a line; labels as sorted pairs, floats and histograms with their bits as 16 hex
// digits, times in milliseconds; what is empty is left out. `chunks`, if not null, are the stored
// chunks: minimum, maximum, encoding, samples.
// OpenMetrics: a line a sample, histograms as their count and sum (the text has no native ones).
// CSV: series, time, value, start time, histogram.
Status AppendSeriesText(DumpFormat format, const Labels& labels, const SeriesBatch& batch, size_t i,
                        const EncodedBatch* chunks, std::string* out);
// What comes before the first series and after the last.
std::string_view DumpHead(DumpFormat format);
std::string_view DumpTail(DumpFormat format);

}  // namespace thermocline
