// Which counter reset hint a stored histogram has when it is read back.
// Source: Prometheus' tsdb/chunkenc, counterResetHint and FloatHistogramAppender.appendable.
#pragma once

#include <memory>

#include "base/time.h"
#include "model/float_histogram.h"

namespace thermocline::promql {

// Follows one series in time order, as a head appends it to chunks: the first histogram of a chunk
// reads back as "unknown", the next as "not reset", a gauge stays one. A chunk ends where a counter
// went back, the layout changed or a day is over.
class ResetHints {
 public:
  // The hint of `h` at `t_ms`.
  CounterResetHint Next(TimestampMs t_ms, std::shared_ptr<const FloatHistogram> h);
  // A float ends the chunk.
  void Interrupt() { last_.reset(); }

 private:
  bool Continues(TimestampMs t_ms, const FloatHistogram& h) const;

  std::shared_ptr<const FloatHistogram> last_;  // null: no chunk is open
  TimestampMs chunk_start_ms_ = 0;
};

}  // namespace thermocline::promql
