// The canonical label order of series, found on numbers instead of strings.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "head/series_table.h"

namespace thermocline {

// The indexes of `refs` in ascending label order (LabelsView's <=>). All series exist. Ranks each
// distinct label pair once, then compares series by their ranks.
std::vector<uint32_t> LabelOrder(const SeriesTable& table, std::span<const SeriesRef> refs);

}  // namespace thermocline
