#include "columnar/byte_arrays.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "columnar/delta.h"

namespace thermocline::columnar {

namespace {

std::string_view View(const uint8_t* at, size_t size) {
  return {reinterpret_cast<const char*>(at), size};
}

// Lengths in [0, 2 GiB) and their sum. False when one is outside.
bool SumLengths(std::span<const int64_t> lengths, uint64_t* sum) {
  *sum = 0;
  for (const int64_t length : lengths) {
    if (length < 0 || length > std::numeric_limits<int32_t>::max()) return false;
    *sum += static_cast<uint64_t>(length);
  }
  return true;
}

size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t limit = std::min(a.size(), b.size());
  size_t i = 0;
  for (; i + 8 <= limit; i += 8) {
    uint64_t x;
    uint64_t y;
    std::memcpy(&x, a.data() + i, 8);
    std::memcpy(&y, b.data() + i, 8);
    if (x != y) return i + static_cast<size_t>(__builtin_ctzll(x ^ y)) / 8;
  }
  while (i < limit && a[i] == b[i]) ++i;
  return i;
}

}  // namespace

void EncodePlainStrings(std::span<const std::string_view> values, ByteBuffer* out) {
  for (const std::string_view value : values) {
    out->Fixed(value.size(), 4);
    out->Append(value.data(), value.size());
  }
}

void EncodeDeltaLengths(std::span<const std::string_view> values, ByteBuffer* out) {
  std::vector<int64_t> lengths(values.size());
  for (size_t i = 0; i < values.size(); ++i) lengths[i] = static_cast<int64_t>(values[i].size());
  EncodeDelta(lengths, out);
  for (const std::string_view value : values) out->Append(value.data(), value.size());
}

void EncodeDeltaStrings(std::span<const std::string_view> values, ByteBuffer* out) {
  std::vector<int64_t> prefixes(values.size());
  std::vector<std::string_view> suffixes(values.size());
  std::string_view before;
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t shared = CommonPrefix(before, values[i]);
    prefixes[i] = static_cast<int64_t>(shared);
    suffixes[i] = values[i].substr(shared);
    before = values[i];
  }
  EncodeDelta(prefixes, out);
  EncodeDeltaLengths(suffixes, out);
}

bool DecodePlainStrings(std::span<const uint8_t> bytes, size_t count,
                        std::vector<std::string_view>* values) {
  const uint8_t* at = bytes.data();
  const uint8_t* const end = at + bytes.size();
  if (count > bytes.size() / 4) return false;
  values->resize(count);
  for (std::string_view& value : *values) {
    if (end - at < 4) return false;
    uint32_t size;
    std::memcpy(&size, at, 4);
    at += 4;
    if (size > static_cast<size_t>(end - at)) return false;
    value = View(at, size);
    at += size;
  }
  return at == end;
}

bool DecodeDeltaLengths(std::span<const uint8_t> bytes, size_t count,
                        std::vector<std::string_view>* values) {
  std::vector<int64_t> lengths(count + kSlack);
  const int64_t used = DecodeDelta(bytes, count, lengths.data());
  uint64_t sum = 0;
  if (used < 0 || !SumLengths({lengths.data(), count}, &sum)) return false;
  if (sum != bytes.size() - static_cast<size_t>(used)) return false;
  values->resize(count);
  const uint8_t* at = bytes.data() + used;
  for (size_t i = 0; i < count; ++i) {
    (*values)[i] = View(at, static_cast<size_t>(lengths[i]));
    at += lengths[i];
  }
  return true;
}

bool DecodeDeltaStrings(std::span<const uint8_t> bytes, size_t count, uint64_t limit_bytes,
                        std::vector<std::string_view>* values, std::vector<char>* arena) {
  std::vector<int64_t> prefixes(count + kSlack);
  const int64_t used = DecodeDelta(bytes, count, prefixes.data());
  uint64_t prefix_sum = 0;
  if (used < 0 || !SumLengths({prefixes.data(), count}, &prefix_sum)) return false;
  if (!DecodeDeltaLengths(bytes.subspan(static_cast<size_t>(used)), count, values)) return false;
  // A string like the one before is the same bytes again: long runs of a list cost nothing.
  uint64_t total = 0;
  uint64_t before_size = UINT64_MAX;
  const auto is_repeat = [&](size_t i) {
    return (*values)[i].empty() && static_cast<uint64_t>(prefixes[i]) == before_size;
  };
  for (size_t i = 0; i < count; ++i) {
    if (is_repeat(i)) continue;
    before_size = static_cast<uint64_t>(prefixes[i]) + (*values)[i].size();
    total += before_size;
  }
  if (total > limit_bytes) return false;
  arena->resize(total + 1);  // an empty string still has a place, unlike NULL
  char* at = arena->data();
  std::string_view before;
  before_size = UINT64_MAX;
  for (size_t i = 0; i < count; ++i) {
    if (!is_repeat(i)) {
      const size_t shared = static_cast<size_t>(prefixes[i]);
      const std::string_view suffix = (*values)[i];
      if (shared > before.size()) return false;
      if (shared > 0) std::memcpy(at, before.data(), shared);
      if (!suffix.empty()) std::memcpy(at + shared, suffix.data(), suffix.size());
      before = std::string_view(at, shared + suffix.size());
      before_size = before.size();
      at += before.size();
    }
    (*values)[i] = before;
  }
  return true;
}

}  // namespace thermocline::columnar
