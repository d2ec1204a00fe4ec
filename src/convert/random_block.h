// For tests: Prometheus blocks of random series, and what they hold as plain values.
#pragma once

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "blocks/test_block.h"
#include "convert/series_walk.h"
#include "env/simulated/simulated_file_system.h"
#include "model/queryable.h"

namespace thermocline {

struct Point {
  double value = 0;
  TimestampMs start_ms = 0;  // 0 = none
  std::optional<Histogram> histogram;
};

inline bool SamePoint(const Point& a, const Point& b) {
  if (a.start_ms != b.start_ms || a.histogram.has_value() != b.histogram.has_value()) return false;
  return a.histogram.has_value() ? SameBuckets(*a.histogram, *b.histogram)
                                 : SameBits(a.value, b.value);
}

// Labels as text -> time -> sample. Series without samples are not there.
using Truth = std::map<std::string, std::map<TimestampMs, Point>>;

inline Result<Truth> ReadTruth(const Queryable& source, TimeRange range) {
  SelectRequest request;
  request.range = range;
  ASSIGN_OR_RETURN(const auto set, source.Select(request));
  Truth truth;
  RETURN_IF_ERROR(WalkSeries(
      *set, [&](uint32_t, const Labels& labels, const SeriesBatch& batch, size_t series) {
        auto& points = truth[labels.ToString()];
        for (size_t i = batch.offsets[series]; i < batch.offsets[series + 1]; ++i) {
          Point point;
          point.value = batch.values[i];
          if (!batch.start_timestamps_ms.empty()) point.start_ms = batch.start_timestamps_ms[i];
          if (batch.histogram(i) != nullptr) point.histogram = *batch.histogram(i);
          points[batch.timestamps_ms[i]] = std::move(point);
        }
        return Status::Ok();
      }));
  return truth;
}

// The first difference as a line; empty when there is none.
inline std::string FirstDifference(const Truth& wanted, const Truth& found) {
  for (const auto& [labels, points] : wanted) {
    const auto series = found.find(labels);
    if (series == found.end()) return labels + " is missing";
    for (const auto& [t, point] : points) {
      const auto other = series->second.find(t);
      const std::string at = labels + " @" + std::to_string(t);
      if (other == series->second.end()) return at + " is missing";
      if (!SamePoint(point, other->second)) {
        return at + " differs: " + std::to_string(point.value) + " is " +
               std::to_string(other->second.value) + ", starts " + std::to_string(point.start_ms) +
               " and " + std::to_string(other->second.start_ms);
      }
    }
    if (series->second.size() != points.size()) return labels + " has more samples";
  }
  return wanted.size() == found.size() ? "" : "there are more series";
}

// What random series may have.
struct RandomKinds {
  bool starts = true;
};

class RandomBlocks {
 public:
  RandomBlocks(uint64_t seed, RandomKinds kinds) : random_(seed), kinds_(kinds) {}

  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  // Writes a block with samples somewhere in `range` and returns what it holds. Every block draws
  // from the same few series, and often from the same times.
  Truth Put(SimulatedFileSystem* files, const std::string& parent, const std::string& ulid,
            TimeRange range) {
    Truth truth;
    std::string segment;
    std::vector<TestSeries> listed;
    TimeRange covered;
    for (const Labels& labels : AllLabels()) {
      if (OneIn(3)) continue;
      const std::map<TimestampMs, Point> points = Points(range);
      if (points.empty()) continue;
      covered.Extend(points.begin()->first);
      covered.Extend(points.rbegin()->first);
      TestSeries series;
      series.labels = labels;
      PutChunks(points, &segment, &series.chunks);
      listed.push_back(std::move(series));
      truth[labels.ToString()] = points;
    }
    std::sort(listed.begin(), listed.end(),
              [](const TestSeries& a, const TestSeries& b) { return (a.labels <=> b.labels) < 0; });
    if (covered.empty()) covered = {range.start_ms, range.start_ms};
    const std::string folder = parent + "/" + ulid;
    files->PutFile(folder + "/index", TestIndexWriter::Write(listed, {}));
    files->PutFile(folder + "/chunks/000001", segment);
    files->PutFile(folder + "/meta.json", TestMeta(covered.start_ms, covered.end_ms + 1, ulid));
    starts_[ulid] = covered.start_ms;
    return truth;
  }
  // Of the block's meta.json.
  TimestampMs start_of(const std::string& ulid) const { return starts_.at(ulid); }

 private:
  static std::vector<Labels> AllLabels() {
    std::vector<Labels> all;
    for (int i = 0; i < 24; ++i) {
      LabelsBuilder builder;
      builder.Set("__name__", i % 3 == 0 ? "requests" : i % 3 == 1 ? "größe.total" : "a");
      builder.Set("pod", "p" + std::to_string(i));
      if (i % 2 == 0) builder.Set("zone", i % 4 == 0 ? "eu" : "us");
      if (i % 5 == 0) builder.Set("🙂 label", std::string("a\0b\n", 4) + std::to_string(i % 2));
      if (i == 7) builder.Remove("__name__");
      all.push_back(builder.Build());
    }
    return all;
  }

  double Value() {
    switch (Below(12)) {
      case 0: return StaleMarker();
      case 1: return std::bit_cast<double>(0x7ff8000000000000 + Below(5));  // NaN, some payload
      case 2: return OneIn(2) ? std::numeric_limits<double>::infinity() : -0.0;
      case 3: return std::bit_cast<double>(random_());
      case 4: return std::numeric_limits<double>::denorm_min();
      default: return static_cast<double>(static_cast<int64_t>(Below(4000)) - 1000) / 8;
    }
  }

