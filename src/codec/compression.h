// General-purpose compressors of whole byte strings. The only place that knows snappy, deflate and
// zstd. Decoders never allocate on the word of the input alone: each takes a limit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thermocline {

// All decoders replace `out`, whose memory is reused. Corruption when the bytes are malformed,
// ResourceExhausted when the decoded size would pass `limit_bytes`.

// Snappy's block format (no framing), as remote write sends it.
Status SnappyDecode(std::string_view bytes, uint64_t limit_bytes, std::string* out);
void SnappyEncode(std::string_view bytes, std::string* out);

// RFC 1952; several members one after another are one text.
Status GzipDecode(std::string_view bytes, uint64_t limit_bytes, std::string* out);
// `level` 1 (fast) to 12.
void GzipEncode(std::string_view bytes, int level, std::string* out);

// RFC 8878; frames one after another are one text. Windows over 8 MiB (2^window_log bytes) are
// refused.
Status ZstdDecode(std::string_view bytes, uint64_t limit_bytes, std::string* out,
                  int window_log = 23);
void ZstdEncode(std::string_view bytes, int level, std::string* out);

}  // namespace thermocline
