// An object that is bytes in memory, for tests, fuzz entries and generators: no bucket around it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bucket/object.h"

namespace thermocline {

class MemoryObject final : public Object {
 public:
  explicit MemoryObject(std::string_view bytes, std::string key = "memory")
      : key_(std::move(key)), bytes_(bytes) {}
  const std::string& key() const override { return key_; }
  uint64_t size_bytes() const override { return bytes_.size(); }
  Status ReadRanges(std::span<const ByteRange> ranges,
                    std::vector<std::string>* out) const override {
    out->clear();
    for (const ByteRange& range : ranges) {
      if (range.offset > bytes_.size() || range.size_bytes > bytes_.size() - range.offset) {
        return Status::OutOfRange("beyond the end of " + key_);
      }
      out->push_back(bytes_.substr(range.offset, range.size_bytes));
    }
    return Status::Ok();
  }
  Result<std::string> Version() const override { return std::string("1"); }

 private:
  const std::string key_;
  const std::string bytes_;
};

}  // namespace thermocline
