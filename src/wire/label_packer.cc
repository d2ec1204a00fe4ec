#include "wire/label_packer.h"

#include <algorithm>
#include <cstring>

namespace thermocline {
namespace {

// Every length below 128 is one ASCII byte, so a packed set of ASCII texts is ASCII as a whole.
bool IsAscii(std::string_view text) {
  const char* at = text.data();
  size_t left = text.size();
  uint64_t seen = 0;
  for (; left >= 32; at += 32, left -= 32) {
    uint64_t words[4];
    std::memcpy(words, at, 32);
    seen |= words[0] | words[1] | words[2] | words[3];
  }
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    seen |= word;
  }
  for (; left > 0; ++at, --left) seen |= static_cast<uint8_t>(*at);
  return (seen & 0x8080808080808080ull) == 0;
}

bool AllUtf8(LabelsView labels) {
  return std::all_of(labels.begin(), labels.end(), [](const LabelPair& label) {
    return IsValidUtf8(label.name) && IsValidUtf8(label.value);
  });
}

}  // namespace

void LabelPacker::AddSlowly(std::string_view name, std::string_view value) {
  over_limit_ |= count_ > limits_.max_labels || name.size() > limits_.max_name_bytes ||
                 value.size() > limits_.max_value_bytes;
  if (over_limit_) return;
  if (in_order_) {
    // The labels so far are read back from their packed form.
    in_order_ = false;
    pairs_.clear();
    for (const LabelPair& pair : LabelsView(packed())) pairs_.push_back(pair);
  }
  pairs_.push_back({name, value});
}

// The general way: sorts, refuses repeated and empty names, drops empty values.
bool LabelPacker::Repack() {
  std::stable_sort(pairs_.begin(), pairs_.end(),
                   [](const LabelPair& a, const LabelPair& b) { return a.name < b.name; });
  has_name_ = false;
  repacked_.clear();
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const LabelPair& pair = pairs_[i];
    if (pair.name.empty() || (i > 0 && pairs_[i - 1].name == pair.name)) return false;
    // Judged here because a label without value is not packed.
    if (!IsValidUtf8(pair.name)) return false;
    if (pair.value.empty()) continue;
    has_name_ |= IsMetricNameLabel(pair.name);
    AppendPackedLabel(&repacked_, pair.name, pair.value);
  }
  // `pairs_` may point into what is overwritten here, so this comes last.
  std::memcpy(start_, repacked_.data(), repacked_.size());
  at_ = start_ + repacked_.size();
  return true;
}

LabelVerdict LabelPacker::Finish() {
  if (over_limit_ || count_ > limits_.max_labels) return LabelVerdict::kOverLimit;
  if (!in_order_ && !Repack()) return LabelVerdict::kInvalid;
  if (!has_name_) return LabelVerdict::kInvalid;
  if (packed().size() > limits_.max_label_set_bytes) return LabelVerdict::kOverLimit;
  if (!IsAscii(packed()) && !AllUtf8(LabelsView(packed()))) return LabelVerdict::kInvalid;
  return LabelVerdict::kGood;
}

}  // namespace thermocline
