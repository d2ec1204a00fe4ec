// What the footers of a block's files say about it, so that a lost manifest is rebuilt exactly.
// FORMAT.md 3.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cold/label_columns.h"
#include "cold/manifest.h"
#include "columnar/schema.h"

namespace thermocline {

// "<folder>/date=YYYY-MM-DD/<id>.parquet"; `day_ms` is any time of the day. Filters are
// "filters/<id>.filter".
std::string BlockFileKey(BlockFileKind kind, const BlockId& id, TimestampMs day_ms);

// The keys that every Parquet file of a block has.
columnar::KeyValues BlockKeyValues(const BlockEntry& block, BlockFileKind kind,
                                   const LabelColumns& columns);
// The keys of the `series` file: those, and all about the block but the series file itself.
// `indexed` are the labels that the block's `labels` file holds.
columnar::KeyValues SeriesKeyValues(const BlockEntry& block, const LabelColumns& columns,
                                    const std::vector<std::string>& indexed);

struct BlockFooter {
  BlockEntry block;  // without the series file
  LabelColumns columns;
  std::vector<std::string> indexed_labels;
};
// Corruption when a key is missing or malformed.
Result<BlockFooter> ParseSeriesKeyValues(const columnar::KeyValues& key_values);

}  // namespace thermocline
