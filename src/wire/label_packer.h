// Packs the labels of one received series: sorted, checked, without empty values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "wire/remote_write.h"

namespace thermocline {

enum class LabelVerdict : uint8_t { kGood, kInvalid, kOverLimit };

// Use: Start, Add each label in the order received, Finish. Labels that arrive sorted and plain, as
// senders send them, are copied once and looked at once.
class LabelPacker {
 public:
  // Where a short text is copied, this many bytes are written and read, whatever its length.
  static constexpr size_t kSlack = 16;

  explicit LabelPacker(const RemoteWriteLimits& limits) : limits_(limits) {}

  // Packs to `out`, which must have room for the packed labels and kSlack bytes more. The labels
  // lie before `source_end`, and stay valid until Finish.
  void Start(char* out, const char* source_end) {
    start_ = at_ = out;
    source_end_ = source_end;
    previous_ = {};
    pairs_.clear();
    in_order_ = true;
    over_limit_ = false;
    has_name_ = false;
  }
  void Add(std::string_view name, std::string_view value);
  LabelVerdict Finish();
  // What was packed, once the verdict is kGood.
  std::string_view packed() const { return {start_, static_cast<size_t>(at_ - start_)}; }

 private:
  void Copy(std::string_view text);
  bool Repack();

  const RemoteWriteLimits& limits_;
  char* start_ = nullptr;
  char* at_ = nullptr;
  const char* source_end_ = nullptr;
  std::string_view previous_;
  std::vector<LabelPair> pairs_;  // what the sorted way could not do needs them
  bool in_order_ = true;
  bool over_limit_ = false;
  bool has_name_ = false;
};

}  // namespace thermocline
