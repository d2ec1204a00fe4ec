#include "cold/series_file.h"

namespace thermocline {

Result<SeriesFile> SeriesFile::Open(const ColdBlock& block, columnar::ReadStats* stats) {
  ASSIGN_OR_RETURN(columnar::FileReader reader, block.Open(BlockFileKind::kSeries, stats));
  ASSIGN_OR_RETURN(std::shared_ptr<const BlockFooter> footer, block.Footer(reader));
  return SeriesFile{std::move(reader), std::move(footer)};
}

std::optional<uint32_t> SeriesFile::ColumnOf(std::string_view label) const {
  if (label == kMetricNameLabel) return index().schema().Find("metric");
  const auto column = footer->columns.Find(label);
  return column ? index().schema().Find(*column) : std::nullopt;
}

bool SeriesFile::HasOtherLabels() const {
  const auto column = index().schema().Find("labels");
  return column && !index().RowsWherePresent(*column).empty();
}

bool SeriesFile::IsOther(std::string_view label) const {
  return label != kMetricNameLabel && !footer->columns.Find(label) && HasOtherLabels();
}

std::vector<columnar::RowRange> AllRows(const columnar::FileIndex& index) {
  if (index.rows() == 0) return {};
  return {{0, index.rows()}};
}

}  // namespace thermocline
