// The postings offset table of a block index: label pair -> where its list of series is.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blocks/object_window.h"

namespace thermocline {

// Keeps of each label name every 32nd value and reads between them, so that ten million pairs cost
// some ten megabytes. A table that is not sorted (index version 1) is kept whole.
// Threads: safe once loaded.
class PostingsTable {
 public:
  // `object` outlives the table. Checks shape and checksum; nothing at or after `end` is read.
  static Result<PostingsTable> Load(const Object& object, uint64_t offset, uint64_t end);

  // Label names, ascending.
  std::vector<std::string> Names() const;
  // The values of `name` that begin with `prefix`, ascending, with the offset of their lists.
  // `visit` returns false to stop. `value` is valid during the call.
  using Visit = std::function<bool(std::string_view value, uint64_t postings_offset)>;
  Status ForEach(std::string_view name, std::string_view prefix, const Visit& visit) const;
  Result<std::optional<uint64_t>> Find(std::string_view name, std::string_view value) const;
  // The list of all series; nullopt when the table has none.
  std::optional<uint64_t> all() const { return all_; }
  uint64_t pair_count() const { return pair_count_; }
  uint64_t memory_bytes() const;

 private:
  struct Mark {
    std::string value;
    uint64_t offset = 0;  // of the entry in the file; in a table kept whole, of the postings
  };
  struct Name {
    std::string name;
    uint64_t end_offset = 0;  // where its last entry ends
    uint64_t value_count = 0;
    std::vector<Mark> marks;
  };
  Status Scan(uint64_t offset, uint64_t end);
  Status Take(std::string_view name, std::string_view value, uint64_t entry, uint64_t postings);
  void SortWhole();
  const Name* FindName(std::string_view name) const;
  Status ForEachMark(const Name& name, std::string_view prefix, const Visit& visit) const;

  const Object* object_ = nullptr;
  std::vector<Name> names_;  // ascending
  std::optional<uint64_t> all_;
  uint64_t pair_count_ = 0;
  bool whole_ = false;
  std::string last_value_;  // while loading
};

}  // namespace thermocline
