// For tests of the head: a log in memory that settles when told, and reading of everything back.
#pragma once

#include <bit>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "head/head.h"
#include "head/histogram_value.h"

namespace thermocline {

class RecordingLog {
 public:
  struct Record {
    Lsn lsn;
    uint8_t kind;
    std::string payload;
  };

  RecordSink sink() {
    return [this](HeadRecord record) -> Result<Lsn> {
      if (refuse) return Status::Unavailable("the log is closed");
      const Lsn lsn(++last_);
      pending_.push_back({lsn, record.kind, std::move(record.payload)});
      return lsn;
    };
  }
  // Settles the oldest `count` records; on OK they are kept for replay.
  void Settle(Head& head, size_t count, const Status& outcome = Status::Ok()) {
    if (count == 0) return;
    const Lsn first = pending_.front().lsn;
    Lsn last;
    for (size_t i = 0; i < count; ++i) {
      last = pending_.front().lsn;
      if (outcome.ok()) durable.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
    head.Settle(first, last, outcome);
  }
  void SettleAll(Head& head, const Status& outcome = Status::Ok()) {
    Settle(head, pending_.size(), outcome);
  }
  size_t pending() const { return pending_.size(); }
  // What a crash loses.
  void LosePending() { pending_.clear(); }
  void TruncateBefore(Lsn lsn) {
    while (!durable.empty() && durable.front().lsn < lsn) durable.pop_front();
  }
  Status ReplayInto(Head& head) const {
    for (const Record& record : durable) {
      RETURN_IF_ERROR(head.Replay(record.lsn, record.kind, record.payload));
    }
    return Status::Ok();
  }

  bool refuse = false;
  std::deque<Record> durable;

 private:
  std::deque<Record> pending_;
  uint64_t last_ = 0;
};

// What a sample is apart from its time: the bits of a float's value; of a histogram, or with a
// start timestamp, a hash of it all but the reset hint.
inline uint64_t Fingerprint(double value, const Histogram* histogram, TimestampMs start_ms) {
  const auto bits = std::bit_cast<uint64_t>(value);
  if (histogram == nullptr && start_ms == 0) return bits;
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.U64(bits);
  writer.I64(start_ms);
  if (histogram != nullptr) {
    Histogram h = *histogram;
    h.reset_hint = CounterResetHint::kUnknown;
    PutHistogram(h, nullptr, &bytes);
  }
  return Hash64(bytes);
}

// Label set -> time -> fingerprint.
using Content = std::map<Labels, std::map<TimestampMs, uint64_t>>;

// Adds what the set holds; a sample that is there already stays.
inline void AddContent(const SeriesSet& set, Content* content) {
  std::vector<uint32_t> indexes;
  for (uint32_t i = 0; i < set.series_count(); ++i) indexes.push_back(i);
  SeriesBatch batch;
  CHECK_OK(set.Read(indexes, &batch));
  CHECK(batch.histogram_index.empty() || batch.histogram_index.size() == batch.values.size());
  CHECK(batch.start_timestamps_ms.empty() ||
        batch.start_timestamps_ms.size() == batch.values.size());
  for (uint32_t i = 0; i < set.series_count(); ++i) {
    const auto times = batch.times(i);
    for (size_t k = 0; k < times.size(); ++k) {
      CHECK(k == 0 || times[k - 1] < times[k]);
      const size_t at = batch.offsets[i] + k;
      const TimestampMs start_ms =
          batch.start_timestamps_ms.empty() ? 0 : batch.start_timestamps_ms[at];
      (*content)[set.labels(i)].emplace(
          times[k], Fingerprint(batch.values[at], batch.histogram(at), start_ms));
    }
  }
}

inline Content ReadAll(const Head& head,
                       TimeRange range = TimeRange{kMinTimestampMs, kMaxTimestampMs},
                       std::vector<Matcher> matchers = {}) {
  SelectRequest request;
  request.matchers = std::move(matchers);
  request.range = range;
  auto set = head.Select(request);
  CHECK_OK(set.status());
  Content content;
  AddContent(**set, &content);
  return content;
}

}  // namespace thermocline
