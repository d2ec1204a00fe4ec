#include "shards/shard_columns.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "columnar/file_writer.h"

namespace thermocline::shards {

namespace {

using columnar::ColumnSpec;
using columnar::FileIndex;

// A shard may have so many rows more than its files have bytes: a select holds some hundred bytes
// a row.
constexpr uint64_t kRowsFloor = 64 << 10;

// A number without sign or leading zeros.
std::optional<uint32_t> Ordinal(std::string_view digits) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (digits.size() > 1 && digits[0] == '0') return std::nullopt;
  return value;
}

Result<int64_t> FooterNumber(const FileIndex& index, std::string_view key) {
  const std::string* text = index.FindKey(key);
  int64_t value = 0;
  if (text != nullptr) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error == std::errc() && end == text->data() + text->size()) return value;
  }
  return Status::Corruption(
      fmt::format("footer key {}: {}", key, text == nullptr ? "missing" : "'" + *text + "'"));
}

Status ExpectBytes(const FileIndex& index, uint32_t leaf) {
  const ColumnSpec& spec = index.schema().columns[leaf];
  if (columnar::IsByteArray(spec.type) && !spec.optional) return Status::Ok();
  return Status::Corruption("column '" + spec.name + "' is not required bytes");
}

class Recogniser {
 public:
  Recogniser(const FileIndex& labels, const FileIndex& chunks) : labels_(labels), chunks_(chunks) {}

  Result<ShardColumns> Run(std::optional<TimeRange> day) {
    RETURN_IF_ERROR(FindLayout());
    RETURN_IF_ERROR(FindLabels());
    RETURN_IF_ERROR(FindData());
    RETURN_IF_ERROR(FindTimes(day));
    found_.ours = chunks_.created_by() == columnar::FileWriterOptions().created_by;
    return std::move(found_);
  }

 private:
  bool common() const { return found_.layout == ShardLayout::kParquetCommon; }

  Status FindLayout() {
    if (labels_.row_groups() != chunks_.row_groups() || labels_.rows() != chunks_.rows()) {
      return Status::Corruption(fmt::format("labels have {} rows in {} row groups, chunks {} in {}",
                                            labels_.rows(), labels_.row_groups(), chunks_.rows(),
                                            chunks_.row_groups()));
    }
    // A row holds a chunk at least, and mostly a hash that does not shrink.
    const uint64_t bytes = labels_.file_size_bytes() + chunks_.file_size_bytes();
    if (labels_.rows() > bytes + kRowsFloor) {
      return Status::Corruption(fmt::format("{} rows in files of {} bytes, limit {}",
                                            labels_.rows(), bytes, bytes + kRowsFloor));
    }
    if (chunks_.schema().Find("s_data_0")) {
      found_.layout = ShardLayout::kParquetCommon;
      found_.cells = CellFormat::kVarint;
    } else if (chunks_.schema().Find("___cf_meta_chunk_0")) {
      found_.layout = ShardLayout::kGateway;
      found_.cells = CellFormat::kFixed;
    } else {
      return Status::Corruption("no column of chunks: neither s_data_0 nor ___cf_meta_chunk_0");
    }
    return Status::Ok();
  }

  Status FindLabels() {
    const std::string_view prefix = common() ? kLabelPrefix : kGatewayLabelPrefix;
    const auto& columns = labels_.schema().columns;
    found_.label_of_leaf.assign(columns.size(), -1);
    for (uint32_t leaf = 0; leaf < columns.size(); ++leaf) {
      const ColumnSpec& spec = columns[leaf];
      if (!spec.name.starts_with(prefix)) continue;
      if (!columnar::IsByteArray(spec.type)) {
        return Status::Corruption("label column '" + spec.name + "' does not hold strings");
      }
      found_.labels.push_back({spec.name.substr(prefix.size()), leaf});
    }
    std::sort(found_.labels.begin(), found_.labels.end(),
              [](const LabelColumn& a, const LabelColumn& b) { return a.name < b.name; });
    for (size_t i = 0; i < found_.labels.size(); ++i) {
      if (i > 0 && found_.labels[i].name == found_.labels[i - 1].name) {
        return Status::Corruption("label column '" + found_.labels[i].name + "' is there twice");
      }
      found_.label_of_leaf[found_.labels[i].leaf] = static_cast<int32_t>(i);
    }
    found_.column_list = labels_.schema().Find(common() ? kColumnListName : kGatewayIndexName);
    if (found_.column_list) RETURN_IF_ERROR(ExpectBytes(labels_, *found_.column_list));
    if (common()) {
      if (!found_.column_list) return Status::Corruption("no column s_col_indexes");
      found_.labels_hash = labels_.schema().Find(kSeriesHashName);
      if (found_.labels_hash) RETURN_IF_ERROR(ExpectBytes(labels_, *found_.labels_hash));
      found_.version = found_.labels_hash ? 2 : 1;
    } else {
      found_.chunks_hash = chunks_.schema().Find(kGatewayHashName);
      if (found_.chunks_hash &&
          !columnar::IsInt64(chunks_.schema().columns[*found_.chunks_hash].type)) {
        return Status::Corruption("column ___cf_meta_hash does not hold integers");
      }
      found_.version = !found_.column_list ? 0 : found_.chunks_hash ? 2 : 1;
    }
    return Status::Ok();
  }

