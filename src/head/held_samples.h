// What a reader holds of one series, and the reading of it.
#pragma once

#include <span>

#include "base/time.h"
#include "head/piece.h"
#include "model/queryable.h"

namespace thermocline {

// A piece with a reference, and how much of it the reader saw when it listed.
struct HeldPiece {
  Piece* piece;
  PieceView view;
};

// Adds one series to `out`: the samples in `range`, ascending and distinct. `pieces` in the order
// of the series' list (newest range first). The optional columns stay empty or become parallel. Of
// samples with equal timestamps the one staged first in the oldest piece stays, in-order ones
// before the others. Threads: the series' stripe is held, or all pieces are frozen.
void AppendHeldSamples(std::span<const HeldPiece> pieces, TimeRange range, SeriesBatch* out);

}  // namespace thermocline
