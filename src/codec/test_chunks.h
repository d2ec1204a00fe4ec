// For tests of what stores samples: Prometheus' own chunks, as its iterators read them.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "codec/chunk.h"
#include "model/write_batch.h"

namespace thermocline {

// What differs between what is there and what is wanted.
inline std::string Difference(const SeriesBatch& got, const SeriesBatch& want, bool with_hints) {
  if (got.timestamps_ms != want.timestamps_ms) return "other times";
  for (size_t i = 0; i < want.values.size(); ++i) {
    const std::string at = " at sample " + std::to_string(i);
    const auto start = [i](const SeriesBatch& b) {
      return b.start_timestamps_ms.empty() ? 0 : b.start_timestamps_ms[i];
    };
    if (start(got) != start(want)) return "another start timestamp" + at;
    if (!SameBits(got.values[i], want.values[i])) return "another value" + at;
    const Histogram* const a = got.histogram(i);
    const Histogram* const b = want.histogram(i);
    if ((a == nullptr) != (b == nullptr)) return "another kind" + at;
    if (a != nullptr && !SameBits(*a, *b, false)) return "another histogram" + at;
    if (with_hints && a != nullptr && a->reset_hint != b->reset_hint) return "another hint" + at;
  }
  return "";
}

inline std::string Unhex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// Prometheus' own chunks, as its iterators read them, begun at `begin_ms`.
inline std::vector<SeriesBatch> GoldenChunks(TimestampMs begin_ms) {
  std::vector<SeriesBatch> chunks;
  std::ifstream in(std::filesystem::path(__FILE__).parent_path() / "testdata/golden.chunks");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word;
    std::string hex;
    int encoding = 0;
    words >> word >> encoding >> hex;
    if (word != "chunk") continue;
    SeriesBatch batch;
    CHECK_OK(DecodeChunk(static_cast<ChunkEncoding>(encoding), Unhex(hex),
                         {kMinTimestampMs, kMaxTimestampMs}, &batch));
    const uint64_t shift =
        batch.timestamps_ms.empty() ? 0 : begin_ms - static_cast<uint64_t>(batch.timestamps_ms[0]);
    const auto move = [shift](TimestampMs* t) {
      *t = static_cast<int64_t>(static_cast<uint64_t>(*t) + shift);
    };
    for (TimestampMs& t : batch.timestamps_ms) move(&t);
    for (TimestampMs& t : batch.start_timestamps_ms) {
      if (t != 0) move(&t);
    }
    if (!batch.timestamps_ms.empty() && batch.timestamps_ms.back() < begin_ms + 100 * kDayMs &&
        (!batch.histograms.empty() || !batch.start_timestamps_ms.empty())) {
      chunks.push_back(std::move(batch));
    }
  }
  return chunks;
}

// As a sender hands them on: of resets it knows nothing.
inline void AddAll(LabelsView labels, const SeriesBatch& chunk, WriteBatch* batch) {
  batch->AddSeries(labels);
  for (size_t i = 0; i < chunk.values.size(); ++i) {
    const TimestampMs start_ms =
        chunk.start_timestamps_ms.empty() ? 0 : chunk.start_timestamps_ms[i];
    if (chunk.histogram(i) == nullptr) {
      batch->AddSample(chunk.timestamps_ms[i], chunk.values[i], start_ms);
      continue;
    }
    Histogram h = *chunk.histogram(i);
    if (h.reset_hint != CounterResetHint::kGauge) h.reset_hint = CounterResetHint::kUnknown;
    batch->AddHistogram(chunk.timestamps_ms[i], h, start_ms);
  }
}

}  // namespace thermocline
