#include "shards/label_list.h"

#include <bit>
#include <cstring>

namespace thermocline::shards {

LabelList LabelListBuilder::Build() const {
  LabelList list;
  list.ends_.reserve(sizes_.size());
  uint64_t end = 0;
  for (const uint32_t size : sizes_) list.ends_.push_back(end += size);
  list.bytes_.resize(end);
  for (size_t set = 0; set < sizes_.size(); ++set) {
    char* to = list.bytes_.data() + list.ends_[set];
    for (uint32_t at = last_[set]; at != kNone; at = pieces_[at].before) {
      const uint64_t begin = PairBegin(pieces_[at].pair);
      const uint64_t size = pair_ends_[pieces_[at].pair] - begin;
      to -= size;
      std::memcpy(to, text_.data() + begin, size);
    }
  }
  return list;
}

LabelIds::LabelIds(size_t sets) : slots_(std::bit_ceil(sets + sets / 2 + 1)) {
  mask_ = slots_.size() - 1;
  ids_.reserve(sets);
}

}  // namespace thermocline::shards
