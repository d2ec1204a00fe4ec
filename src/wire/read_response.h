// Answers to remote read: all samples in one message, or chunks in a stream of frames.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "model/labels.h"
#include "model/queryable.h"

namespace thermocline {

// Appends series `series` of `batch` as a prometheus.TimeSeries, field 1 of a QueryResult.
void AppendReadSeries(LabelsView labels, const SeriesBatch& batch, size_t series,
                      std::string* result);

// Appends `result`, a QueryResult, to a ReadResponse.
void AppendReadResult(std::string_view result, std::string* response);

// Appends series `series` of `batch` to a stream of prometheus.ChunkedReadResponse frames: uvarint
// length, CRC32C in big-endian order, message. A frame holds chunks of one series, each of up to
// 120 samples cut as Prometheus' head cuts them; it ends with the chunk that reaches
// `max_frame_bytes`, and a chunk of several samples is itself no longer than that. Nothing is
// appended for a series without samples. Chunks are of encodings 4 to 6 where there are start
// timestamps: for a client that predates those, empty `batch.start_timestamps_ms` first.
// Source: Prometheus' storage/remote/codec.go (StreamChunkedReadResponses) and chunked.go.
Status AppendChunkFrames(LabelsView labels, const SeriesBatch& batch, size_t series,
                         uint64_t query_index, uint64_t max_frame_bytes, std::string* stream);

}  // namespace thermocline
