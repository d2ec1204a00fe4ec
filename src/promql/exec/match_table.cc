#include <algorithm>

#include "promql/exec/join.h"

namespace thermocline::promql {

MatchTable::MatchTable(const VectorMatching& matching) : on_(matching.on), names_(matching.labels) {
  if (!on_) names_.emplace_back(kMetricNameLabel);
  std::sort(names_.begin(), names_.end());
}

Result<std::vector<uint32_t>> MatchTable::Assign(const Matrix& matrix) {
  std::vector<uint32_t> matches;
  matches.reserve(matrix.rows().size());
  std::string key;
  for (const Matrix::Row& row : matrix.rows()) {
    if (matches.size() % 4096 == 0) RETURN_IF_ERROR(matrix.context().Check());
    key.clear();
    auto name = names_.begin();
    for (const LabelPair& pair : row.labels) {
      while (name != names_.end() && *name < pair.name) ++name;
      const bool listed = name != names_.end() && *name == pair.name;
      if (listed == on_) AppendPackedLabel(&key, pair.name, pair.value);
    }
    const auto [found, added] = ids_.try_emplace(key, static_cast<uint32_t>(labels_.size()));
    if (added) labels_.emplace_back(LabelsView(key));
    matches.push_back(found->second);
  }
  return matches;
}

}  // namespace thermocline::promql
