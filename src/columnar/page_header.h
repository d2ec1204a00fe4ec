// The thrift header before each page, read without the library: it allocates what a header claims
// before looking at the data, and one parse per page has to be cheap.
#pragma once

#include <cstdint>
#include <span>

namespace thermocline::columnar {

// Values of the Parquet specification's parquet.thrift, as they stand in files.
enum class PageKind : int32_t { kData = 0, kIndex = 1, kDictionary = 2, kDataV2 = 3 };
enum class PageEncoding : int32_t {
  kPlain = 0,
  kPlainDictionary = 2,
  kRle = 3,
  kBitPacked = 4,
  kDeltaBinaryPacked = 5,
  kDeltaLengthByteArray = 6,
  kDeltaByteArray = 7,
  kRleDictionary = 8,
  kByteStreamSplit = 9,
};

struct PageHeader {
  PageKind kind = PageKind::kData;
  PageEncoding encoding = PageEncoding::kPlain;
  uint32_t header_bytes = 0;  // of this header
  uint32_t body_bytes = 0;    // as stored
  uint32_t full_bytes = 0;    // uncompressed, levels included
  bool has_crc = false;
  uint32_t crc = 0;
  uint32_t values = 0;
  uint32_t nulls = 0;  // V2 only
  uint32_t rows = 0;   // V2 only
  uint32_t definition_bytes = 0;
  uint32_t repetition_bytes = 0;
  bool compressed = true;
};

// False when the bytes are no page header, or its sizes are negative, or the body does not fit in
// `bytes`, or the levels do not fit in the body.
bool ParsePageHeader(std::span<const uint8_t> bytes, PageHeader* header);

}  // namespace thermocline::columnar
