#include "convert/series_walk.h"

#include <algorithm>
#include <numeric>

namespace thermocline {
namespace {

constexpr size_t kSamplesAtOnce = size_t{1} << 20;
constexpr size_t kMostSeries = 1024;

}  // namespace

void ReadSize::Saw(size_t series, size_t samples) {
  const size_t each = samples / std::max<size_t>(series, 1) + 1;
  const size_t wanted = std::clamp<size_t>(kSamplesAtOnce / each, 1, kMostSeries);
  series_ = std::min(wanted, series_ * 4);
}

Status WalkSeries(const SeriesSet& set, const VisitSeries& visit) {
  SeriesBatch batch;
  ReadSize size;
  std::vector<uint32_t> indexes;
  for (size_t begin = 0; begin < set.series_count();) {
    indexes.resize(std::min(size.series(), set.series_count() - begin));
    std::iota(indexes.begin(), indexes.end(), static_cast<uint32_t>(begin));
    RETURN_IF_ERROR(set.Read(indexes, &batch));
    for (size_t i = 0; i < indexes.size(); ++i) {
      if (batch.times(i).empty()) continue;
      RETURN_IF_ERROR(visit(indexes[i], set.labels(indexes[i]), batch, i));
    }
    size.Saw(indexes.size(), batch.timestamps_ms.size());
    begin += indexes.size();
  }
  return Status::Ok();
}

}  // namespace thermocline
