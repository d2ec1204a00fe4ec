#include "codec/int_block.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/check.h"
#include "codec/bit_pack.h"

namespace thermocline {
namespace {

constexpr uint8_t kFormMask = 0x07;
constexpr uint8_t kPatchesBit = 0x08;
constexpr uint8_t kShiftBit = 0x10;

using Items = std::array<uint64_t, kMaxBlockItems>;

// An int, whichever type the library gives std::bit_width.
int Width(uint64_t v) { return static_cast<int>(std::bit_width(v)); }

// How to store one list of items, and what that costs.
struct Packing {
  uint64_t base = 0;
  int shift = 0;
  int width = 0;
  uint64_t cost_bits = 0;
};

// The smallest few items, ascending as signed numbers: a handful of far lower outliers (a counter's
// reset among its increments) must not set the base of all.
constexpr size_t kLowest = 9;

size_t LowestItems(std::span<const uint64_t> items, std::array<int64_t, kLowest>* lowest) {
  size_t kept = 0;
  for (const uint64_t item : items) {
    const auto v = static_cast<int64_t>(item);
    if (kept == kLowest && v >= (*lowest)[kLowest - 1]) continue;
    size_t at = kept < kLowest ? kept++ : kLowest - 1;
    while (at > 0 && (*lowest)[at - 1] > v) {
      (*lowest)[at] = (*lowest)[at - 1];
      --at;
    }
    (*lowest)[at] = v;
  }
  return kept;
}

// The cheapest width for items - base: wider ones become patches of about 16 bits plus their rest.
Packing PackingFor(std::span<const uint64_t> items, uint64_t base) {
  std::array<uint32_t, 65> of_width{};
  uint64_t any = 0;
  for (const uint64_t item : items) {
    const uint64_t offset = item - base;
    any |= offset;
    ++of_width[static_cast<size_t>(Width(offset))];
  }
  Packing best{.base = base, .cost_bits = ~0ull};
  best.shift = any == 0 ? 0 : std::countr_zero(any);
  uint64_t patches = 0;
  uint64_t patch_bits = 0;  // of the patches' high parts, at the current width
  for (int w = 64; w >= best.shift; --w) {
    const uint64_t cost =
        items.size() * static_cast<uint64_t>(w - best.shift) + patches * 16 + patch_bits * 8 / 7;
    if (cost <= best.cost_bits) {
      best.cost_bits = cost;
      best.width = w - best.shift;
    }
    patches += of_width[static_cast<size_t>(w)];
    patch_bits += patches;
  }
  return best;
}

Packing BestPacking(std::span<const uint64_t> items) {
  std::array<int64_t, kLowest> lowest{};
  const size_t kept = LowestItems(items, &lowest);
  Packing best = PackingFor(items, static_cast<uint64_t>(lowest[0]));
  for (const size_t i : {size_t{1}, size_t{2}, size_t{4}, size_t{8}}) {
    // Another base pays only when it is far above the last one.
    if (i >= kept) break;
    const uint64_t gap = static_cast<uint64_t>(lowest[i]) - best.base;
    if (Width(gap) + 1 < best.width + best.shift) continue;
    const Packing other = PackingFor(items, static_cast<uint64_t>(lowest[i]));
    if (other.cost_bits < best.cost_bits) best = other;
  }
  return best;
}

void WriteItems(uint8_t tag, std::span<const int64_t> lead, std::span<uint64_t> items,
                const Packing& packing, std::string* out) {
  ByteWriter writer(out);
  uint64_t patches = 0;
  for (uint64_t& item : items) {
    item = (item - packing.base) >> packing.shift;
    patches += Width(item) > packing.width;
  }
  writer.U8(static_cast<uint8_t>(tag | (patches > 0 ? kPatchesBit : 0) |
                                 (packing.shift > 0 ? kShiftBit : 0)));
  for (const int64_t v : lead) writer.SignedVarint(v);
  writer.SignedVarint(static_cast<int64_t>(packing.base));
  writer.U8(static_cast<uint8_t>(packing.width));
  if (packing.shift > 0) writer.U8(static_cast<uint8_t>(packing.shift));
  PackBits(items, packing.width, out);
  if (patches == 0) return;
  writer.Varint(patches);
  size_t previous = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (Width(items[i]) <= packing.width) continue;
    writer.Varint(i - previous);
    writer.Varint(items[i] >> packing.width);
    previous = i;
  }
}

void Differences(std::span<const uint64_t> values, uint64_t* out) {
  for (size_t i = 1; i < values.size(); ++i) out[i - 1] = values[i] - values[i - 1];
}

Status Malformed(const char* what) {
  return Status::Corruption(std::string("decoding an integer block: ") + what);
}

Status ReadItems(ByteReader& reader, uint8_t tag, std::span<uint64_t> items) {
  const auto base = static_cast<uint64_t>(reader.SignedVarint());
  const uint8_t width = reader.U8();
  const uint8_t shift = (tag & kShiftBit) != 0 ? reader.U8() : 0;
  if (width > 64 || shift > 63) return Malformed("width or shift out of range");
  const std::string_view packed = reader.Bytes(PackedSize(items.size(), width));
  if (!reader.ok()) return Malformed("bytes are missing");
  UnpackBits(packed, width, items);
  if ((tag & kPatchesBit) != 0) {
    const uint64_t patches = reader.Varint();
    if (width == 64 || patches > items.size()) return Malformed("patches out of range");
    size_t at = 0;
    for (uint64_t i = 0; i < patches; ++i) {
      const uint64_t distance = reader.Varint();
      const uint64_t high = reader.Varint();
      if (!reader.ok()) return Malformed("bytes are missing");
      if ((distance == 0 && i > 0) || distance >= items.size() - at) {
        return Malformed("a patch's position is out of range");
      }
      at += distance;
      items[at] |= high << width;
    }
  }
  for (uint64_t& item : items) item = base + (item << shift);
  return Status::Ok();
}

}  // namespace

