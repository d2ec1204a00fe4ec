#include "columnar/file_tail.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "columnar/file_reader.h"
#include "columnar/index_parser.h"

namespace thermocline::columnar {

namespace {

constexpr uint64_t kMaxFooterBytes = uint64_t{64} << 20;
constexpr uint64_t kMaxTailBytes = uint64_t{512} << 20;
// The first read of a file whose tail size is unknown.
constexpr uint64_t kTailGuessBytes = 64 << 10;

}  // namespace

Result<uint64_t> FooterBytes(std::string_view tail, uint64_t file_size, const std::string& name) {
  if (tail.size() < kTrailerBytes || tail.size() > file_size) {
    return Status::Corruption(fmt::format("{}: {} bytes are no Parquet file", name, file_size));
  }
  const std::string_view trailer = tail.substr(tail.size() - kTrailerBytes);
  if (trailer.substr(4) == "PARE") {
    return Status::Unimplemented(name + ": encrypted footers are not supported");
  }
  if (trailer.substr(4) != "PAR1") {
    return Status::Corruption(
        fmt::format("{}: no Parquet magic at offset {}", name, file_size - 4));
  }
  uint32_t bytes = 0;
  std::memcpy(&bytes, trailer.data(), 4);
  if (bytes > kMaxFooterBytes || bytes > file_size - kTrailerBytes - 4) {
    return Status::Corruption(
        fmt::format("{}: footer of {} bytes in a file of {}", name, bytes, file_size));
  }
  return uint64_t{bytes};
}

namespace {

// Reads the last `size` bytes of the object.
Result<std::string> ReadTail(const Object& object, uint64_t size, ReadStats* stats) {
  ASSIGN_OR_RETURN(std::string tail, object.Read(object.size_bytes() - size, size));
  stats->requests += 1;
  stats->bytes_read += size;
  return tail;
}

// The tail of a file nobody told us about: a guess, and once more when the guess was short.
Result<std::string> FindTail(const Object& object, const std::string& name, ReadStats* stats) {
  const uint64_t file_size = object.size_bytes();
  uint64_t size = std::min(kTailGuessBytes, file_size);
  ASSIGN_OR_RETURN(std::string tail, ReadTail(object, size, stats));
  ASSIGN_OR_RETURN(const uint64_t footer, FooterBytes(tail, file_size, name));
  if (footer + kTrailerBytes > size) {
    size = footer + kTrailerBytes;
    ASSIGN_OR_RETURN(tail, ReadTail(object, size, stats));
  }
  ASSIGN_OR_RETURN(const uint64_t begin, IndexBegin(tail, file_size, name));
  if (file_size - begin <= size) return tail;
  if (file_size - begin > kMaxTailBytes) {
    return Status::Corruption(
        fmt::format("{}: page indexes begin {} bytes before the end", name, file_size - begin));
  }
  return ReadTail(object, file_size - begin, stats);
}

}  // namespace

Result<std::shared_ptr<const FileIndex>> FileReader::ReadIndex(const Object& object,
                                                               const OpenOptions& options,
                                                               ReadStats* stats) {
  const std::string& name = options.name.empty() ? object.key() : options.name;
  if (!options.tail) {
    ASSIGN_OR_RETURN(const std::string tail, FindTail(object, name, stats));
    return ParseIndex(tail, object.size_bytes(), name);
  }
  const FileTail& expected = *options.tail;
  if (expected.size_bytes > object.size_bytes() || expected.size_bytes > kMaxTailBytes) {
    return Status::Corruption(fmt::format("{}: {} bytes are less than its tail of {}", name,
                                          object.size_bytes(), expected.size_bytes));
  }
  ASSIGN_OR_RETURN(const std::string tail, ReadTail(object, expected.size_bytes, stats));
  if (const uint64_t hash = Hash64(tail); hash != expected.hash) {
    return Status::Corruption(fmt::format("{}: the last {} bytes hash to {:016x}, expected {:016x}",
                                          name, tail.size(), hash, expected.hash));
  }
  return ParseIndex(tail, object.size_bytes(), name);
}

}  // namespace thermocline::columnar
