// What the golden data's own writers say of them, for tests: JSON lines, compressed.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "shards/shard.h"

namespace thermocline::shards {

// The folder of golden data, or an empty path in a clone alone.
std::filesystem::path GoldenFolder();
// This room's own copies of one golden shard and one gateway day.
std::filesystem::path TestDataFolder();
// Folders that hold gateway/ and truth/gateway/: this room's own, and the golden data if there.
std::vector<std::filesystem::path> GatewayRoots();

struct TruthRow {
  uint64_t row_group = 0;
  Labels labels;
  std::vector<uint32_t> list;  // label columns, without the count
  std::string hash;            // hexadecimal; "" when absent
  // Column name -> records: encoding, min, max, bytes, samples.
  std::map<std::string, std::vector<std::array<int64_t, 5>>> cells;
};
Result<std::vector<TruthRow>> ReadTruthRows(const std::filesystem::path& file);

struct TruthSeries {
  std::vector<int64_t> float_times;
  std::vector<uint64_t> float_bits;
  std::vector<int64_t> histogram_times;
  std::vector<Histogram> histograms;
};
// By packed labels.
Result<std::map<std::string, TruthSeries>> ReadTruthSeries(const std::filesystem::path& file);

// Every value of a column of bytes.
std::vector<std::string> ReadBytes(const ShardFile& file, uint32_t leaf);

// Compares every sample of every series, listed in label order; returns how many.
size_t ExpectSamples(const Queryable& source, const std::map<std::string, TruthSeries>& truth,
                     LabelsView external = {});

}  // namespace thermocline::shards