IntForm EncodeIntBlock(std::span<const int64_t> signed_values, std::string* out) {
  const size_t n = signed_values.size();
  CHECK(n >= 1 && n <= kMaxBlockItems);
  Items values;
  std::copy(signed_values.begin(), signed_values.end(), values.begin());
  Items deltas;
  Differences(std::span(values).first(n), deltas.data());
  const std::span<uint64_t> delta_items = std::span(deltas).first(n - 1);
  if (std::all_of(delta_items.begin(), delta_items.end(),
                  [&](uint64_t d) { return d == delta_items[0]; })) {
    const int64_t step = n > 1 ? static_cast<int64_t>(deltas[0]) : 0;
    const IntForm form = step == 0 ? IntForm::kConstant : IntForm::kLinear;
    ByteWriter writer(out);
    writer.U8(static_cast<uint8_t>(form));
    writer.SignedVarint(signed_values[0]);
    if (form == IntForm::kLinear) writer.SignedVarint(step);
    return form;
  }
  Items seconds;
  Differences(delta_items, seconds.data());
  const std::span<uint64_t> second_items = std::span(seconds).first(n - 2);
  const Packing frame = BestPacking(std::span(values).first(n));
  const Packing delta = BestPacking(delta_items);
  const Packing second = BestPacking(second_items);
  const int64_t lead[2] = {signed_values[0], static_cast<int64_t>(deltas[0])};
  // Each step up in form must pay for the lead it adds and for the slower decoding.
  if (frame.cost_bits <= delta.cost_bits + 8 && frame.cost_bits <= second.cost_bits + 24) {
    WriteItems(static_cast<uint8_t>(IntForm::kFrame), {}, std::span(values).first(n), frame, out);
    return IntForm::kFrame;
  }
  if (delta.cost_bits <= second.cost_bits + 16) {
    WriteItems(static_cast<uint8_t>(IntForm::kDelta), std::span(lead).first(1), delta_items, delta,
               out);
    return IntForm::kDelta;
  }
  WriteItems(static_cast<uint8_t>(IntForm::kSecondDelta), lead, second_items, second, out);
  return IntForm::kSecondDelta;
}

Status DecodeIntBlock(ByteReader& reader, std::span<int64_t> out) {
  const size_t n = out.size();
  CHECK(n >= 1 && n <= kMaxBlockItems);
  const uint8_t tag = reader.U8();
  const auto form = static_cast<IntForm>(tag & kFormMask);
  if (!reader.ok() || (tag & ~(kFormMask | kPatchesBit | kShiftBit)) != 0 ||
      form > IntForm::kSecondDelta || (form <= IntForm::kLinear && tag > kFormMask)) {
    return Malformed("unknown tag");
  }
  uint64_t value = 0;
  uint64_t step = 0;
  if (form != IntForm::kFrame) value = static_cast<uint64_t>(reader.SignedVarint());
  if (form == IntForm::kLinear || form == IntForm::kSecondDelta) {
    step = static_cast<uint64_t>(reader.SignedVarint());
  }
  if (form <= IntForm::kLinear) {
    if (!reader.ok()) return Malformed("bytes are missing");
    for (size_t i = 0; i < n; ++i) out[i] = static_cast<int64_t>(value + i * step);
    return Status::Ok();
  }
  const size_t skipped = static_cast<size_t>(form) - static_cast<size_t>(IntForm::kFrame);
  if (n <= skipped) return Malformed("a form that needs more items");
  // Signed and unsigned forms of a type may alias.
  auto* const items = reinterpret_cast<uint64_t*>(out.data()) + skipped;
  RETURN_IF_ERROR(ReadItems(reader, tag, std::span(items, n - skipped)));
  if (form == IntForm::kDelta) {
    out[0] = static_cast<int64_t>(value);
    for (size_t i = 1; i < n; ++i) {
      value += static_cast<uint64_t>(out[i]);
      out[i] = static_cast<int64_t>(value);
    }
  } else if (form == IntForm::kSecondDelta) {
    out[0] = static_cast<int64_t>(value);
    value += step;
    out[1] = static_cast<int64_t>(value);
    for (size_t i = 2; i < n; ++i) {
      step += static_cast<uint64_t>(out[i]);
      value += step;
      out[i] = static_cast<int64_t>(value);
    }
  }
  return Status::Ok();
}

}  // namespace thermocline
