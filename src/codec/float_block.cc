#include "codec/float_block.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "model/sample.h"

namespace thermocline {
namespace {

enum class Mode : uint8_t { kConstant = 0, kDecimal = 1, kBits = 2 };
constexpr uint8_t kModeMask = 0x03;
constexpr uint8_t kExceptionsBit = 0x04;
constexpr uint8_t kWideBit = 0x08;

constexpr int kMaxExponent = 18;
constexpr std::array<double, kMaxExponent + 1> kPowers = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                                          1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                                          1e14, 1e15, 1e16, 1e17, 1e18};
constexpr double kNarrowLimit = 2251799813685248.0;   // 2^51
constexpr double kWideLimit = 9223372036854775808.0;  // 2^63
// Adding it moves a number below 2^51 to where doubles are the integers: rounds, and exposes the
// integer in the low bits.
constexpr double kRounder = 6755399441055744.0;  // 1.5 x 2^52

// True when `value` is a mantissa / 10^exponent, bit for bit. Whole numbers up to 2^63 are
// mantissas of exponent 0.
inline bool IsDecimal(double value, int exponent, int64_t* mantissa) {
  const double scaled = value * kPowers[static_cast<size_t>(exponent)];
  if (std::fabs(scaled) < kNarrowLimit) {
    const double whole = (scaled + kRounder) - kRounder;
    *mantissa = static_cast<int64_t>(whole);
    return SameBits(static_cast<double>(*mantissa) / kPowers[static_cast<size_t>(exponent)], value);
  }
  if (exponent != 0 || !(std::fabs(value) < kWideLimit)) return false;
  *mantissa = static_cast<int64_t>(value);
  return SameBits(static_cast<double>(*mantissa), value);
}

// The smallest exponent under which `value` is decimal, tried from `hint` on; kMaxExponent + 1 when
// there is none.
int ExponentOf(double value, int hint) {
  int64_t mantissa;
  if (IsDecimal(value, hint, &mantissa)) {
    while (hint > 0 && IsDecimal(value, hint - 1, &mantissa)) --hint;
    return hint;
  }
  if (!(std::fabs(value) < kWideLimit)) return kMaxExponent + 1;
  // Decimal under a smaller exponent but too large for the hint's.
  for (int e = 0; e < hint; ++e) {
    if (IsDecimal(value, e, &mantissa)) return e;
  }
  for (int e = hint + 1; e <= kMaxExponent; ++e) {
    if (IsDecimal(value, e, &mantissa)) return e;
    if (std::fabs(value) * kPowers[static_cast<size_t>(e)] >= kNarrowLimit) break;
  }
  return kMaxExponent + 1;
}

constexpr uint64_t kExceptionBits = 80;

// The exponent that makes the block smallest by a plain estimate: each decimal place costs log2(10)
// bits a value, each value it leaves out an exception. -1 when decimals cannot pay.
int BlockExponent(std::span<const double> values) {
  std::array<uint32_t, kMaxExponent + 2> of_exponent{};
  int hint = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const int exponent = ExponentOf(values[i], hint);
    ++of_exponent[static_cast<size_t>(exponent)];
    if (exponent <= kMaxExponent && values[i] != 0) hint = exponent;
    // Full mantissas show at once; trying all exponents on all of them would cost the most.
    if (i == 31 && of_exponent[kMaxExponent + 1] > 24) return -1;
  }
  int best = -1;
  uint64_t best_cost = values.size() * 48;
  uint64_t left_out = values.size();
  for (int e = 0; e <= kMaxExponent; ++e) {
    if (of_exponent[static_cast<size_t>(e)] == 0) continue;
    left_out -= of_exponent[static_cast<size_t>(e)];
    const uint64_t cost =
        left_out * kExceptionBits + (values.size() - left_out) * static_cast<uint64_t>(e) * 10 / 3;
    if (cost < best_cost) {
      best_cost = cost;
      best = e;
    }
  }
  return best;
}

struct Exceptions {
  std::array<uint16_t, kMaxBlockItems> positions;
  size_t count = 0;
};

