#include "cold/block_footer.h"

#include <fmt/core.h>

#include <charconv>
#include <map>

#include "base/bytes.h"
#include "base/hash.h"

namespace thermocline {
namespace {

constexpr std::string_view kFormatVersion = "1";

// Proleptic Gregorian date of a day number since 1970-01-01 (Hinnant, "chrono-compatible low-level
// date algorithms").
std::string DateOf(TimestampMs t_ms) {
  const int64_t z = FloorTo(t_ms, kDayMs) / kDayMs + 719468;
  const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const int64_t day_of_era = z - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// Reads whole decimal or hexadecimal numbers and remembers the first failure.
class NumberReader {
 public:
  template <typename T>
  T Take(std::string_view text, int base = 10) {
    T value{};
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || stop != text.data() + text.size()) ok_ = false;
    return value;
  }
  bool ok() const { return ok_; }
  void Fail() { ok_ = false; }

 private:
  bool ok_ = true;
};

void TakeFiles(std::string_view text, NumberReader& in, BlockEntry* block) {
  for (const std::string_view line : Split(text, '\n')) {
    const std::vector<std::string_view> parts = Split(line, ' ');
    if (parts.size() != 7) return in.Fail();
    BlockFile file;
    file.kind = static_cast<BlockFileKind>(in.Take<uint8_t>(parts[0]));
    file.key = parts[1];
    file.size_bytes = in.Take<uint64_t>(parts[2]);
    file.rows = in.Take<uint64_t>(parts[3]);
    file.file_hash = in.Take<uint64_t>(parts[4], 16);
    file.tail.size_bytes = in.Take<uint64_t>(parts[5]);
    file.tail.hash = in.Take<uint64_t>(parts[6], 16);
    if (FolderOf(file.kind).empty()) return in.Fail();
    block->files.push_back(std::move(file));
  }
}

void TakeMarks(std::string_view text, NumberReader& in, BlockEntry* block) {
  for (const std::string_view line : Split(text, '\n')) {
    const std::vector<std::string_view> parts = Split(line, ' ');
    if (parts.size() != 3) return in.Fail();
    FlushMark mark;
    mark.range.start_ms = in.Take<int64_t>(parts[0]);
    mark.range.end_ms = in.Take<int64_t>(parts[1]);
    mark.through = Lsn(in.Take<uint64_t>(parts[2]));
    block->flushed.push_back(mark);
  }
}

// Parquet footers have no checksum, and a rebuild has no manifest to compare with.
std::string HashOfKeys(const columnar::KeyValues& keys) {
  std::string text;
  ByteWriter writer(&text);
  for (const auto& [key, value] : keys) {
    if (key == "thermocline.keys_hash" || !key.starts_with("thermocline.")) continue;
    if (key.starts_with("thermocline.page")) continue;  // the file writer's own
    writer.LengthPrefixed(key);
    writer.LengthPrefixed(value);
  }
  return fmt::format("{:016x}", Hash64(text));
}

}  // namespace

std::string BlockFileKey(BlockFileKind kind, const BlockId& id, TimestampMs day_ms) {
  if (kind == BlockFileKind::kFilter) return fmt::format("filters/{}.filter", id.ToString());
  return fmt::format("{}/date={}/{}.parquet", FolderOf(kind), DateOf(day_ms), id.ToString());
}

columnar::KeyValues BlockKeyValues(const BlockEntry& block, BlockFileKind kind,
                                   const LabelColumns& columns) {
  std::string replaces;
  for (const BlockId& id : block.replaces) {
    replaces += (replaces.empty() ? "" : ",") + id.ToString();
  }
  return {{"thermocline.format", std::string(kFormatVersion)},
          {"thermocline.table", std::string(FolderOf(kind))},
          {"thermocline.block_id", block.id.ToString()},
          {"thermocline.tenant", block.tenant.name},
          {"thermocline.generation", std::to_string(block.generation)},
          {"thermocline.resolution_ms", std::to_string(block.resolution_ms)},
          {"thermocline.min_time", std::to_string(block.range.start_ms)},
          {"thermocline.max_time", std::to_string(block.range.end_ms)},
          {"thermocline.replaces", replaces},
          {"thermocline.label_columns", columns.ToJson()}};
}

columnar::KeyValues SeriesKeyValues(const BlockEntry& block, const LabelColumns& columns,
                                    const std::vector<std::string>& indexed) {
  columnar::KeyValues keys = BlockKeyValues(block, BlockFileKind::kSeries, columns);
  std::string files;
  for (const BlockFile& file : block.files) {
    if (file.kind == BlockFileKind::kSeries) continue;
    files += fmt::format("{}{} {} {} {} {:016x} {} {:016x}", files.empty() ? "" : "\n",
                         static_cast<int>(file.kind), file.key, file.size_bytes, file.rows,
                         file.file_hash, file.tail.size_bytes, file.tail.hash);
  }
  std::string marks;
  for (const FlushMark& mark : block.flushed) {
    marks += fmt::format("{}{} {} {}", marks.empty() ? "" : "\n", mark.range.start_ms,
                         mark.range.end_ms, mark.through.number);
  }
  // The labels of the index are columns of the map; their places in it say which.
  std::string places;
  for (const std::string& label : indexed) {
    size_t place = 0;
    while (columns.pairs()[place].first != label) ++place;
    places += (places.empty() ? "" : ",") + std::to_string(place);
  }
  keys.emplace_back("thermocline.series", std::to_string(block.series));
  keys.emplace_back("thermocline.samples", std::to_string(block.samples));
  keys.emplace_back("thermocline.files", files);
  keys.emplace_back("thermocline.flushed", marks);
  keys.emplace_back("thermocline.indexed_labels", places);
  keys.emplace_back("thermocline.keys_hash", HashOfKeys(keys));
  return keys;
}

Result<BlockFooter> ParseSeriesKeyValues(const columnar::KeyValues& key_values) {
  std::map<std::string_view, std::string_view> keys(key_values.begin(), key_values.end());
  if (const auto hash = keys.find("thermocline.keys_hash");
      hash == keys.end() || hash->second != HashOfKeys(key_values)) {
    return Status::Corruption("series footer: its keys do not have their hash");
  }
  NumberReader in;
  const auto text = [&](std::string_view key) {
    const auto it = keys.find(key);
    if (it == keys.end()) in.Fail();
    return it == keys.end() ? std::string_view() : it->second;
  };
  if (text("thermocline.table") != "series") {
    return Status::Corruption("series footer: not a series file of a cold block");
  }
  if (const std::string_view version = text("thermocline.format"); version != kFormatVersion) {
    return Status::Unimplemented(fmt::format("series footer: format '{}'", version));
  }
  BlockFooter footer;
  BlockEntry& block = footer.block;
  ASSIGN_OR_RETURN(block.id, BlockId::Parse(text("thermocline.block_id")));
  block.tenant = TenantId(std::string(text("thermocline.tenant")));
  block.generation = in.Take<uint32_t>(text("thermocline.generation"));
  block.resolution_ms = in.Take<int64_t>(text("thermocline.resolution_ms"));
  block.range.start_ms = in.Take<int64_t>(text("thermocline.min_time"));
  block.range.end_ms = in.Take<int64_t>(text("thermocline.max_time"));
  block.series = in.Take<uint64_t>(text("thermocline.series"));
  block.samples = in.Take<uint64_t>(text("thermocline.samples"));
  for (const std::string_view part : Split(text("thermocline.replaces"), ',')) {
    ASSIGN_OR_RETURN(const BlockId id, BlockId::Parse(part));
    block.replaces.push_back(id);
  }
  TakeFiles(text("thermocline.files"), in, &block);
  TakeMarks(text("thermocline.flushed"), in, &block);
  ASSIGN_OR_RETURN(footer.columns, LabelColumns::FromJson(text("thermocline.label_columns")));
  for (const std::string_view part : Split(text("thermocline.indexed_labels"), ',')) {
    const auto place = in.Take<uint32_t>(part);
    if (!in.ok() || place >= footer.columns.pairs().size()) {
      return Status::Corruption("series footer: an indexed label without a column");
    }
    footer.indexed_labels.push_back(footer.columns.pairs()[place].first);
  }
  if (!in.ok()) return Status::Corruption("series footer: a key is missing or malformed");
  return footer;
}

}  // namespace thermocline
