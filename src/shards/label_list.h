// Label sets of many rows in one buffer, put together label by label.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"

namespace thermocline::shards {

class LabelList {
 public:
  LabelList() = default;
  size_t size() const { return ends_.size(); }
  LabelsView operator[](size_t i) const {
    const uint64_t begin = i == 0 ? 0 : ends_[i - 1];
    return LabelsView(std::string_view(bytes_).substr(begin, ends_[i] - begin));
  }
  void Append(LabelsView labels) {
    bytes_ += labels.packed();
    ends_.push_back(bytes_.size());
  }
  uint64_t memory_bytes() const { return bytes_.capacity() + 8 * ends_.capacity(); }

 private:
  friend class LabelListBuilder;
  std::string bytes_;           // packed sets, one after another
  std::vector<uint64_t> ends_;  // in `bytes_`
};

// Use: every label's pair once in AddPair, then AddTo for the sets that have it, by ascending names
// for each set; then Build.
class LabelListBuilder {
 public:
  explicit LabelListBuilder(size_t sets) : last_(sets, kNone), sizes_(sets, 0) {}

  // Pairs that follow are AddTo's.
  void AddPair(std::string_view name, std::string_view value) {
    AppendPackedLabel(&text_, name, value);
    pair_ends_.push_back(text_.size());
    pair_size_ = static_cast<uint32_t>(text_.size() - PairBegin(pair_ends_.size() - 1));
  }
  // The last pair belongs to this set.
  void AddTo(size_t set) {
    pieces_.push_back({last_[set], static_cast<uint32_t>(pair_ends_.size() - 1)});
    last_[set] = static_cast<uint32_t>(pieces_.size() - 1);
    sizes_[set] += pair_size_;
  }
  // ResourceExhausted beyond 4 G labels.
  Status Check() const {
    if (pieces_.size() < kNone) return Status::Ok();
    return Status::ResourceExhausted("labels of one select: more than 4294967295");
  }
  LabelList Build() const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  // A label of a set: which pair, and the set's label before it.
  struct Piece {
    uint32_t before;
    uint32_t pair;
  };
  uint64_t PairBegin(size_t pair) const { return pair == 0 ? 0 : pair_ends_[pair - 1]; }

  std::string text_;  // packed pairs
  std::vector<uint64_t> pair_ends_;
  uint32_t pair_size_ = 0;
  std::vector<Piece> pieces_;
  std::vector<uint32_t> last_;  // per set its last piece
  std::vector<uint32_t> sizes_;
};

// Distinct ids of distinct label sets: a set's own hash, or the next free number where another set
// has it.
class LabelIds {
 public:
  // For at most `sets` different ones.
  explicit LabelIds(size_t sets);

  // A table of many sets is beyond the caches: tell hashes some calls before they are looked for.
  void Prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }
  // Which set this is, counting different ones in the order of calls. same_as(i) says whether set i
  // equals it.
  struct Found {
    uint32_t index = 0;
    bool fresh = false;
  };
  template <typename SameAs>
  Found Find(uint64_t hash, const SameAs& same_as) {
    for (uint64_t id = hash;; ++id) {
      size_t slot = id & mask_;
      for (; slots_[slot].index != kFree; slot = (slot + 1) & mask_) {
        if (slots_[slot].tag != Tag(id) || ids_[slots_[slot].index] != id) continue;
        if (same_as(slots_[slot].index)) return {slots_[slot].index, false};
        break;
      }
      if (slots_[slot].index != kFree) continue;  // another set has the id
      const auto index = static_cast<uint32_t>(ids_.size());
      slots_[slot] = {index, Tag(id)};
      ids_.push_back(id);
      return {index, true};
    }
  }
  std::vector<uint64_t> Take() { return std::move(ids_); }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;
  struct Slot {
    uint32_t index = kFree;
    uint32_t tag = 0;
  };
  static uint32_t Tag(uint64_t id) { return static_cast<uint32_t>(id >> 32); }

  std::vector<Slot> slots_;
  std::vector<uint64_t> ids_;
  size_t mask_;
};

}  // namespace thermocline::shards
