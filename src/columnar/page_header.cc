#include "columnar/page_header.h"

#include <cstddef>

namespace thermocline::columnar {

namespace {

// Type ids of thrift's compact protocol.
enum : int {
  kStop = 0,
  kTrue = 1,
  kFalse = 2,
  kByte = 3,
  kI16 = 4,
  kI32 = 5,
  kI64 = 6,
  kDouble = 7,
  kBinary = 8,
  kList = 9,
  kSet = 10,
  kStruct = 12,
};
constexpr int kMaxDepth = 8;

// Remembers its first error; everything after it is zero.
class CompactReader {
 public:
  explicit CompactReader(std::span<const uint8_t> bytes)
      : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  bool ok() const { return ok_; }
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }

  uint8_t Byte() {
    if (at_ == end_) {
      ok_ = false;
      return 0;
    }
    return *at_++;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && ok_; shift += 7) {
      const uint8_t byte = Byte();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  int64_t Signed() {
    const uint64_t v = Varint();
    return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }
  // A size or count: an i32 field that must not be negative.
  uint32_t Size(int type) {
    const int64_t value = type == kI32 ? Signed() : -1;
    if (value < 0 || value > INT32_MAX) {
      ok_ = false;
      return 0;
    }
    return static_cast<uint32_t>(value);
  }

  // Calls field(id, type) for each field; it must consume the value.
  template <typename Field>
  void Struct(Field&& field) {
    int64_t id = 0;
    while (ok_) {
      const uint8_t head = Byte();
      const int type = head & 15;
      if (!ok_ || type == kStop) {
        // A stop byte has no id; other bits there are damage.
        if (head != 0) ok_ = false;
        return;
      }
      id = (head >> 4) != 0 ? id + (head >> 4) : Signed();
      field(id, type);
    }
  }

  void Skip(int type, int depth = 0) {
    if (depth > kMaxDepth) ok_ = false;
    if (!ok_) return;
    switch (type) {
      case kTrue:
      case kFalse: return;
      case kByte: Byte(); return;
      case kI16:
      case kI32:
      case kI64: Varint(); return;
      case kDouble: Advance(8); return;
      case kBinary: Advance(Varint()); return;
      case kList:
      case kSet: SkipList(depth); return;
      case kStruct: Struct([&](int64_t, int inner) { Skip(inner, depth + 1); }); return;
      default: ok_ = false;
    }
  }

 private:
  void Advance(uint64_t count) {
    if (count > static_cast<uint64_t>(end_ - at_)) {
      ok_ = false;
      return;
    }
    at_ += count;
  }
  void SkipList(int depth) {
    const uint8_t head = Byte();
    const uint64_t count = (head >> 4) == 15 ? Varint() : head >> 4;
    if (count > static_cast<uint64_t>(end_ - at_)) ok_ = false;
    const int type = head & 15;
    for (uint64_t i = 0; ok_ && i < count; ++i) {
      if (type == kTrue || type == kFalse) {
        Byte();
      } else {
        Skip(type, depth + 1);
      }
    }
  }

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  bool ok_ = true;
};

void ReadDataV1(CompactReader* in, PageHeader* header) {
  in->Struct([&](int64_t id, int type) {
    if (id == 1) {
      header->values = in->Size(type);
    } else if (id == 2) {
      header->encoding = static_cast<PageEncoding>(in->Size(type));
    } else {
      in->Skip(type);
    }
  });
}

void ReadDataV2(CompactReader* in, PageHeader* header) {
  in->Struct([&](int64_t id, int type) {
    switch (id) {
      case 1: header->values = in->Size(type); return;
      case 2: header->nulls = in->Size(type); return;
      case 3: header->rows = in->Size(type); return;
      case 4: header->encoding = static_cast<PageEncoding>(in->Size(type)); return;
      case 5: header->definition_bytes = in->Size(type); return;
      case 6: header->repetition_bytes = in->Size(type); return;
      case 7:
        if (type == kTrue || type == kFalse) {
          header->compressed = type == kTrue;
          return;
        }
        break;
      default: break;
    }
    in->Skip(type);
  });
}

}  // namespace

bool ParsePageHeader(std::span<const uint8_t> bytes, PageHeader* header) {
  *header = PageHeader();
  CompactReader in(bytes);
  uint32_t kind = 0;
  // Bits: kind, full size, body size, and the struct that belongs to the kind.
  unsigned seen = 0;
  unsigned body = 0;
  in.Struct([&](int64_t id, int type) {
    if (id == 1) {
      kind = in.Size(type);
      seen |= 1;
    } else if (id == 2) {
      header->full_bytes = in.Size(type);
      seen |= 2;
    } else if (id == 3) {
      header->body_bytes = in.Size(type);
      seen |= 4;
    } else if (id == 4 && type == kI32) {
      header->crc = static_cast<uint32_t>(in.Signed());
      header->has_crc = true;
    } else if ((id == 5 || id == 7) && type == kStruct) {
      body |= 1u << id;
      ReadDataV1(&in, header);  // a dictionary header begins with the same two fields
    } else if (id == 8 && type == kStruct) {
      body |= 1u << id;
      ReadDataV2(&in, header);
    } else {
      in.Skip(type);
    }
  });
  header->kind = static_cast<PageKind>(kind);
  const unsigned wanted = header->kind == PageKind::kDataV2       ? 1u << 8
                          : header->kind == PageKind::kDictionary ? 1u << 7
                          : header->kind == PageKind::kData       ? 1u << 5
                                                                  : 0;
  if (!in.ok() || seen != 7 || body != wanted || wanted == 0) return false;
  header->header_bytes = static_cast<uint32_t>(in.offset());
  const size_t left = bytes.size() - in.offset();
  const uint64_t levels = uint64_t{header->definition_bytes} + header->repetition_bytes;
  return header->body_bytes <= left && levels <= header->body_bytes && levels <= header->full_bytes;
}

}  // namespace thermocline::columnar
