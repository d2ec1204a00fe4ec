// Objects in a bucket, read by byte ranges and written whole. The local folder is the first bucket;
// object stores follow behind the same contract. Whoever plans the ranges counts the requests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace thermocline {

// Bytes [offset, offset + size_bytes).
struct ByteRange {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
};

struct ObjectInfo {
  std::string key;  // "/"-separated, relative to the bucket, never absolute and without ".."
  uint64_t size_bytes = 0;
  int64_t modified_ms = 0;
};

// One version of an object, fixed when it was opened: a later Put or Remove of the key does not
// change what is read here. Threads: safe to call concurrently.
class Object {
 public:
  virtual ~Object() = default;
  virtual const std::string& key() const = 0;
  virtual uint64_t size_bytes() const = 0;
  // Reads every range, in one round; (*out)[i] is exactly ranges[i]. `out`'s strings are reused.
  // Errors: OutOfRange when a range reaches past the end, Io.
  virtual Status ReadRanges(std::span<const ByteRange> ranges,
                            std::vector<std::string>* out) const = 0;
  // The token PutIf compares. May read the whole object (the local bucket hashes it), so it is
  // meant for small objects that are swapped: ResourceExhausted above 64 MiB.
  virtual Result<std::string> Version() const = 0;

  // ReadRanges of one range.
  Result<std::string> Read(uint64_t offset, uint64_t size_bytes) const;
};

// Writes one object front to back. Nothing is visible under the key before Finish returns OK, and
// then it is durable. Destroying an unfinished writer aborts it. One thread at a time.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual Status Append(std::string_view bytes) = 0;
  // Publishes, replacing what the key held. After an error the key holds the old object or, if the
  // error came after the name changed, the new one; never a part of it.
  virtual Status Finish() = 0;
  // Removes what was written. Harmless after Finish.
  virtual void Abort() = 0;
};

// What a bucket was asked for since it was made.
struct BucketCounters {
  uint64_t read_requests = 0;  // ranges asked for
  uint64_t read_bytes = 0;
  uint64_t write_requests = 0;  // objects published
  uint64_t written_bytes = 0;
  uint64_t list_requests = 0;
  uint64_t remove_requests = 0;
};

// Threads: safe to call concurrently.
class Bucket {
 public:
  virtual ~Bucket() = default;
  // Objects whose key begins with `prefix`, sorted by key. Unfinished writes are not objects.
  virtual Result<std::vector<ObjectInfo>> List(std::string_view prefix) = 0;
  // `known_size_bytes` (from a manifest) saves the request for the size; a wrong one shows as
  // OutOfRange or Corruption when read. NotFound when there is no such object.
  virtual Result<std::unique_ptr<Object>> Open(
      const std::string& key, std::optional<uint64_t> known_size_bytes = std::nullopt) = 0;
  virtual Result<std::unique_ptr<ObjectWriter>> NewWriter(const std::string& key) = 0;
  // Writes `bytes` if the object's Version() is `expected_version`, or if there is none and
  // `expected_version` is empty; returns the new version. Errors: AlreadyExists when the key holds
  // something else (the message tells which version).
  virtual Result<std::string> PutIf(const std::string& key, std::string_view bytes,
                                    const std::string& expected_version) = 0;
  // OK once the name is durably gone. NotFound when it was not there.
  virtual Status Remove(const std::string& key) = 0;
  virtual BucketCounters counters() const = 0;

  // NewWriter, Append, Finish.
  Status Put(const std::string& key, std::string_view bytes);
  // The whole object; ResourceExhausted above `limit_bytes`.
  Result<std::string> Get(const std::string& key, uint64_t limit_bytes = uint64_t{64} << 20);
};

}  // namespace thermocline
