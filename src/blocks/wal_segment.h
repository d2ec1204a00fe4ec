// One segment file of a Prometheus write-ahead log, record by record.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "blocks/object_window.h"
#include "bucket/object.h"

namespace thermocline {

inline constexpr uint64_t kWalPageBytes = 32 * 1024;

// Reads front to back. One thread.
class WalSegmentReader {
 public:
  // `object` outlives the reader.
  explicit WalSegmentReader(const Object& object);

  // The next record, decompressed; valid until the next call. An empty optional at the end.
  // Corruption, with file and offset, for everything that Prometheus' reader refuses (a record that
  // the end cuts off, too): nothing can be read behind it.
  Result<std::optional<std::string_view>> Next();

  // Where the record returned last began.
  uint64_t record_offset() const { return record_offset_; }
  uint64_t bytes_read() const { return window_.bytes_read(); }

 private:
  struct Fragment {
    uint8_t type = 0;
    uint8_t compression = 0;
    std::string_view bytes;
  };

  // False at the end of the file.
  Result<bool> NextFragment(Fragment* fragment);
  Result<bool> LoadPage();
  Result<std::string_view> Decompress(uint8_t compression);
  Status Bad(std::string_view why) const;

  const Object& object_;
  ObjectWindow window_;
  uint64_t page_ = 0;          // offset of the page that is loaded
  size_t at_ = kWalPageBytes;  // within it
  std::string page_bytes_;     // padded with zeros where the file ends
  uint64_t next_page_ = 0;
  uint64_t record_offset_ = 0;
  std::string stored_;
  std::string record_;
};

}  // namespace thermocline
