#include "blocks/postings_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace thermocline {
namespace {

constexpr uint64_t kStride = 32;
constexpr uint64_t kPieceBytes = uint64_t{64} << 10;

struct Entry {
  std::string_view name;
  std::string_view value;
  uint64_t postings = 0;
  uint64_t offset = 0;  // of the entry in the file
  uint64_t end_offset = 0;
};

// Calls `take(entry)` for the entries in [begin, end) until it returns false. Corruption for torn
// ones. `crc` (may be null) is continued over the bytes.
template <typename Take>
Status ForEachEntry(ObjectWindow* window, uint64_t begin, uint64_t end, uint32_t* crc, Take take) {
  uint64_t wanted = kPieceBytes;
  for (uint64_t at = begin; at < end;) {
    ASSIGN_OR_RETURN(const std::string_view bytes, window->AtMost(at, std::min(wanted, end - at)));
    ByteReader reader(bytes);
    size_t consumed = 0;
    while (!reader.done()) {
      Entry entry;
      entry.offset = at + consumed;
      const uint64_t count = reader.Varint();
      if (reader.ok() && count != 2) {
        return Status::Corruption(fmt::format("{}: offset {}: postings of {} strings, expected 2",
                                              window->object().key(), entry.offset, count));
      }
      entry.name = reader.LengthPrefixed();
      entry.value = reader.LengthPrefixed();
      entry.postings = reader.Varint();
      if (!reader.ok()) break;
      consumed = reader.offset();
      entry.end_offset = at + consumed;
      ASSIGN_OR_RETURN(const bool more, take(entry));
      if (!more) return Status::Ok();
    }
    if (crc != nullptr) *crc = Crc32c(bytes.substr(0, consumed), *crc);
    if (consumed == 0 && bytes.size() == end - at) {
      return Status::Corruption(fmt::format("{}: offset {}: torn entry of the postings table",
                                            window->object().key(), at));
    }
    wanted = consumed == 0 ? wanted * 2 : kPieceBytes;
    at += consumed;
  }
  return Status::Ok();
}

}  // namespace

Result<PostingsTable> PostingsTable::Load(const Object& object, uint64_t offset, uint64_t end) {
  PostingsTable table;
  table.object_ = &object;
  RETURN_IF_ERROR(table.Scan(offset, end));
  table.last_value_ = {};
  if (table.whole_) table.SortWhole();
  return table;
}

Status PostingsTable::Scan(uint64_t offset, uint64_t end) {
  ObjectWindow window(*object_, end);
  ASSIGN_OR_RETURN(const std::string_view head, window.Exactly(offset, 8));
  ByteReader reader(head);
  const uint32_t length = BigEndianU32(&reader);
  const uint32_t count = BigEndianU32(&reader);
  uint32_t crc = Crc32c(head.substr(4));
  const uint64_t body_end = offset + 4 + length;
  if (length < 4 || body_end + 4 > end || count > length) {
    return Status::Corruption(fmt::format("{}: offset {}: postings table of {} bytes, {} entries",
                                          object_->key(), offset, length, count));
  }
  uint64_t found = 0;
  // The first walk keeps samples; one that meets disorder begins again and keeps all.
  const auto take = [&](const Entry& entry) -> Result<bool> {
    ++found;
    RETURN_IF_ERROR(Take(entry.name, entry.value, entry.offset, entry.postings));
    if (!entry.name.empty()) names_.back().end_offset = entry.end_offset;
    return true;
  };
  RETURN_IF_ERROR(ForEachEntry(&window, offset + 8, body_end, &crc, take));
  ASSIGN_OR_RETURN(const std::string_view tail, window.Exactly(body_end, 4));
  ByteReader stored(tail);
  if (BigEndianU32(&stored) != crc) {
    return Status::Corruption(fmt::format("{}: offset {}: checksum mismatch in the postings table",
                                          object_->key(), offset));
  }
  if (found != count) {
    return Status::Corruption(
        fmt::format("{}: offset {}: {} entries in the postings table, its "
                    "head says {}",
                    object_->key(), offset, found, count));
  }
  if (!whole_) return Status::Ok();
  names_.clear();
  pair_count_ = 0;
  return ForEachEntry(&window, offset + 8, body_end, nullptr, take);
}

