#include "base/ids.h"

namespace thermocline {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kTextSize = 26;

int DigitOf(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const size_t at = kAlphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

BlockId BlockId::Make(int64_t unix_ms, uint16_t random_high, uint64_t random_low) {
  BlockId id;
  for (int i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(unix_ms >> (8 * (5 - i)));
  id.bytes[6] = static_cast<uint8_t>(random_high >> 8);
  id.bytes[7] = static_cast<uint8_t>(random_high);
  for (int i = 0; i < 8; ++i) id.bytes[8 + i] = static_cast<uint8_t>(random_low >> (8 * (7 - i)));
  return id;
}

Result<BlockId> BlockId::Parse(std::string_view text) {
  if (text.size() != kTextSize) {
    return Status::InvalidArgument("block id: expected 26 characters, found '" +
                                   std::string(text.substr(0, 64)) + "'");
  }
  BlockId id;
  unsigned pending = 0;
  int bits = 0;
  size_t out = 0;
  for (size_t i = 0; i < kTextSize; ++i) {
    const int digit = DigitOf(text[i]);
    if (digit < 0 || (i == 0 && digit > 7)) {
      return Status::InvalidArgument("block id: bad character in '" + std::string(text) + "'");
    }
    // The first digit carries 3 bits (130 bits of text for 128 of id).
    const int width = i == 0 ? 3 : 5;
    pending = (pending << width) | static_cast<unsigned>(digit);
    bits += width;
    if (bits >= 8) {
      bits -= 8;
      id.bytes[out++] = static_cast<uint8_t>(pending >> bits);
      pending &= (1u << bits) - 1;
    }
  }
  return id;
}

std::string BlockId::ToString() const {
  std::string text;
  text.reserve(kTextSize);
  unsigned pending = 0;
  int bits = 2;  // two leading zero bits make 130, a multiple of five
  for (const uint8_t byte : bytes) {
    pending = (pending << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text.push_back(kAlphabet[(pending >> bits) & 31]);
      pending &= (1u << bits) - 1;
    }
  }
  return text;
}

int64_t BlockId::unix_ms() const {
  int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = (ms << 8) | bytes[i];
  return ms;
}

}  // namespace thermocline
