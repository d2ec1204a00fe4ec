// Input: the bytes of a manifest file, taken as they are and with the hash at their end put right,
// since a fuzzer cannot guess it. What is accepted is valid and survives a rewrite.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "cold/manifest.h"

namespace thermocline {
namespace {

void CheckManifest(std::string_view bytes) {
  const auto manifest = DecodeManifest(bytes);
  if (!manifest.ok()) return;
  CHECK(manifest->Validate().ok());
  const auto again = DecodeManifest(EncodeManifest(*manifest));
  CHECK(again.ok());
  CHECK(again->blocks == manifest->blocks && again->removed == manifest->removed);
}

std::string WithHash(std::string_view bytes) {
  std::string sealed(bytes.substr(0, bytes.size() - std::min(bytes.size(), sizeof(uint64_t))));
  const uint64_t hash = Hash64(sealed);
  for (int shift = 0; shift < 64; shift += 8) sealed += static_cast<char>(hash >> shift);
  return sealed;
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size_bytes);
  thermocline::CheckManifest(bytes);
  thermocline::CheckManifest(thermocline::WithHash(bytes));
  return 0;
}
