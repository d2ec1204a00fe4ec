// Series in memory for the tests of this room: a source for the block writer and the oracle of what
// comes back.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/queryable.h"

namespace thermocline {

struct TestSeries {
  Labels labels;
  std::vector<TimestampMs> times;
  std::vector<double> values;
  std::vector<TimestampMs> starts;         // empty or parallel
  std::map<size_t, Histogram> histograms;  // by place; the others are floats

  void Add(TimestampMs t_ms, double v) {
    times.push_back(t_ms);
    values.push_back(v);
  }
  void Add(TimestampMs t_ms, Histogram h) {
    Add(t_ms, h.sum);
    histograms.emplace(times.size() - 1, std::move(h));
  }
  bool operator==(const TestSeries& other) const {
    if (labels != other.labels || times != other.times || starts != other.starts) return false;
    if (values.size() != other.values.size()) return false;
    for (size_t i = 0; i < values.size(); ++i) {
      if (!SameBits(values[i], other.values[i])) return false;
    }
    return std::equal(histograms.begin(), histograms.end(), other.histograms.begin(),
                      other.histograms.end(), [](const auto& a, const auto& b) {
                        return a.first == b.first && SameBits(a.second, b.second);
                      });
  }
};

class TestSeriesSet final : public SeriesSet {
 public:
  explicit TestSeriesSet(std::vector<TestSeries> series) : series_(std::move(series)) {}
  size_t series_count() const override { return series_.size(); }
  SeriesId id(size_t i) const override { return SeriesId(series_[i].labels.Hash()); }
  Labels labels(size_t i) const override { return series_[i].labels; }
  const std::vector<std::string>& warnings() const override { return warnings_; }
  Status Read(std::span<const uint32_t> wanted, SeriesBatch* out) const override {
    out->Clear();
    bool starts = false;
    bool histograms = false;
    for (const uint32_t i : wanted) {
      starts |= !series_[i].starts.empty();
      histograms |= !series_[i].histograms.empty();
    }
    for (const uint32_t i : wanted) {
      const TestSeries& s = series_[i];
      if (histograms) {
        out->histogram_index.resize(out->histogram_index.size() + s.times.size(),
                                    SeriesBatch::kNoHistogram);
      }
      for (const auto& [place, histogram] : s.histograms) {
        out->histogram_index[out->timestamps_ms.size() + place] =
            static_cast<uint32_t>(out->histograms.size());
        out->histograms.push_back(histogram);
      }
      out->timestamps_ms.insert(out->timestamps_ms.end(), s.times.begin(), s.times.end());
      out->values.insert(out->values.end(), s.values.begin(), s.values.end());
      if (starts) {
        out->start_timestamps_ms.insert(out->start_timestamps_ms.end(), s.starts.begin(),
                                        s.starts.end());
        out->start_timestamps_ms.resize(out->timestamps_ms.size(), 0);
      }
      out->offsets.push_back(static_cast<uint32_t>(out->timestamps_ms.size()));
    }
    return Status::Ok();
  }

 private:
  std::vector<TestSeries> series_;
  std::vector<std::string> warnings_;
};

// Everything a set holds, by labels; series without samples are left out. `step` series a read.
inline Result<std::map<std::string, TestSeries>> ReadAll(const SeriesSet& set, size_t step = 1024) {
  std::map<std::string, TestSeries> all;
  SeriesBatch batch;
  for (size_t at = 0; at < set.series_count(); at += step) {
    std::vector<uint32_t> wanted;
    for (size_t i = at; i < std::min(at + step, set.series_count()); ++i) {
      wanted.push_back(static_cast<uint32_t>(i));
    }
    RETURN_IF_ERROR(set.Read(wanted, &batch));
    CHECK(batch.series_count() == wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (batch.times(i).empty()) continue;
      TestSeries series;
      series.labels = set.labels(wanted[i]);
      series.times.assign(batch.times(i).begin(), batch.times(i).end());
      series.values.assign(batch.floats(i).begin(), batch.floats(i).end());
      if (!batch.start_timestamps_ms.empty()) {
        const auto begin = batch.start_timestamps_ms.begin() + batch.offsets[i];
        series.starts.assign(begin, begin + static_cast<ptrdiff_t>(series.times.size()));
      }
      for (size_t k = batch.offsets[i]; k < batch.offsets[i + 1]; ++k) {
        const Histogram* const histogram = batch.histogram(k);
        if (histogram != nullptr) series.histograms.emplace(k - batch.offsets[i], *histogram);
      }
      std::string key = series.labels.packed();
      CHECK(all.emplace(std::move(key), std::move(series)).second);
    }
  }
  return all;
}

}  // namespace thermocline