  // By their numbers: names sort s_data_10 before s_data_2.
  Status FindData() {
    const std::string_view prefix = common() ? kDataPrefix : kGatewayDataPrefix;
    const auto& columns = chunks_.schema().columns;
    std::vector<std::optional<uint32_t>> places;
    for (uint32_t leaf = 0; leaf < columns.size(); ++leaf) {
      if (!columns[leaf].name.starts_with(prefix)) continue;
      const auto number = Ordinal(std::string_view(columns[leaf].name).substr(prefix.size()));
      if (!number || *number >= columns.size()) continue;
      RETURN_IF_ERROR(ExpectBytes(chunks_, leaf));
      if (places.size() <= *number) places.resize(*number + 1);
      places[*number] = leaf;
    }
    for (size_t i = 0; i < places.size(); ++i) {
      if (!places[i]) return Status::Corruption(fmt::format("no column {}{}", prefix, i));
      found_.data.push_back(*places[i]);
    }
    return Status::Ok();
  }

  Status FindTimes(std::optional<TimeRange> day) {
    if (!common()) {
      found_.column_ms = kGatewayColumnMs;
      found_.range = day.value_or(TimeRange{kMinTimestampMs, kMaxTimestampMs});
      if (day && day->start_ms != FloorTo(day->start_ms, kDayMs)) {
        return Status::Corruption(fmt::format("a day that begins at {}", day->start_ms));
      }
      return Status::Ok();
    }
    for (const FileIndex* file : {&labels_, &chunks_}) {
      ASSIGN_OR_RETURN(const int64_t min, FooterNumber(*file, kMinTimeKey));
      ASSIGN_OR_RETURN(const int64_t max, FooterNumber(*file, kMaxTimeKey));
      ASSIGN_OR_RETURN(const int64_t width, FooterNumber(*file, kDurationKey));
      const TimeRange range{min, max};
      if (width <= 0 || range.empty() || DataColumnCount(range, width) != found_.data.size() ||
          (file == &chunks_ && (range != found_.range || width != found_.column_ms))) {
        return Status::Corruption(
            fmt::format("times from {} to {} in columns of {} ms, and {} columns", min, max, width,
                        found_.data.size()));
      }
      found_.range = range;
      found_.column_ms = width;
    }
    return Status::Ok();
  }

  const FileIndex& labels_;
  const FileIndex& chunks_;
  ShardColumns found_;
};

}  // namespace

uint64_t DataColumnCount(TimeRange range, int64_t column_ms) {
  const uint64_t length =
      static_cast<uint64_t>(range.end_ms) - static_cast<uint64_t>(range.start_ms);
  return length / static_cast<uint64_t>(column_ms) + 1;
}

ShardColumns::Span ShardColumns::DataColumns(TimeRange wanted) const {
  const uint32_t count = static_cast<uint32_t>(data.size());
  if (!range.Overlaps(wanted)) return {};
  if (layout == ShardLayout::kGateway && range.start_ms == kMinTimestampMs) return {0, count};
  const auto place = [&](TimestampMs t) -> uint32_t {
    if (t <= range.start_ms) return 0;
    const uint64_t since = static_cast<uint64_t>(t) - static_cast<uint64_t>(range.start_ms);
    return static_cast<uint32_t>(
        std::min<uint64_t>(since / static_cast<uint64_t>(column_ms), count - 1));
  };
  // A gateway chunk stands where it begins, whole: earlier columns may reach into later hours.
  const uint32_t first = layout == ShardLayout::kGateway ? 0 : place(wanted.start_ms);
  return {first, place(wanted.end_ms) + 1};
}

const LabelColumn* ShardColumns::FindLabel(std::string_view name) const {
  const auto at = std::lower_bound(
      labels.begin(), labels.end(), name,
      [](const LabelColumn& column, std::string_view wanted) { return column.name < wanted; });
  return at != labels.end() && at->name == name ? &*at : nullptr;
}

Result<ShardColumns> RecogniseColumns(const FileIndex& labels, const FileIndex& chunks,
                                      std::optional<TimeRange> day) {
  return Recogniser(labels, chunks).Run(day);
}

}  // namespace thermocline::shards