// Mantissas under exceptions are free to choose: on the line between their neighbours they disturb
// no form.
void BridgeExceptions(const Exceptions& exceptions, std::span<int64_t> mantissas) {
  const size_t n = mantissas.size();
  for (size_t i = 0; i < exceptions.count;) {
    const size_t first = exceptions.positions[i];
    size_t last = first;
    for (++i; i < exceptions.count && exceptions.positions[i] == last + 1; ++i) ++last;
    const size_t run = last - first + 1;
    uint64_t from;
    uint64_t step = 0;
    if (first == 0) {
      from = last + 1 < n ? static_cast<uint64_t>(mantissas[last + 1]) : 0;
    } else {
      from = static_cast<uint64_t>(mantissas[first - 1]);
      if (last + 1 < n) {
        const uint64_t rise = static_cast<uint64_t>(mantissas[last + 1]) - from;
        step = static_cast<uint64_t>(static_cast<int64_t>(rise) / static_cast<int64_t>(run + 1));
      } else if (first >= 2 && mantissas[first - 1] > mantissas[0]) {
        step = from - static_cast<uint64_t>(mantissas[first - 2]);
      }
    }
    for (size_t k = 0; k < run; ++k) {
      mantissas[first + k] = static_cast<int64_t>(from + step * (k + 1));
    }
  }
}

void WriteExceptions(std::span<const double> values, const Exceptions& exceptions,
                     ByteWriter* writer) {
  writer->Varint(exceptions.count);
  size_t previous = 0;
  for (size_t i = 0; i < exceptions.count; ++i) {
    writer->Varint(exceptions.positions[i] - previous);
    previous = exceptions.positions[i];
  }
  for (size_t i = 0; i < exceptions.count; ++i) writer->F64(values[exceptions.positions[i]]);
}

FloatShape WriteDecimal(std::span<const double> values, int exponent, std::string* out) {
  std::array<int64_t, kMaxBlockItems> storage;
  const std::span<int64_t> mantissas = std::span(storage).first(values.size());
  Exceptions exceptions;
  bool wide = false;
  for (size_t i = 0; i < values.size(); ++i) {
    if (IsDecimal(values[i], exponent, &mantissas[i])) {
      wide |= !(std::fabs(static_cast<double>(mantissas[i])) < kNarrowLimit);
    } else {
      exceptions.positions[exceptions.count++] = static_cast<uint16_t>(i);
    }
  }
  BridgeExceptions(exceptions, mantissas);
  // A bridge may leave the narrow range at its far end.
  if (exceptions.count > 0) {
    wide |= std::any_of(mantissas.begin(), mantissas.end(), [](int64_t m) {
      return !(std::fabs(static_cast<double>(m)) < kNarrowLimit);
    });
  }
  ByteWriter writer(out);
  writer.U8(static_cast<uint8_t>(static_cast<uint8_t>(Mode::kDecimal) |
                                 (exceptions.count > 0 ? kExceptionsBit : 0) |
                                 (wide ? kWideBit : 0)));
  writer.Varint(values.size());
  writer.U8(static_cast<uint8_t>(exponent));
  const IntForm form = EncodeIntBlock(mantissas, out);
  if (exceptions.count > 0) {
    WriteExceptions(values, exceptions, &writer);
    return FloatShape::kNeither;
  }
  if (form == IntForm::kConstant) return FloatShape::kConstant;
  return form == IntForm::kLinear ? FloatShape::kLinear : FloatShape::kNeither;
}

void WriteBits(std::span<const double> values, std::string* out) {
  std::array<int64_t, kMaxBlockItems> bits;
  std::memcpy(bits.data(), values.data(), values.size_bytes());
  ByteWriter writer(out);
  writer.U8(static_cast<uint8_t>(Mode::kBits));
  writer.Varint(values.size());
  EncodeIntBlock(std::span(bits).first(values.size()), out);
}

Status Malformed(const char* what) {
  return Status::Corruption(std::string("decoding a float block: ") + what);
}

// Integer to double without the conversion instruction, which has no vector form before AVX-512.
inline double NarrowToDouble(int64_t mantissa) {
  const uint64_t bits = static_cast<uint64_t>(mantissa) + std::bit_cast<uint64_t>(kRounder);
  return std::bit_cast<double>(bits) - kRounder;
}

