// Input: the bytes of a manifest file. What is accepted is valid and survives a rewrite.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "cold/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace thermocline;
  const auto manifest = DecodeManifest({reinterpret_cast<const char*>(data), size_bytes});
  if (!manifest.ok()) return 0;
  CHECK(manifest->Validate().ok());
  const auto again = DecodeManifest(EncodeManifest(*manifest));
  CHECK(again.ok());
  CHECK(again->blocks == manifest->blocks && again->removed == manifest->removed);
  return 0;
}
