// What a block's two tables of samples hold of its series, read as one SeriesSet.
#pragma once

#include <memory>

#include "cold/block_reader.h"
#include "cold/block_series.h"
#include "model/queryable.h"

namespace thermocline {

// The set of `series`, with floats and histograms merged by time. Opens only the files that have
// rows of these series, and of `histograms` fetches only the pages that hold samples asked for;
// without histograms it is the BlockSeriesSet itself. `source.samples` is filled in here.
// `sorted`, `limit`: as BlockSeriesSet::Make.
Result<std::unique_ptr<SeriesSet>> OpenBlockSeries(BlockSeriesSet::Source source,
                                                   BlockSeries series, bool sorted, uint64_t limit,
                                                   columnar::ReadStats* stats);

}  // namespace thermocline
