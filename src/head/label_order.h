// The canonical label order of series, found on numbers instead of strings.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "head/series_table.h"
#include "model/queryable.h"

namespace thermocline {

// The indexes of `refs` in ascending label order (LabelsView's <=>). All series exist. Ranks each
// distinct label pair once, then compares series by their ranks. Asks `budget` (may be null) every
// so often; its error.
Result<std::vector<uint32_t>> LabelOrder(const SeriesTable& table, std::span<const SeriesRef> refs,
                                         const QueryBudget* budget);

}  // namespace thermocline
