// The observer itself; its promises are checked by the power cuts and planted faults.
#include "wal/log_oracle.h"

#include <gtest/gtest.h>

namespace thermocline::wal {

std::string PayloadOf(uint64_t number, size_t size) {
  SeededRandom random(number);
  std::string payload;
  while (payload.size() < size) {
    const uint64_t word = random.Next();
    payload.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  payload.resize(size);
  return payload;
}

LogOracle::LogOracle(SimulatedEnv& simulated, LogOptions options)
    : simulated_(simulated), options_(std::move(options)) {}

Status LogOracle::Open() {
  log_.reset();
  std::map<uint64_t, std::string> seen;
  uint64_t previous = 0;
  Status order;
  const auto replay = [&](const LogRecord& record) {
    if (record.lsn.number <= previous) order = Status::Internal("records out of order");
    previous = record.lsn.number;
    seen[record.lsn.number] = record.payload;
    return Status::Ok();
  };
  auto opened = Log::Open(options_, simulated_.env(), replay, &summary_);
  RETURN_IF_ERROR(order);
  RETURN_IF_ERROR(opened.status());
  log_ = *std::move(opened);
  replayed_count_ = seen.size();
  return Compare(seen);
}

Status LogOracle::Compare(const std::map<uint64_t, std::string>& seen) {
  for (const auto& [lsn, payload] : seen) {
    const auto known = known_.find(lsn);
    if (known == known_.end()) {
      if (lsn < needed_from_) continue;  // released, may still be there
      return Status::Internal("invented record " + std::to_string(lsn));
    }
    if (known->second.payload != payload) {
      return Status::Internal("changed record " + std::to_string(lsn));
    }
  }
  uint64_t previous = 0;
  for (const auto& [lsn, payload] : seen) {
    if (!allow_gaps_ && previous != 0 && lsn != previous + 1) {
      return Status::Internal("gap after record " + std::to_string(previous));
    }
    previous = lsn;
  }
  for (const auto& [lsn, known] : known_) {
    if (known.acknowledged && lsn >= needed_from_ && !seen.contains(lsn)) {
      return Status::Internal("lost record " + std::to_string(lsn));
    }
  }
  // What did not come back never will: its number may be used again. What did is there to stay.
  std::erase_if(known_, [&](const auto& entry) {
    return entry.first >= needed_from_ && !seen.contains(entry.first);
  });
  for (auto& [lsn, known] : known_) known.acknowledged = true;
  return {};
}

Status LogOracle::Enqueue(size_t payload_bytes) {
  std::string payload = PayloadOf(++made_, payload_bytes);
  ASSIGN_OR_RETURN(const Lsn lsn, log_->Enqueue(RecordType::kSamples, payload));
  known_[lsn.number] = {std::move(payload), false};
  last_queued_ = lsn.number;
  return {};
}

Status LogOracle::Wait() {
  RETURN_IF_ERROR(log_->Wait(Lsn(last_queued_)));
  // Records settle in order, so all before it are settled; each has its own outcome.
  for (auto it = known_.rbegin(); it != known_.rend() && !it->second.acknowledged; ++it) {
    if (!log_->Wait(Lsn(it->first)).ok()) continue;
    it->second.acknowledged = true;
    ++acknowledged_count_;
  }
  return {};
}

Status LogOracle::Append(size_t payload_bytes) {
  RETURN_IF_ERROR(Enqueue(payload_bytes));
  return Wait();
}

Status LogOracle::Truncate(uint64_t random) {
  if (known_.empty()) return {};
  const uint64_t first = known_.begin()->first;
  const uint64_t from = first + random % (known_.rbegin()->first - first + 1);
  needed_from_ = std::max(needed_from_, from);
  std::erase_if(known_, [&](const auto& entry) { return entry.first < needed_from_; });
  return log_->TruncateBefore(log_->SegmentOf(Lsn(needed_from_)));
}

TEST(LogOracle, NoticesALostAChangedAndAnInventedRecord) {
  LogOptions options;
  options.directory = "/wal";
  options.segment_size_bytes = 64 * 1024;
  options.inline_commit = true;
  // Files that another log wrote: as many records, fewer, others, more.
  const std::map<std::string, std::vector<size_t>> others = {{"", {100, 200}},
                                                             {"lost record 2", {100}},
                                                             {"changed record 2", {100, 201}},
                                                             {"invented record 3", {100, 200, 5}}};
  for (const auto& [complaint, sizes] : others) {
    SimulatedEnv simulated;
    LogOracle oracle(simulated, options);
    ASSERT_TRUE(oracle.Open().ok());
    ASSERT_TRUE(oracle.Append(100).ok());
    ASSERT_TRUE(oracle.Append(200).ok());
    oracle.Drop();
    SimulatedEnv other;
    LogOracle writer(other, options);
    ASSERT_TRUE(writer.Open().ok());
    for (const size_t size : sizes) ASSERT_TRUE(writer.Append(size).ok());
    writer.Drop();
    simulated.files.LoadImage(other.files.TakeImage());
    EXPECT_EQ(oracle.Open().message(), complaint);
  }
}

}  // namespace thermocline::wal
