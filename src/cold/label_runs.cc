#include "cold/label_runs.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"
#include "cold/label_columns.h"

namespace thermocline {
namespace {

constexpr size_t kOther = SIZE_MAX;

size_t SlotOf(std::string_view value, size_t mask) { return Hash64(value) & mask; }

}  // namespace

uint32_t LabelColumnRuns::CodeOf(std::string_view value) {
  // Neighbours in label order share most values.
  if (!runs.empty() && runs.back().code != columnar::kNullCode &&
      dictionary[runs.back().code] == value) {
    return runs.back().code;
  }
  if (dictionary.size() * 2 >= slots_.size()) Grow();
  const size_t mask = slots_.size() - 1;
  for (size_t slot = SlotOf(value, mask);; slot = (slot + 1) & mask) {
    if (slots_[slot] == 0) {
      dictionary.push_back(value);
      dictionary_bytes += value.size();
      slots_[slot] = static_cast<uint32_t>(dictionary.size());
      return slots_[slot] - 1;
    }
    if (dictionary[slots_[slot] - 1] == value) return slots_[slot] - 1;
  }
}

void LabelColumnRuns::Grow() {
  slots_.assign(std::max<size_t>(64, slots_.size() * 4), 0);
  const size_t mask = slots_.size() - 1;
  for (size_t code = 0; code < dictionary.size(); ++code) {
    size_t slot = SlotOf(dictionary[code], mask);
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<uint32_t>(code + 1);
  }
}

void LabelColumnRuns::Append(uint32_t code, uint64_t first_row, uint32_t count) {
  if (first_row > rows) {
    runs.push_back({columnar::kNullCode, static_cast<uint32_t>(first_row - rows)});
  }
  if (!runs.empty() && runs.back().code == code) {
    runs.back().count += count;
  } else {
    runs.push_back({code, count});
  }
  rows = first_row + count;
}

void LabelColumnRuns::Clear() {
  dictionary.clear();
  runs.clear();
  rows = 0;
  dictionary_bytes = 0;
  std::fill(slots_.begin(), slots_.end(), 0);
}

LabelRuns::LabelRuns(std::vector<std::string_view> labels)
    : labels_(std::move(labels)), columns_(labels_.size() + 2) {
  by_name_.emplace(kMetricNameLabel, 0);
  for (size_t i = 0; i < labels_.size(); ++i) by_name_.emplace(labels_[i], i + 1);
}

size_t LabelRuns::ColumnOf(size_t position, std::string_view name) {
  if (position < at_position_.size() && at_position_[position].first == name) {
    return at_position_[position].second;
  }
  const auto it = by_name_.find(name);
  const size_t column = it == by_name_.end() ? kOther : it->second;
  if (column == kOther) return kOther;
  if (position >= at_position_.size()) at_position_.resize(position + 1, {{}, kOther});
  at_position_[position] = {it->first, column};  // the map's view lives as long as we do
  return column;
}

void LabelRuns::Add(LabelsView labels, uint32_t rows) {
  CHECK(rows > 0);
  size_t position = 0;
  std::string other;
  for (const LabelPair& pair : labels) {
    const size_t column = ColumnOf(position++, pair.name);
    if (column == kOther) {
      other += (other.empty() ? '{' : ',') + JsonQuote(pair.name) + ':' + JsonQuote(pair.value);
    } else {
      LabelColumnRuns& runs = columns_[column];
      runs.Append(runs.CodeOf(pair.value), rows_, rows);
    }
  }
  if (!other.empty()) {
    LabelColumnRuns& runs = columns_.back();
    texts_.push_back(other + '}');
    const size_t known = runs.dictionary.size();
    const uint32_t code = runs.CodeOf(texts_.back());
    if (runs.dictionary.size() == known) texts_.pop_back();
    runs.Append(code, rows_, rows);
  }
  rows_ += rows;
}

void LabelRuns::Finish() {
  for (LabelColumnRuns& column : columns_) {
    if (column.rows < rows_) {
      const auto missing = static_cast<uint32_t>(rows_ - column.rows);
      column.Append(columnar::kNullCode, column.rows, missing);
    }
  }
}

void LabelRuns::Clear() {
  for (LabelColumnRuns& column : columns_) column.Clear();
  texts_.clear();
  rows_ = 0;
}

std::vector<columnar::CodeRun> LabelRuns::Slice(const LabelColumnRuns& column, uint64_t first,
                                                uint64_t count) {
  std::vector<columnar::CodeRun> slice;
  uint64_t row = 0;
  for (const columnar::CodeRun& run : column.runs) {
    const uint64_t begin = std::max(row, first);
    const uint64_t end = std::min(row + run.count, first + count);
    if (begin < end) slice.push_back({run.code, static_cast<uint32_t>(end - begin)});
    row += run.count;
    if (row >= first + count) break;
  }
  return slice;
}

void SeriesColumns::Add(SeriesId id, LabelsView labels, uint32_t rows) {
  labels_.Add(labels, rows);
  const auto [it, added] = id_codes_.emplace(id.number, static_cast<uint32_t>(ids_.size()));
  if (added) ids_.push_back(static_cast<int64_t>(id.number));
  if (!id_runs_.empty() && id_runs_.back().code == it->second) {
    id_runs_.back().count += rows;
  } else {
    id_runs_.push_back({it->second, rows});
  }
}

Status SeriesColumns::Write(columnar::RowGroupColumns* out) {
  labels_.Finish();
  uint32_t column = 0;
  for (; column < labels_.column_count(); ++column) {
    const LabelColumnRuns& runs = labels_.column(column);
    RETURN_IF_ERROR(out->WriteStringRuns(column, runs.dictionary, runs.runs));
  }
  return out->WriteInt64Runs(column, ids_, id_runs_);
}

void SeriesColumns::Clear() {
  labels_.Clear();
  ids_.clear();
  id_codes_.clear();
  id_runs_.clear();
}

}  // namespace thermocline
