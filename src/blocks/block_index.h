// A block's index file, versions 1 to 3, read piece by piece.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "blocks/postings_table.h"
#include "blocks/series_section.h"
#include "blocks/symbol_section.h"
#include "bucket/object.h"
#include "model/matcher.h"

namespace thermocline {

// In memory: the symbols and a sample of the postings table; series and postings stay in the file.
// A series' number is its place: ascending numbers are ascending label sets in every index that
// Prometheus wrote. Threads: safe.
class BlockIndex {
 public:
  static Result<std::unique_ptr<BlockIndex>> Open(std::unique_ptr<Object> object);

  int version() const { return version_; }
  const SymbolSection& symbols() const { return symbols_; }
  const PostingsTable& table() const { return table_; }
  const Object& object() const { return *object_; }
  // The scanner must not outlive the index.
  SeriesScanner NewScanner(uint64_t piece_bytes = ObjectWindow::kDefaultPieceBytes) const {
    return {*object_, symbols_, place_, piece_bytes};
  }

  // The series that every matcher accepts, with Prometheus' meaning of an absent label (tsdb
  // PostingsForMatchers); ascending. No matchers: all series.
  Result<std::vector<SeriesRef>> Match(const std::vector<Matcher>& matchers) const;
  Result<std::vector<SeriesRef>> All() const;
  // The union of the lists at `offsets` (in any order); ascending, distinct.
  Result<std::vector<SeriesRef>> UnionOf(std::vector<uint64_t> offsets) const;
  uint64_t memory_bytes() const { return symbols_.memory_bytes() + table_.memory_bytes(); }

 private:
  BlockIndex() = default;
  Status ReadHead();
  Status AppendList(ObjectWindow* window, uint64_t offset, std::vector<SeriesRef>* out) const;
  // The lists of the values of `matcher`'s name for which Matches() is `accepted`.
  Result<std::vector<uint64_t>> Lists(const Matcher& matcher, bool accepted) const;

  std::unique_ptr<Object> object_;
  int version_ = 0;
  uint64_t data_end_ = 0;  // where the table of contents begins
  SeriesPlace place_;
  SymbolSection symbols_;
  PostingsTable table_;
};

}  // namespace thermocline
