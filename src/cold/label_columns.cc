#include "cold/label_columns.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace thermocline {
namespace {

// Columns of `samples`, `series` and `labels` that are not labels, those of tables to come, and the
// partition column. Never given to a label.
constexpr std::array<std::string_view, 21> kReservedColumns = {
    "metric",    "labels",    "series_id",    "timestamp", "value",        "start_timestamp",
    "date",      "label_set", "min_time",     "max_time",  "sample_count", "slice_ms",
    "first_row", "row_count", "more_rows",    "name",      "series_row",   "histogram",
    "exemplar",  "kind",      "resolution_ms"};

// Characters that Delta refuses in column names.
constexpr std::string_view kRefused = " ,;{}()\n\t=";

// Reads one JSON string at `at` (just past the opening quote) into `out` and moves `at` past the
// closing quote.
bool ReadJsonString(std::string_view json, size_t* at, std::string* out);

uint32_t HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A' + 10);
  return 16;
}

// We write \u only for control characters, so nothing above 0x7f needs decoding.
bool ReadUnicodeEscape(std::string_view json, size_t* at, std::string* out) {
  if (json.size() - *at < 4) return false;
  uint32_t code = 0;
  for (int i = 0; i < 4; ++i) {
    const uint32_t digit = HexDigit(json[(*at)++]);
    if (digit > 15) return false;
    code = code * 16 + digit;
  }
  if (code > 0x7f) return false;
  out->push_back(static_cast<char>(code));
  return true;
}

bool ReadJsonString(std::string_view json, size_t* at, std::string* out) {
  out->clear();
  while (*at < json.size()) {
    const char c = json[(*at)++];
    if (c == '"') return true;
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (c != '\\') {
      out->push_back(c);
      continue;
    }
    if (*at >= json.size()) return false;
    const char escape = json[(*at)++];
    if (escape == '"' || escape == '\\') {
      out->push_back(escape);
    } else if (escape != 'u' || !ReadUnicodeEscape(json, at, out)) {
      return false;
    }
  }
  return false;
}

// Folds one two-byte UTF-8 sequence; others are left alone.
void FoldPair(unsigned char lead, unsigned char trail, std::string* out) {
  uint32_t code = (static_cast<uint32_t>(lead & 0x1f) << 6) | (trail & 0x3f);
  if (code >= 0xc0 && code <= 0xde && code != 0xd7) {
    code += 32;  // Latin-1
  } else if (code >= 0x391 && code <= 0x3ab) {
    code += 32;  // Greek
  } else if (code >= 0x410 && code <= 0x42f) {
    code += 32;  // Cyrillic
  } else if (code >= 0x400 && code <= 0x40f) {
    code += 80;
  } else if (code >= 0x100 && code <= 0x137) {
    code |= 1;  // Latin Extended-A, pairs of upper and lower
  }
  out->push_back(static_cast<char>(0xc0 | (code >> 6)));
  out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
}

bool IsReserved(std::string_view folded) {
  return std::find(kReservedColumns.begin(), kReservedColumns.end(), folded) !=
         kReservedColumns.end();
}

// Would read as a field of the struct columns.
bool LooksNested(std::string_view folded) {
  return folded.starts_with("histogram.") || folded.starts_with("exemplar.");
}

std::string EscapeColumnName(std::string_view label) {
  std::string name;
  for (const char c : label) {
    if (kRefused.find(c) != std::string_view::npos || static_cast<unsigned char>(c) < 0x20) {
      name += fmt::format("_x{:02X}_", static_cast<unsigned char>(c));
    } else {
      name.push_back(c);
    }
  }
  return name;
}

}  // namespace

std::string FoldColumnName(std::string_view name) {
  std::string folded;
  folded.reserve(name.size());
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    if (c >= 'A' && c <= 'Z') {
      folded.push_back(static_cast<char>(c + 32));
    } else if (c >= 0xc2 && c <= 0xdf && i + 1 < name.size()) {
      FoldPair(c, static_cast<unsigned char>(name[++i]), &folded);
    } else {
      folded.push_back(name[i]);
    }
  }
  return folded;
}

std::string JsonQuote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted.push_back('\\');
      quoted.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

std::optional<std::string_view> LabelColumns::Find(std::string_view label) const {
  const auto it = by_label_.find(label);
  if (it == by_label_.end()) return std::nullopt;
  return pairs_[it->second].second;
}

std::optional<std::string_view> LabelColumns::FindOrAdd(std::string_view label) {
  if (const auto known = Find(label)) return known;
  if (pairs_.size() >= limit_) return std::nullopt;
  CHECK(Insert(label, NewColumnName(label)));
  return pairs_.back().second;
}

void LabelColumns::Merge(const LabelColumns& other) {
  for (const auto& [label, column] : other.pairs_) {
    if (pairs_.size() >= limit_) return;
    Insert(label, column);
  }
}

bool LabelColumns::Insert(std::string_view label, std::string column) {
  std::string folded = FoldColumnName(column);
  if (label.empty() || column.empty() || IsReserved(folded) || taken_.contains(folded) ||
      by_label_.contains(label)) {
    return false;
  }
  taken_.insert(std::move(folded));
  by_label_.emplace(label, static_cast<uint32_t>(pairs_.size()));
  pairs_.emplace_back(label, std::move(column));
  return true;
}

std::string LabelColumns::NewColumnName(std::string_view label) const {
  std::string name = EscapeColumnName(label);
  for (;;) {
    const std::string folded = FoldColumnName(name);
    if (!IsReserved(folded) && !LooksNested(folded) && !taken_.contains(folded)) return name;
    name = "label_" + name;
  }
}

std::string LabelColumns::ToJson() const {
  std::string json = "[";
  for (const auto& [label, column] : pairs_) {
    if (json.size() > 1) json.push_back(',');
    json += '[' + JsonQuote(label) + ',' + JsonQuote(column) + ']';
  }
  return json + ']';
}

Result<LabelColumns> LabelColumns::FromJson(std::string_view json) {
  const auto bad = [&](size_t at) {
    return Status::Corruption(
        fmt::format("label columns: not a list of pairs at byte {}: {}", at, json.substr(0, 200)));
  };
  LabelColumns columns;
  size_t at = 0;
  const auto take = [&](char expected) {
    return at < json.size() && json[at] == expected ? (++at, true) : false;
  };
  if (!take('[')) return bad(at);
  for (bool first = true; !take(']'); first = false) {
    std::string label;
    std::string column;
    if (!first && !take(',')) return bad(at);
    if (!take('[') || !take('"') || !ReadJsonString(json, &at, &label) || !take(',') ||
        !take('"') || !ReadJsonString(json, &at, &column) || !take(']')) {
      return bad(at);
    }
    if (columns.pairs_.size() >= columns.limit_ || !columns.Insert(label, std::move(column))) {
      return bad(at);
    }
  }
  return at == json.size() ? Result<LabelColumns>(std::move(columns)) : bad(at);
}

}  // namespace thermocline