Status PostingsTable::Take(std::string_view name, std::string_view value, uint64_t entry,
                           uint64_t postings) {
  if (name.empty()) {
    if (value.empty()) all_ = postings;
    return Status::Ok();
  }
  ++pair_count_;
  const bool same_name = !names_.empty() && names_.back().name == name;
  if (whole_) {
    if (!same_name) names_.push_back({std::string(name), 0, 0, {}});
    names_.back().marks.push_back({std::string(value), postings});
    ++names_.back().value_count;
    return Status::Ok();
  }
  const bool ordered =
      same_name ? last_value_ < value : names_.empty() || names_.back().name < name;
  if (!ordered) {
    whole_ = true;  // the rest of this walk only checks; the next one keeps
    return Status::Ok();
  }
  if (!same_name) names_.push_back({std::string(name), 0, 0, {}});
  Name& last = names_.back();
  if (last.value_count++ % kStride == 0) last.marks.push_back({std::string(value), entry});
  last_value_ = value;
  return Status::Ok();
}

void PostingsTable::SortWhole() {
  std::stable_sort(names_.begin(), names_.end(),
                   [](const Name& a, const Name& b) { return a.name < b.name; });
  std::vector<Name> joined;
  for (Name& name : names_) {
    if (joined.empty() || joined.back().name != name.name) {
      joined.push_back(std::move(name));
      continue;
    }
    Name& last = joined.back();
    last.value_count += name.value_count;
    std::move(name.marks.begin(), name.marks.end(), std::back_inserter(last.marks));
  }
  for (Name& name : joined) {
    std::stable_sort(name.marks.begin(), name.marks.end(),
                     [](const Mark& a, const Mark& b) { return a.value < b.value; });
  }
  names_ = std::move(joined);
}

std::vector<std::string> PostingsTable::Names() const {
  std::vector<std::string> names;
  names.reserve(names_.size());
  for (const Name& name : names_) names.push_back(name.name);
  return names;
}

const PostingsTable::Name* PostingsTable::FindName(std::string_view name) const {
  const auto at = std::lower_bound(
      names_.begin(), names_.end(), name,
      [](const Name& entry, std::string_view wanted) { return entry.name < wanted; });
  return at == names_.end() || at->name != name ? nullptr : &*at;
}

Status PostingsTable::ForEachMark(const Name& name, std::string_view prefix,
                                  const Visit& visit) const {
  auto mark = std::lower_bound(
      name.marks.begin(), name.marks.end(), prefix,
      [](const Mark& entry, std::string_view wanted) { return entry.value < wanted; });
  for (; mark != name.marks.end() && mark->value.starts_with(prefix); ++mark) {
    if (!visit(mark->value, mark->offset)) break;
  }
  return Status::Ok();
}

Status PostingsTable::ForEach(std::string_view label, std::string_view prefix,
                              const Visit& visit) const {
  const Name* const name = FindName(label);
  if (name == nullptr) return Status::Ok();
  if (whole_) return ForEachMark(*name, prefix, visit);
  // The last mark at or below the prefix.
  auto mark = std::upper_bound(
      name->marks.begin(), name->marks.end(), prefix,
      [](std::string_view wanted, const Mark& entry) { return wanted < entry.value; });
  if (mark != name->marks.begin()) --mark;
  ObjectWindow window(*object_, name->end_offset);
  return ForEachEntry(&window, mark->offset, name->end_offset, nullptr,
                      [&](const Entry& entry) -> Result<bool> {
                        if (entry.name != label) {
                          return Status::Corruption(object_->key() + ": the file changed");
                        }
                        if (entry.value.starts_with(prefix)) {
                          return visit(entry.value, entry.postings);
                        }
                        return entry.value < prefix;
                      });
}

Result<std::optional<uint64_t>> PostingsTable::Find(std::string_view name,
                                                    std::string_view value) const {
  std::optional<uint64_t> found;
  RETURN_IF_ERROR(ForEach(name, value, [&](std::string_view v, uint64_t offset) {
    if (v == value) found = offset;
    return false;  // the value itself comes first among those that begin with it
  }));
  return found;
}

uint64_t PostingsTable::memory_bytes() const {
  uint64_t bytes = 0;
  for (const Name& name : names_) {
    bytes += sizeof(Name) + name.name.size();
    for (const Mark& mark : name.marks) bytes += sizeof(Mark) + mark.value.size();
  }
  return bytes;
}

}  // namespace thermocline
