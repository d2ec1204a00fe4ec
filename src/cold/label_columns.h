// Which column of the `samples` and `series` tables holds which label. One map per table,
// append-only: a label never changes its place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace thermocline {

inline constexpr uint32_t kMaxLabelColumns = 96;

// Copies are cheap enough for once per block (at most 96 pairs). The metric name is not in the map:
// it is always the column `metric`.
class LabelColumns {
 public:
  explicit LabelColumns(uint32_t limit = kMaxLabelColumns) : limit_(limit) {}

  // The column of `label`, if it has one.
  std::optional<std::string_view> Find(std::string_view label) const;
  // The column of `label`, giving it one when it is new and there is room. nullopt: no room, the
  // label lives in the column `labels`.
  std::optional<std::string_view> FindOrAdd(std::string_view label);
  // Takes over what `other` knows beyond this map, in its order. A label that is known here keeps
  // its column; a column that is taken here is left out.
  void Merge(const LabelColumns& other);

  // (label, column) in the order they were added.
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }
  uint32_t limit() const { return limit_; }

  // [["job","job"],["value","label_value"]]: what a footer's `thermocline.label_columns` holds.
  std::string ToJson() const;
  // Corruption when `json` is not such a list, or names a label, or (ignoring case) a column,
  // twice.
  static Result<LabelColumns> FromJson(std::string_view json);

  bool operator==(const LabelColumns& other) const { return pairs_ == other.pairs_; }

 private:
  bool Insert(std::string_view label, std::string column);
  std::string NewColumnName(std::string_view label) const;

  uint32_t limit_;
  std::vector<std::pair<std::string, std::string>> pairs_;
  std::map<std::string, uint32_t, std::less<>> by_label_;  // label -> index into pairs_
  std::set<std::string, std::less<>> taken_;               // column names, folded
};

// Lower case of ASCII, and of Latin-1, Greek and Cyrillic letters: what engines that ignore case in
// column names fold. Used for comparing only.
std::string FoldColumnName(std::string_view name);

// `text` with quotes, as JSON writes it.
std::string JsonQuote(std::string_view text);

}  // namespace thermocline
