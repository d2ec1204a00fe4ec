#include "model/labels.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"

namespace thermocline {
namespace {

// Lengths are below 128 almost always; the loop is for the rest.
inline std::string_view TakeLengthPrefixed(std::string_view* rest) {
  size_t length = static_cast<uint8_t>((*rest)[0]);
  size_t header = 1;
  if (length >= 0x80) [[unlikely]] {
    length &= 0x7f;
    for (int shift = 7;; shift += 7) {
      const auto byte = static_cast<uint8_t>((*rest)[header++]);
      length |= static_cast<size_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
  }
  const std::string_view view = rest->substr(header, length);
  rest->remove_prefix(header + length);
  return view;
}

// Reads a varint that must use as few bytes as possible: one set, one packed form.
uint64_t CanonicalVarint(ByteReader* in) {
  const size_t before = in->offset();
  const uint64_t value = in->Varint();
  size_t shortest = 1;
  for (uint64_t rest = value; rest >= 0x80; rest >>= 7) ++shortest;
  if (in->ok() && in->offset() - before != shortest) in->Fail();
  return value;
}

std::string PackSorted(const std::vector<std::pair<std::string, std::string>>& pairs) {
  size_t size = 0;
  for (const auto& [name, value] : pairs) size += name.size() + value.size() + 4;
  std::string packed;
  packed.reserve(size);
  for (const auto& [name, value] : pairs) AppendPackedLabel(&packed, name, value);
  return packed;
}

void AppendVarint(std::string* out, uint64_t v) { ByteWriter(out).Varint(v); }

// The first pair of `pairs` (sorted by name) that is not below `name`.
auto LowerBound(auto& pairs, std::string_view name) {
  return std::lower_bound(pairs.begin(), pairs.end(), name,
                          [](const auto& pair, std::string_view n) { return pair.first < n; });
}

}  // namespace

void LabelsView::Iterator::Load() {
  if (rest_.empty()) {
    at_end_ = true;
    return;
  }
  pair_.name = TakeLengthPrefixed(&rest_);
  pair_.value = TakeLengthPrefixed(&rest_);
  at_end_ = false;
}

size_t LabelsView::size() const {
  size_t count = 0;
  for (Iterator it = begin(); it != end(); ++it) ++count;
  return count;
}

std::string_view LabelsView::Get(std::string_view name) const {
  for (const LabelPair& pair : *this) {
    const int order = pair.name.compare(name);
    if (order == 0) return pair.value;
    if (order > 0) break;
  }
  return {};
}

uint64_t LabelsView::Hash() const { return Hash64(packed_); }

std::string LabelsView::ToString() const {
  std::string text = "{";
  for (const LabelPair& pair : *this) {
    if (text.size() > 1) text += ", ";
    if (IsLegacyLabelName(pair.name)) {
      text += pair.name;
    } else {
      text += GoQuote(pair.name);
    }
    text += '=';
    text += GoQuote(pair.value);
  }
  text += '}';
  return text;
}

std::strong_ordering LabelsView::operator<=>(const LabelsView& other) const {
  Iterator a = begin();
  Iterator b = other.begin();
  for (; a != end() && b != end(); ++a, ++b) {
    if (const auto order = *a <=> *b; order != 0) return order;
  }
  return (a != end()) <=> (b != end());
}

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs)
    : Labels(std::vector<std::pair<std::string, std::string>>(pairs.begin(), pairs.end())) {}

Labels::Labels(std::vector<std::pair<std::string, std::string>> pairs) {
  LabelsBuilder builder;
  for (const auto& [name, value] : pairs) builder.Set(name, value);
  *this = builder.Build();
}

Result<Labels> Labels::FromPacked(std::string packed) {
  ByteReader in(packed);
  std::string_view previous;
  while (in.ok() && !in.done()) {
    const std::string_view name = in.Bytes(CanonicalVarint(&in));
    const std::string_view value = in.Bytes(CanonicalVarint(&in));
    if (!in.ok()) break;
    if (name.empty() || value.empty() || name <= previous) in.Fail();
    previous = name;
  }
  if (!in.ok()) {
    return Status::Corruption("packed label set is not canonical at byte " +
                              std::to_string(in.offset()) + " of " + std::to_string(packed.size()));
  }
  Labels labels;
  labels.packed_ = std::move(packed);
  return labels;
}

LabelsBuilder::LabelsBuilder(LabelsView base) {
  for (const LabelPair& pair : base) pairs_.emplace_back(pair.name, pair.value);
}

LabelsBuilder& LabelsBuilder::Set(std::string_view name, std::string_view value) {
  if (value.empty()) return Remove(name);
  const auto it = LowerBound(pairs_, name);
  if (it != pairs_.end() && it->first == name) {
    it->second = value;
  } else {
    pairs_.emplace(it, name, value);
  }
  return *this;
}

LabelsBuilder& LabelsBuilder::Remove(std::string_view name) {
  const auto it = LowerBound(pairs_, name);
  if (it != pairs_.end() && it->first == name) pairs_.erase(it);
  return *this;
}

LabelsBuilder& LabelsBuilder::Keep(const std::vector<std::string>& names) {
  std::erase_if(pairs_, [&names](const auto& pair) {
    return std::find(names.begin(), names.end(), pair.first) == names.end();
  });
  return *this;
}

Labels LabelsBuilder::Build() const {
  Labels labels;
  labels.packed_ = PackSorted(pairs_);
  return labels;
}

void AppendPackedLabel(std::string* packed, std::string_view name, std::string_view value) {
  AppendVarint(packed, name.size());
  packed->append(name);
  AppendVarint(packed, value.size());
  packed->append(value);
}

}  // namespace thermocline
