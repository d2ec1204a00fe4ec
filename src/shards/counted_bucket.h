// A bucket that counts what is read of it, and may take its time over each read as one far away
// does. For the benchmark and its test.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "bucket/object.h"

namespace thermocline::shards {

class CountedBucket final : public Bucket {
 public:
  struct Counts {
    std::atomic<uint64_t> requests{0};  // byte ranges
    std::atomic<uint64_t> bytes{0};
    std::atomic<int64_t> delay_ms{0};  // of a read; its ranges are asked for at once
    void Reset() { requests = bytes = 0; }
  };

  explicit CountedBucket(Bucket& bucket) : bucket_(bucket) {}
  Counts& counts() { return counts_; }

  Result<std::unique_ptr<Object>> Open(const std::string& key,
                                       std::optional<uint64_t> known_size_bytes) override {
    ASSIGN_OR_RETURN(auto object, bucket_.Open(key, known_size_bytes));
    return std::unique_ptr<Object>(std::make_unique<Counted>(std::move(object), &counts_));
  }
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) override {
    return bucket_.List(prefix);
  }
  Result<std::unique_ptr<ObjectWriter>> NewWriter(const std::string& key) override {
    return bucket_.NewWriter(key);
  }
  Result<std::string> PutIf(const std::string& key, std::string_view bytes,
                            const std::string& expected_version) override {
    return bucket_.PutIf(key, bytes, expected_version);
  }
  Status Remove(const std::string& key) override { return bucket_.Remove(key); }
  BucketCounters counters() const override { return bucket_.counters(); }

 private:
  class Counted final : public Object {
   public:
    Counted(std::unique_ptr<Object> object, Counts* counts)
        : object_(std::move(object)), counts_(counts) {}
    const std::string& key() const override { return object_->key(); }
    uint64_t size_bytes() const override { return object_->size_bytes(); }
    Status ReadRanges(std::span<const ByteRange> ranges,
                      std::vector<std::string>* out) const override {
      counts_->requests += ranges.size();
      for (const ByteRange& range : ranges) counts_->bytes += range.size_bytes;
      if (counts_->delay_ms != 0 && !ranges.empty()) {
        Mutex mutex;
        CondVar never;
        MutexLock lock(mutex);
        (void)never.WaitFor(mutex, counts_->delay_ms);
      }
      return object_->ReadRanges(ranges, out);
    }
    Result<std::string> Version() const override { return object_->Version(); }

   private:
    const std::unique_ptr<Object> object_;
    Counts* const counts_;
  };

  Bucket& bucket_;
  Counts counts_;
};

}  // namespace thermocline::shards
