#include "promql/naive/random_data.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "promql/naive/random_histogram.h"

namespace thermocline::promql::naive {
namespace {

using Random = std::mt19937_64;
using Pairs = std::vector<std::pair<std::string, std::string>>;
// The sample at a time, to which the writer adds the time.
using NextPoint = std::function<Point()>;

constexpr int64_t kIntervalMs = 15 * kSecondMs;

// A sample about every 15 s, some missing, now and then a stale marker.
std::vector<Point> Sampled(Random& random, const NextPoint& next) {
  const bool jitter = random() % 2 == 0;
  bool absent = random() % 4 == 0;
  std::vector<Point> points;
  for (TimestampMs t_ms = 0; t_ms <= kDataEndMs; t_ms += kIntervalMs) {
    if (random() % 40 == 0) absent = !absent;
    Point point = next();
    if (absent || random() % 20 == 0) continue;
    point.t_ms = t_ms + (jitter ? static_cast<int64_t>(random() % 3000) : 0);
    if (random() % 60 == 0) {
      if (point.histogram != nullptr && random() % 2 == 0) {
        auto stale = std::make_shared<FloatHistogram>();
        stale->sum = StaleMarker();
        point.histogram = std::move(stale);
      } else {
        point = {point.t_ms, StaleMarker(), nullptr, 0};
      }
    }
    points.push_back(std::move(point));
  }
  return points;
}

// Says when counters began: right, or not at all, or wrong.
void AddStarts(Random& random, std::vector<Point>* points) {
  TimestampMs start_ms = 0;
  for (size_t i = 0; i < points->size(); ++i) {
    Point& point = (*points)[i];
    if (i > 0) {
      const Point& before = (*points)[i - 1];
      const bool fell = point.histogram == nullptr ? point.value < before.value : random() % 9 == 0;
      if (fell) start_ms = before.t_ms + static_cast<int64_t>(random() % 3) * 2000;
    }
    point.start_ms =
        random() % 30 == 0 ? static_cast<TimestampMs>(random() % kDataEndMs) : start_ms;
  }
}

// What a storage would know of resets between neighbours; seldom the wrong thing.
void AddHints(Random& random, std::vector<Point>* points) {
  HistogramPtr before;
  for (Point& point : *points) {
    const HistogramPtr now = point.histogram;
    if (now == nullptr || now->reset_hint == CounterResetHint::kGauge || point.stale()) {
      before = nullptr;
      continue;
    }
    auto hinted = std::make_shared<FloatHistogram>(*now);
    const bool anew = before != nullptr && DetectReset(*now, *before);
    if (random() % 50 == 0) {
      hinted->reset_hint = static_cast<CounterResetHint>(random() % 3);
    } else if (before != nullptr && random() % 8 != 0) {
      hinted->reset_hint = anew ? CounterResetHint::kReset : CounterResetHint::kNotReset;
    }
    before = now;
    point.histogram = std::move(hinted);
  }
}

double Gauge(Random& random) {
  if (random() % 90 == 0) return std::numeric_limits<double>::quiet_NaN();
  if (random() % 200 == 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(random() % 10) - 3;
}

NextPoint Gauges(Random& random) {
  return [&random] { return Point{0, Gauge(random), nullptr, 0}; };
}

NextPoint Counters(Random& random, uint64_t most) {
  return [&random, most, count = 0.0]() mutable {
    count = random() % 25 == 0 ? 0 : count + static_cast<double>(random() % most);
    return Point{0, count, nullptr, 0};
  };
}

NextPoint Histograms(Random& random, HistogramKind kind) {
  return [source = RandomHistogram(&random, kind)]() mutable {
    return Point{0, 0, std::make_shared<FloatHistogram>(source.Next()), 0};
  };
}

// Floats for a while, then histograms, and so on.
NextPoint Mixed(Random& random) {
  const auto kind = random() % 2 == 0 ? HistogramKind::kExponential : HistogramKind::kCustom;
  return [&random, floats = Counters(random, 7), histograms = Histograms(random, kind),
          is_float = random() % 2 == 0]() mutable {
    if (random() % 15 == 0) is_float = !is_float;
    return is_float ? floats() : histograms();
  };
}

// Which version a target runs changes; the old series may overlap the new one.
void AddInfos(Random& random, const std::string& instance, Matrix* data) {
  const TimestampMs change_ms = static_cast<TimestampMs>(random() % kDataEndMs);
  for (const std::string name : {"target_info", "build_info"}) {
    for (const std::string version : {"1", "2"}) {
      std::vector<Point> points = Sampled(random, [] { return Point{0, 1, nullptr, 0}; });
      std::erase_if(points,
                    [&](const Point& p) { return (p.t_ms < change_ms) == (version == "2"); });
      Pairs pairs = {{"__name__", name},
                     {"instance", instance},
                     {"job", "j"},
                     {name == "target_info" ? "version" : "build", version}};
      if (name == "build_info" && random() % 10 == 0) pairs.emplace_back("version", "9");
      data->push_back({Labels(std::move(pairs)), false, std::move(points)});
    }
  }
}

class DataWriter {
 public:
  explicit DataWriter(Random* random) : random_(*random) {}

  void Add(Pairs pairs, const NextPoint& next, bool starts = false) {
    std::vector<Point> points = Sampled(random_, next);
    AddHints(random_, &points);
    if (starts) AddStarts(random_, &points);
    data_.push_back({Labels(std::move(pairs)), false, std::move(points)});
  }

  void AddTargets(const std::string& i, const std::string& j) {
    const auto add = [&](const std::string& name, const NextPoint& next, bool starts = false) {
      Add({{"__name__", name}, {"i", i}, {"j", j}}, next, starts);
    };
    const bool starts = random_() % 2 == 0;
    add("a", Gauges(random_));
    add("b", Gauges(random_));
    add("c_total", Counters(random_, 7), starts);
    add("e", Histograms(random_, HistogramKind::kExponential), starts);
    add("n", Histograms(random_, HistogramKind::kCustom), starts);
    add("g", Histograms(random_, HistogramKind::kGauge));
    add("x", Mixed(random_), starts);
    Add({{"__name__", "u"}, {"i", i}, {"j", j}, {"k", "only"}}, [this] {
      return Point{0, static_cast<double>(random_() >> 20) / 1024, nullptr, 0};
    });
    Add({{"__name__", "s"},
         {"__type__", i == "1" ? "counter" : "gauge"},
         {"__unit__", "bytes"},
         {"i", i},
         {"j", j}},
        Counters(random_, 4));
    Add({{"__name__", "t"}, {"i", i}, {"instance", i}, {"job", j == "x" ? "j" : "k"}},
        Gauges(random_));
  }

  void AddClassic(const std::string& i) {
    for (const std::string le : {"0.1", "1", "10", "+Inf"}) {
      const uint64_t most = 2 + 2 * le.size();
      Add({{"__name__", "h_bucket"}, {"i", i}, {"le", le}}, Counters(random_, most));
    }
  }

  void AddOddBuckets() {
    if (random_() % 2 == 0) {
      Add({{"__name__", "h_bucket"}, {"i", "1"}}, Histograms(random_, HistogramKind::kExponential));
    }
    if (random_() % 2 == 0) {
      Add({{"__name__", "h_bucket"}, {"i", "2"}, {"le", "many"}}, Counters(random_, 3));
    }
    if (random_() % 2 == 0) {
      Add({{"__name__", "h_bucket"}, {"i", "3"}, {"le", "1e0"}}, Counters(random_, 3));
    }
  }

  Matrix Take() {
    std::erase_if(data_, [](const Series& series) { return series.points.empty(); });
    std::sort(data_.begin(), data_.end(),
              [](const Series& a, const Series& b) { return a.labels < b.labels; });
    return std::move(data_);
  }

  Matrix* data() { return &data_; }

 private:
  Random& random_;
  Matrix data_;
};

}  // namespace

Matrix RandomData(std::mt19937_64* random) {
  DataWriter writer(random);
  for (const std::string i : {"1", "2", "3"}) {
    for (const std::string j : {"x", "y"}) writer.AddTargets(i, j);
    writer.AddClassic(i);
    AddInfos(*random, i, writer.data());
  }
  writer.AddOddBuckets();
  return writer.Take();
}

}  // namespace thermocline::promql::naive