  void PutBuckets(Histogram* h, std::vector<HistogramSpan>* spans, std::vector<int64_t>* counts,
                  std::vector<double>* floats) {
    for (uint64_t k = Below(4); k > 0; --k) {
      const auto offset = static_cast<int32_t>(Below(5)) + (spans->empty() ? -2 : 1);
      spans->push_back({offset, static_cast<uint32_t>(1 + Below(4))});
      for (uint32_t i = 0; i < spans->back().length; ++i) {
        const auto count = static_cast<int64_t>(Below(50));
        h->count += static_cast<uint64_t>(count);
        h->float_count += static_cast<double>(count) / 2;
        h->is_float() ? floats->push_back(static_cast<double>(count) / 2)
                      : counts->push_back(count);
      }
    }
  }

  Histogram RandomHistogram(bool is_float) {
    Histogram h;
    h.kind = is_float ? SampleKind::kFloatHistogram : SampleKind::kHistogram;
    h.reset_hint = OneIn(4) ? CounterResetHint::kGauge : CounterResetHint::kUnknown;
    if (OneIn(10)) {
      h.sum = StaleMarker();
      return h;
    }
    h.sum = static_cast<double>(Below(1000)) / 4;
    if (OneIn(4)) {
      h.schema = kCustomBoundsSchema;
      h.custom_bounds = {0.5, 1, 2.5, 1e9};
      const auto length = static_cast<uint32_t>(1 + Below(5));
      h.positive_spans = {{0, length}};
      for (uint32_t i = 0; i < length; ++i) {
        is_float ? h.positive_floats.push_back(2) : h.positive_counts.push_back(2);
      }
      h.count = 2 * length;
      h.float_count = 2 * length;
    } else {
      h.schema = static_cast<int32_t>(Below(13)) - 4;
      h.zero_threshold = OneIn(2) ? 0.001 : 0.25;
      h.zero_count = Below(9);
      h.float_zero_count = static_cast<double>(h.zero_count);
      h.count = h.zero_count;
      h.float_count = h.float_zero_count;
      PutBuckets(&h, &h.positive_spans, &h.positive_counts, &h.positive_floats);
      PutBuckets(&h, &h.negative_spans, &h.negative_counts, &h.negative_floats);
    }
    if (is_float) {
      h.count = h.zero_count = 0;
    } else {
      h.float_count = h.float_zero_count = 0;
    }
    return h;
  }

  std::map<TimestampMs, Point> Points(TimeRange range) {
    const auto width = static_cast<uint64_t>(range.end_ms - range.start_ms + 1);
    // Mostly on a grid that all series share, so that blocks meet at equal times.
    const int64_t step =
        OneIn(3) ? 1 + static_cast<int64_t>(Below(width / 20 + 1)) : 10 * kMinuteMs;
    TimestampMs t = range.start_ms + static_cast<int64_t>(Below(OneIn(2) ? width : 1 + width / 8));
    if (step == 10 * kMinuteMs) t = FloorTo(t, step) + step;
    const bool starts = kinds_.starts && OneIn(3);
    uint64_t kind = Below(6);  // 4, 5: histograms; 3: all kinds in turn
    std::map<TimestampMs, Point> points;
    for (uint64_t left = 1 + Below(400); left > 0 && t <= range.end_ms; --left) {
      Point point;
      if (kind == 3 && OneIn(20)) mixed_ = Below(3);
      const uint64_t now = kind == 3 ? mixed_ : kind > 3 ? kind - 3 : 0;
      if (now > 0) {
        point.histogram = RandomHistogram(now == 2);
        point.value = point.histogram->sum;
      } else {
        point.value = Value();
      }
      if (starts && !OneIn(5)) point.start_ms = t - static_cast<int64_t>(Below(1000)) - 1;
      if (point.start_ms == 0 && starts && OneIn(2)) point.start_ms = t;
      points[t] = std::move(point);
      const int64_t jitter = step == 10 * kMinuteMs ? 0 : static_cast<int64_t>(Below(step / 9 + 1));
      t += (OneIn(12) ? step * static_cast<int64_t>(1 + Below(9)) : step) + jitter;
    }
    return points;
  }

  // As an appender cuts them.
  void PutChunks(const std::map<TimestampMs, Point>& points, std::string* segment,
                 std::vector<ChunkEntry>* entries) {
    SeriesBatch batch;
    batch.Clear();
    bool any_start = false;
    bool any_histogram = false;
    for (const auto& [t, point] : points) {
      any_start |= point.start_ms != 0;
      any_histogram |= point.histogram.has_value();
    }
    for (const auto& [t, point] : points) {
      batch.timestamps_ms.push_back(t);
      batch.values.push_back(point.value);
      if (any_start) batch.start_timestamps_ms.push_back(point.start_ms);
      if (!any_histogram) continue;
      batch.histogram_index.push_back(SeriesBatch::kNoHistogram);
      if (!point.histogram.has_value()) continue;
      batch.histogram_index.back() = static_cast<uint32_t>(batch.histograms.size());
      batch.histograms.push_back(*point.histogram);
    }
    const size_t most = 1 + Below(120);
    for (size_t at = 0; at < points.size();) {
      const size_t end = FirstChunkEnd(batch, at, points.size(), most);
      const ChunkEncoding encoding = ChunkEncodingFor(batch, at, end);
      std::string bytes;
      CHECK_OK(EncodeChunk(encoding, batch, at, end, &bytes));
      entries->push_back({batch.timestamps_ms[at], batch.timestamps_ms[end - 1],
                          PutChunk(segment, static_cast<uint8_t>(encoding), bytes)});
      at = end;
    }
  }

  std::mt19937_64 random_;
  const RandomKinds kinds_;
  uint64_t mixed_ = 0;
  std::map<std::string, TimestampMs> starts_;  // ULID -> first time
};

}  // namespace thermocline
