// Packs the labels of one received series: sorted, checked, without empty values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "wire/remote_write.h"

namespace thermocline {

enum class LabelVerdict : uint8_t { kGood, kInvalid, kOverLimit };

// Use: Start, Add each label in the order received, Finish. Labels that arrive sorted and short, as
// senders send them, are copied once and looked at once.
class LabelPacker {
 public:
  // Where a short text is copied, this many bytes are written and read, whatever its length.
  static constexpr size_t kSlack = 32;

  explicit LabelPacker(const RemoteWriteLimits& limits)
      : limits_(limits),
        short_name_(std::min(limits.max_name_bytes, kShort)),
        short_value_(std::min(limits.max_value_bytes, kShort)) {}

  // Packs to `out`, which must have room for the packed labels and kSlack bytes more. The labels
  // lie before `source_end`, and stay valid until Finish.
  void Start(char* out, const char* source_end) {
    start_ = at_ = out;
    source_end_ = source_end;
    previous_ = {};
    count_ = 0;
    in_order_ = true;
    over_limit_ = false;
    has_name_ = false;
  }

  void Add(std::string_view name, std::string_view value) {
    ++count_;
    if (in_order_ && !value.empty() && name.size() <= short_name_ && value.size() <= short_value_ &&
        Below(previous_, name)) [[likely]] {
      has_name_ |= IsMetricNameLabel(name);
      previous_ = name;
      // Through a local: a store to a char could be to `at_` itself, for all the compiler knows.
      char* at = at_;
      at = CopyShort(name, source_end_, at);
      at_ = CopyShort(value, source_end_, at);
    } else {
      AddSlowly(name, value);
    }
  }
  LabelVerdict Finish();
  // What was packed, once the verdict is kGood.
  std::string_view packed() const { return {start_, static_cast<size_t>(at_ - start_)}; }

 private:
  static constexpr uint32_t kShort = 0x7f;  // lengths of one byte

  // a < b for byte strings; names mostly differ in the first byte.
  static bool Below(std::string_view a, std::string_view b) {
    if (!a.empty() && !b.empty() && a[0] != b[0]) {
      return static_cast<uint8_t>(a[0]) < static_cast<uint8_t>(b[0]);
    }
    return a < b;
  }
  static bool IsMetricNameLabel(std::string_view name) {
    return name.size() == kMetricNameLabel.size() &&
           std::memcmp(name.data(), kMetricNameLabel.data(), kMetricNameLabel.size()) == 0;
  }
  // A length below 128, then the text. Returns the position behind it.
  static char* CopyShort(std::string_view text, const char* source_end, char* at) {
    *at++ = static_cast<char>(text.size());
    if (text.size() <= kSlack && source_end - text.data() >= static_cast<ptrdiff_t>(kSlack))
        [[likely]] {
      std::memcpy(at, text.data(), kSlack);
    } else {
      std::memcpy(at, text.data(), text.size());
    }
    return at + text.size();
  }
  void AddSlowly(std::string_view name, std::string_view value);
  bool Repack();

  const RemoteWriteLimits& limits_;
  const uint32_t short_name_;
  const uint32_t short_value_;
  char* start_ = nullptr;
  char* at_ = nullptr;
  const char* source_end_ = nullptr;
  std::string_view previous_;
  uint32_t count_ = 0;
  bool in_order_ = true;
  bool over_limit_ = false;
  bool has_name_ = false;
  std::vector<LabelPair> pairs_;  // all labels, once one of them came out of order
  std::string repacked_;
};

}  // namespace thermocline
