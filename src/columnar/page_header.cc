#include "columnar/page_header.h"

#include <cstddef>

#include "columnar/compact_thrift.h"

namespace thermocline::columnar {

namespace {

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
        if (type == kThriftTrue || type == kThriftFalse) {
          header->compressed = type == kThriftTrue;
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
    } else if (id == 4 && type == kThriftI32) {
      header->crc = static_cast<uint32_t>(in.Signed());
      header->has_crc = true;
    } else if ((id == 5 || id == 7) && type == kThriftStruct) {
      body |= 1u << id;
      ReadDataV1(&in, header);  // a dictionary header begins with the same two fields
    } else if (id == 8 && type == kThriftStruct) {
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
