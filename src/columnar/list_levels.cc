#include "columnar/list_levels.h"

#include <algorithm>

#include "columnar/hybrid.h"

namespace thermocline::columnar {

ListLevels EncodeListLevels(std::span<const uint32_t> offsets, ByteBuffer* out) {
  ListLevels levels;
  const size_t before = out->size();
  HybridEncoder repetition(1, out);
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    const uint32_t count = offsets[row + 1] - offsets[row];
    repetition.Add(0, 1);
    if (count > 1) repetition.Add(1, count - 1);
    levels.entries += std::max(count, 1u);
    levels.empty += count == 0 ? 1 : 0;
  }
  repetition.Finish();
  levels.repetition_bytes = static_cast<uint32_t>(out->size() - before);
  HybridEncoder definition(1, out);
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    const uint32_t count = offsets[row + 1] - offsets[row];
    definition.Add(count == 0 ? 0 : 1, std::max(count, 1u));
  }
  definition.Finish();
  return levels;
}

namespace {

// Definition runs taken piece by piece.
class Definitions {
 public:
  explicit Definitions(const std::vector<CodeRun>& runs) : at_(runs.data()) {}
  // The next entries of one level, at most `most`: their count.
  uint32_t Take(uint32_t most, uint32_t* level) {
    if (used_ == at_->count) {
      ++at_;
      used_ = 0;
    }
    const uint32_t count = std::min(most, at_->count - used_);
    used_ += count;
    *level = at_->code;
    return count;
  }

 private:
  const CodeRun* at_;
  uint32_t used_ = 0;
};

}  // namespace

bool DecodeListLevels(std::span<const uint8_t> repetition, std::span<const uint8_t> definition,
                      uint64_t entries, uint64_t rows, ListLevelScratch* scratch,
                      std::vector<uint32_t>* offsets) {
  offsets->clear();
  if (entries < rows || entries > kMaxListEntries) return false;
  scratch->repetition.clear();
  scratch->definition.clear();
  const auto is_whole = [&](std::span<const uint8_t> bytes, std::vector<CodeRun>* runs) {
    return DecodeHybrid(bytes, 1, entries, 2, runs) == static_cast<int64_t>(bytes.size());
  };
  if (!is_whole(repetition, &scratch->repetition) || !is_whole(definition, &scratch->definition)) {
    return false;
  }
  Definitions definitions(scratch->definition);
  offsets->reserve(rows + 1);
  uint32_t elements = 0;
  uint32_t level = 0;  // of the entry before: only a list with an element goes on
  for (const CodeRun& run : scratch->repetition) {
    if (run.code == 0 && offsets->size() + run.count > rows) return false;
    if (run.code == 1 && level == 0) return false;
    for (uint32_t left = run.count; left > 0;) {
      const uint32_t count = definitions.Take(left, &level);
      if (run.code == 1) {
        if (level == 0) return false;
        elements += count;
      } else {
        for (uint32_t i = 0; i < count; ++i, elements += level) offsets->push_back(elements);
      }
      left -= count;
    }
  }
  if (offsets->size() != rows) return false;
  offsets->push_back(elements);
  return true;
}

}  // namespace thermocline::columnar
