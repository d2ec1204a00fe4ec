#include "blocks/block_index.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "index/set_operations.h"

namespace thermocline {
namespace {

constexpr uint32_t kMagic = 0xBAAAD700;
constexpr uint64_t kHeaderBytes = 5;
constexpr uint64_t kTocBytes = 52;

}  // namespace

Result<std::unique_ptr<BlockIndex>> BlockIndex::Open(std::unique_ptr<Object> object) {
  std::unique_ptr<BlockIndex> index(new BlockIndex);
  index->object_ = std::move(object);
  RETURN_IF_ERROR(index->ReadHead());
  return index;
}

Status BlockIndex::ReadHead() {
  const auto bad = [&](uint64_t offset, std::string_view what) {
    return Status::Corruption(fmt::format("{}: offset {}: {}", object_->key(), offset, what));
  };
  const uint64_t size = object_->size_bytes();
  if (size < kHeaderBytes + kTocBytes) return bad(0, fmt::format("only {} bytes", size));
  const ByteRange ranges[] = {{0, kHeaderBytes}, {size - kTocBytes, kTocBytes}};
  std::vector<std::string> bytes;
  RETURN_IF_ERROR(object_->ReadRanges(ranges, &bytes));
  ByteReader head(bytes[0]);
  const uint32_t magic = BigEndianU32(&head);
  version_ = head.U8();
  if (magic != kMagic) return bad(0, fmt::format("magic {:08x}, expected {:08x}", magic, kMagic));
  if (version_ < 1 || version_ > 3) {
    return bad(4, fmt::format("index version {}, 1 to 3 are read", version_));
  }
  data_end_ = size - kTocBytes;
  ByteReader toc(bytes[1]);
  uint64_t parts[6];  // symbols, series, label indices, their table, postings, postings table
  for (uint64_t& part : parts) part = BigEndianU64(&toc);
  if (BigEndianU32(&toc) != Crc32c(std::string_view(bytes[1]).substr(0, kTocBytes - 4))) {
    return bad(data_end_, "checksum mismatch in the table of contents");
  }
  if (parts[0] == 0 || parts[1] == 0 || parts[5] == 0) {
    return bad(data_end_, "no symbols, series or postings in the table of contents");
  }
  place_.begin = parts[1];
  place_.end = data_end_;
  // The label index parts may be absent, so the section ends where any other begins.
  for (const uint64_t part : parts) {
    if (part > place_.begin) place_.end = std::min(place_.end, part);
  }
  place_.scale = version_ == 1 ? 1 : 16;
  ObjectWindow window(*object_, data_end_);
  ASSIGN_OR_RETURN(symbols_, SymbolSection::Load(&window, parts[0], version_));
  ASSIGN_OR_RETURN(table_, PostingsTable::Load(*object_, parts[5], data_end_));
  return Status::Ok();
}

Status BlockIndex::AppendList(ObjectWindow* window, uint64_t offset,
                              std::vector<SeriesRef>* out) const {
  const auto bad = [&](std::string_view what) {
    return Status::Corruption(
        fmt::format("{}: offset {}: postings: {}", object_->key(), offset, what));
  };
  ASSIGN_OR_RETURN(const std::string_view head, window->Exactly(offset, 8));
  ByteReader reader(head);
  const uint32_t length = BigEndianU32(&reader);
  const uint32_t count = BigEndianU32(&reader);
  if (uint64_t{count} * 4 + 4 != length) return bad(fmt::format("{} in {} bytes", count, length));
  ASSIGN_OR_RETURN(const std::string_view list, window->Exactly(offset + 4, length + uint64_t{4}));
  ByteReader body(list);
  body.U32();
  const size_t first = out->size();
  if (first + count > out->capacity()) out->reserve(std::max(first + count, 2 * out->capacity()));
  for (uint32_t i = 0; i < count; ++i) {
    const SeriesRef series(BigEndianU32(&body));
    if (i > 0 && series <= out->back()) return bad("not ascending");
    out->push_back(series);
  }
  if (BigEndianU32(&body) != Crc32c(list.substr(0, length))) return bad("checksum mismatch");
  return Status::Ok();
}

Result<std::vector<SeriesRef>> BlockIndex::UnionOf(std::vector<uint64_t> offsets) const {
  std::sort(offsets.begin(), offsets.end());
  ObjectWindow window(*object_, data_end_);
  std::vector<SeriesRef> series;
  for (const uint64_t offset : offsets) {
    RETURN_IF_ERROR(AppendList(&window, offset, &series));
    // A series has one value of a label: the lists of an honest index are disjoint parts of it.
    if (series.size() > data_end_ / sizeof(uint32_t)) {
      return Status::Corruption(
          fmt::format("{}: offset {}: postings: a series in several lists of one label",
                      object_->key(), offset));
    }
  }
  if (offsets.size() > 1) {
    std::sort(series.begin(), series.end());
    series.erase(std::unique(series.begin(), series.end()), series.end());
  }
  return series;
}

Result<std::vector<SeriesRef>> BlockIndex::All() const {
  if (!table_.all()) return std::vector<SeriesRef>();
  return UnionOf({*table_.all()});
}

Result<std::vector<uint64_t>> BlockIndex::Lists(const Matcher& matcher, bool accepted) const {
  std::vector<uint64_t> offsets;
  // The values that the pattern itself describes, whether the matcher wants them or not.
  std::optional<Matcher> inverse;
  if (matcher.negative()) {
    const bool literal = matcher.type() == MatchType::kNotEqual;
    ASSIGN_OR_RETURN(inverse, Matcher::Make(literal ? MatchType::kEqual : MatchType::kRegex,
                                            matcher.name(), matcher.value()));
  }
  const Matcher& pattern = inverse ? *inverse : matcher;
  const bool described = accepted != matcher.negative();
  if (described) {
    if (const auto literals = pattern.LiteralValues()) {
      for (const std::string& value : *literals) {
        if (value.empty()) continue;
        ASSIGN_OR_RETURN(const auto offset, table_.Find(matcher.name(), value));
        if (offset) offsets.push_back(*offset);
      }
      return offsets;
    }
  }
  const std::string_view prefix = described ? pattern.prefix() : std::string_view();
  RETURN_IF_ERROR(
      table_.ForEach(matcher.name(), prefix, [&](std::string_view value, uint64_t offset) {
        // An empty value is an absent label.
        if (!value.empty() && pattern.Matches(value) == described) {
          offsets.push_back(offset);
        }
        return true;
      }));
  return offsets;
}

Result<std::vector<SeriesRef>> BlockIndex::Match(const std::vector<Matcher>& matchers) const {
  std::optional<std::vector<SeriesRef>> kept;
  for (const Matcher& matcher : matchers) {
    if (matcher.MatchesEmpty()) continue;
    ASSIGN_OR_RETURN(auto lists, Lists(matcher, true));
    ASSIGN_OR_RETURN(std::vector<SeriesRef> series, UnionOf(std::move(lists)));
    kept = kept ? Intersect(*kept, series) : std::move(series);
    if (kept->empty()) return *std::move(kept);
  }
  if (!kept) {
    ASSIGN_OR_RETURN(kept, All());
  }
  for (const Matcher& matcher : matchers) {
    if (!matcher.MatchesEmpty()) continue;
    ASSIGN_OR_RETURN(auto lists, Lists(matcher, false));
    if (lists.empty()) continue;
    ASSIGN_OR_RETURN(const std::vector<SeriesRef> refused, UnionOf(std::move(lists)));
    kept = Without(*kept, refused);
  }
  return *std::move(kept);
}

}  // namespace thermocline
