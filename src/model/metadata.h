// What is known of metrics, from several sources.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "model/queryable.h"
#include "model/write_batch.h"

namespace thermocline {

// Makes the entries of several sources, the preferred ones first, what an answer to `request` is:
// by family, in the order given within one, no two equal, as many as the limits say.
void PutInOrder(const MetadataRequest& request, std::vector<BatchMetadata>* all);

// A metric is of a family when its name is the family's and one of these: what counters,
// histograms, summaries and infos give their series.
inline constexpr std::array<std::string_view, 9> kFamilyEndings = {
    "", "_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_info"};

}  // namespace thermocline
