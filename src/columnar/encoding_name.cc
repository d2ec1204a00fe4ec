#include "columnar/encoding_name.h"

namespace thermocline::columnar {

std::string_view EncodingName(ColumnEncoding encoding) {
  switch (encoding) {
    case ColumnEncoding::kPlain: return "PLAIN";
    case ColumnEncoding::kDictionary: return "RLE_DICTIONARY";
    case ColumnEncoding::kDelta: return "DELTA_BINARY_PACKED";
    case ColumnEncoding::kSplit:
    case ColumnEncoding::kSplitSampled:
    case ColumnEncoding::kSplitSmallest: return "BYTE_STREAM_SPLIT";
    case ColumnEncoding::kDeltaStrings: return "DELTA_BYTE_ARRAY";
    case ColumnEncoding::kDeltaLengths: return "DELTA_LENGTH_BYTE_ARRAY";
  }
  return "?";
}

}  // namespace thermocline::columnar
