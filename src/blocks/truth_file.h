// For tests: the truth dumps beside golden data (JSON lines, zstd), and their comparison with what
// a reader of ours returns.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/queryable.h"

namespace thermocline {

// The folders with golden data at hand: what is committed, and the whole set of the shared data,
// which THERMOCLINE_SHARED names (by default it lies beside the checkout).
std::vector<std::filesystem::path> GoldenRoots();

// A whole file of the disk; empty when it cannot be read.
std::string ReadWhole(const std::string& path);

// 16 hex digits as a double's bits.
double HexDouble(const nlohmann::json& text);

struct TruthChunk {
  TimestampMs min_ms = 0;
  TimestampMs max_ms = 0;
  std::string encoding;
  uint32_t samples = 0;
};

struct TruthSeries {
  Labels labels;
  std::vector<TruthChunk> chunks;
  std::map<TimestampMs, std::pair<double, TimestampMs>> floats;         // value, start
  std::map<TimestampMs, std::pair<Histogram, TimestampMs>> histograms;  // histogram, start
};

TruthSeries ParseTruthLine(std::string_view line);
// The decompressed text of a `.zst` file, and its lines as series.
std::string Unzstd(const std::string& bytes);
std::vector<TruthSeries> ReadTruth(const std::string& path);

// Series `i` of `batch` holds exactly the truth's samples. With `exact` histograms are compared bit
// for bit with their hints, otherwise by their non-empty buckets.
void ExpectSamples(const TruthSeries& truth, const SeriesBatch& batch, size_t i, bool exact);

// The whole of `source`, listed in label order, against `truth` (a series without samples is not
// listed there).
void ExpectTruth(const std::vector<TruthSeries>& truth, const Queryable& source, bool exact);

}  // namespace thermocline