// Mantissas lie in `out`'s own memory, as bits, and are replaced by their values.
void Unscale(std::span<double> out, double divisor, bool wide) {
  double* const values = out.data();
  const size_t n = out.size();
  if (wide) {
    for (size_t i = 0; i < n; ++i) {
      values[i] = static_cast<double>(std::bit_cast<int64_t>(values[i])) / divisor;
    }
  } else if (divisor == 1) {
    for (size_t i = 0; i < n; ++i) values[i] = NarrowToDouble(std::bit_cast<int64_t>(values[i]));
  } else {
    for (size_t i = 0; i < n; ++i) {
      values[i] = NarrowToDouble(std::bit_cast<int64_t>(values[i])) / divisor;
    }
  }
}

Status ReadExceptions(ByteReader& reader, std::span<double> out) {
  const uint64_t count = reader.Varint();
  if (count == 0 || count > out.size()) return Malformed("exceptions out of range");
  std::array<uint16_t, kMaxBlockItems> positions;
  size_t at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t distance = reader.Varint();
    if (!reader.ok() || (distance == 0 && i > 0) || distance >= out.size() - at) {
      return Malformed("an exception's position is out of range");
    }
    at += distance;
    positions[i] = static_cast<uint16_t>(at);
  }
  for (uint64_t i = 0; i < count; ++i) out[positions[i]] = reader.F64();
  return Status::Ok();
}

Status ReadIntegers(ByteReader& reader, std::span<double> out) {
  std::array<int64_t, kMaxBlockItems> items;
  RETURN_IF_ERROR(DecodeIntBlock(reader, std::span(items).first(out.size())));
  std::memcpy(out.data(), items.data(), out.size_bytes());
  return Status::Ok();
}

}  // namespace

FloatShape EncodeFloatBlock(std::span<const double> values, std::string* out) {
  CHECK(!values.empty() && values.size() <= kMaxBlockItems);
  const bool constant =
      std::all_of(values.begin(), values.end(), [&](double v) { return SameBits(v, values[0]); });
  if (constant) {
    ByteWriter writer(out);
    int64_t mantissa;
    if (IsDecimal(values[0], 0, &mantissa) && std::fabs(values[0]) < 1e6) {
      return WriteDecimal(values, 0, out);
    }
    writer.U8(static_cast<uint8_t>(Mode::kConstant));
    writer.Varint(values.size());
    writer.F64(values[0]);
    return FloatShape::kConstant;
  }
  const int exponent = BlockExponent(values);
  if (exponent < 0) {
    WriteBits(values, out);
    return FloatShape::kNeither;
  }
  const size_t start = out->size();
  const FloatShape shape = WriteDecimal(values, exponent, out);
  const size_t decimal_size = out->size() - start;
  if (decimal_size < values.size() * 5) return shape;
  std::string bits;
  WriteBits(values, &bits);
  if (bits.size() >= decimal_size) return shape;
  out->replace(start, decimal_size, bits);
  return FloatShape::kNeither;
}

Result<size_t> FloatBlockCount(std::string_view bytes) {
  ByteReader reader(bytes);
  reader.U8();
  const uint64_t count = reader.Varint();
  if (!reader.ok() || count == 0 || count > kMaxBlockItems) {
    return Malformed("the count is out of range");
  }
  return static_cast<size_t>(count);
}

Status DecodeFloatBlock(std::string_view bytes, std::span<double> out) {
  ByteReader reader(bytes);
  const uint8_t tag = reader.U8();
  const uint64_t count = reader.Varint();
  if (!reader.ok() || count != out.size() || count == 0 || count > kMaxBlockItems) {
    return Malformed("the count is not the expected one");
  }
  const auto mode = static_cast<Mode>(tag & kModeMask);
  if ((tag >> 4) != 0 || mode > Mode::kBits || (mode != Mode::kDecimal && tag > kModeMask)) {
    return Malformed("unknown tag");
  }
  if (mode == Mode::kConstant) {
    std::fill(out.begin(), out.end(), reader.F64());
  } else if (mode == Mode::kBits) {
    RETURN_IF_ERROR(ReadIntegers(reader, out));
  } else {
    const uint8_t exponent = reader.U8();
    if (exponent > kMaxExponent) return Malformed("the exponent is out of range");
    RETURN_IF_ERROR(ReadIntegers(reader, out));
    Unscale(out, kPowers[exponent], (tag & kWideBit) != 0);
    if ((tag & kExceptionsBit) != 0) RETURN_IF_ERROR(ReadExceptions(reader, out));
  }
  if (!reader.ok()) return Malformed("bytes are missing");
  if (!reader.done()) return Malformed("bytes are left over");
  return Status::Ok();
}

}  // namespace thermocline
