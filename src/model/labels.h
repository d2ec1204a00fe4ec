// Label sets: sorted (name, value) pairs packed into one string.
#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace thermocline {

inline constexpr std::string_view kMetricNameLabel = "__name__";
inline constexpr std::string_view kBucketLabel = "le";

struct LabelPair {
  std::string_view name;
  std::string_view value;
  auto operator<=>(const LabelPair&) const = default;
};

// A label set in packed form, borrowed: for each pair a varint length and the name, then a varint
// length and the value; pairs in ascending byte order of the name, names distinct, no empty values.
// The packed form is canonical: equal sets have equal bytes. It is stored on disk (WAL,
// `series.label_set`).
class LabelsView {
 public:
  LabelsView() = default;
  // `packed` must be canonical and is trusted (see Labels::FromPacked for bytes that are not ours).
  explicit LabelsView(std::string_view packed) : packed_(packed) {}

  class Iterator {
   public:
    using value_type = LabelPair;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(std::string_view rest) : rest_(rest) { Load(); }
    const LabelPair& operator*() const { return pair_; }
    const LabelPair* operator->() const { return &pair_; }
    Iterator& operator++() {
      Load();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      Load();
      return before;
    }
    bool operator==(const Iterator& other) const {
      return at_end_ == other.at_end_ && (at_end_ || pair_.name.data() == other.pair_.name.data());
    }

   private:
    void Load();
    std::string_view rest_;
    LabelPair pair_;
    bool at_end_ = true;
  };
  Iterator begin() const { return Iterator(packed_); }
  Iterator end() const { return {}; }

  bool empty() const { return packed_.empty(); }
  size_t size() const;  // pairs; O(bytes)
  // The value, or "" when the label is absent (Prometheus does not tell the two apart).
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return !Get(name).empty(); }
  std::string_view metric_name() const { return Get(kMetricNameLabel); }
  std::string_view packed() const { return packed_; }
  // Hash64 of the packed bytes: the SeriesId before collision handling.
  uint64_t Hash() const;
  // {__name__="up", job="x"} as Prometheus' labels.String() prints it, with Go quoting.
  std::string ToString() const;

  bool operator==(const LabelsView& other) const { return packed_ == other.packed_; }
  // Prometheus' labels.Compare: pair by pair, name before value, then the shorter set first.
  std::strong_ordering operator<=>(const LabelsView& other) const;

 private:
  std::string_view packed_;
};

// An owned label set.
class Labels {
 public:
  Labels() = default;
  explicit Labels(LabelsView view) : packed_(view.packed()) {}
  // Sorts; empty values are dropped; a repeated name keeps the last. For tests and for code that
  // knows its labels.
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);
  explicit Labels(std::vector<std::pair<std::string, std::string>> pairs);
  // Checks order, distinct names, no empty values, bounds. Corruption when the bytes are not
  // canonical.
  static Result<Labels> FromPacked(std::string packed);

  LabelsView view() const { return LabelsView(packed_); }
  operator LabelsView() const { return view(); }  // NOLINT(google-explicit-constructor)
  LabelsView::Iterator begin() const { return view().begin(); }
  LabelsView::Iterator end() const { return view().end(); }
  bool empty() const { return packed_.empty(); }
  size_t size() const { return view().size(); }
  std::string_view Get(std::string_view name) const { return view().Get(name); }
  bool Has(std::string_view name) const { return view().Has(name); }
  std::string_view metric_name() const { return view().metric_name(); }
  const std::string& packed() const { return packed_; }
  uint64_t Hash() const { return view().Hash(); }
  std::string ToString() const { return view().ToString(); }
  bool operator==(const Labels& other) const { return packed_ == other.packed_; }
  std::strong_ordering operator<=>(const Labels& other) const { return view() <=> other.view(); }

 private:
  friend class LabelsBuilder;
  std::string packed_;
};

// Edits a label set: start from one, Set / Remove / Keep, then Build.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(LabelsView base);
  // An empty value removes the label.
  LabelsBuilder& Set(std::string_view name, std::string_view value);
  LabelsBuilder& Remove(std::string_view name);
  // Keeps only `names`.
  LabelsBuilder& Keep(const std::vector<std::string>& names);
  Labels Build() const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;  // sorted by name
};

// Appends one pair in packed form; the caller keeps the order.
void AppendPackedLabel(std::string* packed, std::string_view name, std::string_view value);

bool IsValidUtf8(std::string_view text);
// [a-zA-Z_:][a-zA-Z0-9_:]* (Prometheus' legacy metric names).
bool IsLegacyMetricName(std::string_view name);
// [a-zA-Z_][a-zA-Z0-9_]*
bool IsLegacyLabelName(std::string_view name);
// Go's strconv.Quote.
std::string GoQuote(std::string_view text);

}  // namespace thermocline

template <>
struct std::hash<thermocline::Labels> {
  size_t operator()(const thermocline::Labels& labels) const noexcept { return labels.Hash(); }
};
