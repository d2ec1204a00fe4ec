// Set algebra on ascending, distinct lists of series numbers.
#pragma once

#include <span>
#include <vector>

#include "base/ids.h"

namespace thermocline {

std::vector<SeriesRef> Intersect(std::span<const SeriesRef> a, std::span<const SeriesRef> b);

// `from` without what is in `taken`.
std::vector<SeriesRef> Without(std::span<const SeriesRef> from, std::span<const SeriesRef> taken);

// The lists may overlap.
std::vector<SeriesRef> Union(std::span<const std::span<const SeriesRef>> lists);

bool Intersects(std::span<const SeriesRef> a, std::span<const SeriesRef> b);

}  // namespace thermocline
