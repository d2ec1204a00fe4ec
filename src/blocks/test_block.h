// For tests: a writer of small blocks, by the format's description alone, so that the reader is not
// its own oracle.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "blocks/series_section.h"
#include "codec/chunk.h"
#include "env/simulated/simulated_file_system.h"
#include "model/labels.h"

namespace thermocline {

inline void PutBig32(std::string* out, uint64_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(v >> shift));
}

inline void PutBig64(std::string* out, uint64_t v) {
  PutBig32(out, v >> 32);
  PutBig32(out, v);
}

// Length, body, checksum.
inline void PutSection(std::string* out, const std::string& body) {
  PutBig32(out, body.size());
  out->append(body);
  PutBig32(out, Crc32c(body));
}

struct TestSeries {
  Labels labels;
  std::vector<ChunkEntry> chunks;
};

struct TestIndexShape {
  int version = 2;
  bool label_index_parts = false;
};

class TestIndexWriter {
 public:
  // `series` in the order they are to have in the file.
  static std::string Write(const std::vector<TestSeries>& series, const TestIndexShape& shape) {
    TestIndexWriter writer(shape);
    writer.Symbols(series);
    writer.Series(series);
    writer.Finish();
    return writer.out_;
  }

 private:
  explicit TestIndexWriter(const TestIndexShape& shape) : shape_(shape) {
    PutBig32(&out_, 0xBAAAD700);
    out_.push_back(static_cast<char>(shape.version));
  }

  void Symbols(const std::vector<TestSeries>& series) {
    std::set<std::string> all;
    for (const TestSeries& one : series) {
      for (const LabelPair& pair : one.labels) {
        all.emplace(pair.name);
        all.emplace(pair.value);
      }
    }
    toc_[0] = out_.size();
    std::string body;
    PutBig32(&body, all.size());
    ByteWriter writer(&body);
    for (const std::string& text : all) {
      const uint64_t place = toc_[0] + 4 + body.size();
      const uint64_t number = references_.size();
      references_[text] = shape_.version == 1 ? place : number;
      writer.LengthPrefixed(text);
    }
    PutSection(&out_, body);
  }

  void Series(const std::vector<TestSeries>& series) {
    Align(16);
    toc_[1] = out_.size();
    for (const TestSeries& one : series) {
      Align(16);
      const auto number =
          static_cast<uint32_t>(shape_.version == 1 ? out_.size() : out_.size() / 16);
      lists_[{"", ""}].push_back(number);
      std::string body;
      ByteWriter writer(&body);
      writer.Varint(one.labels.size());
      for (const LabelPair& pair : one.labels) {
        writer.Varint(references_[std::string(pair.name)]);
        writer.Varint(references_[std::string(pair.value)]);
        lists_[{std::string(pair.name), std::string(pair.value)}].push_back(number);
      }
      writer.Varint(one.chunks.size());
      const ChunkEntry* last = nullptr;
      for (const ChunkEntry& chunk : one.chunks) {
        if (last == nullptr) {
          writer.SignedVarint(chunk.min_ms);
        } else {
          writer.Varint(static_cast<uint64_t>(chunk.min_ms - last->max_ms));
        }
        writer.Varint(static_cast<uint64_t>(chunk.max_ms - chunk.min_ms));
        if (last == nullptr) {
          writer.Varint(chunk.reference);
        } else {
          writer.SignedVarint(static_cast<int64_t>(chunk.reference - last->reference));
        }
        last = &chunk;
      }
      ByteWriter(&out_).Varint(body.size());
      out_.append(body);
      PutBig32(&out_, Crc32c(body));
    }
  }

  void Finish() {
    Align(4);
    if (shape_.label_index_parts) {
      toc_[2] = out_.size();
      PutSection(&out_, std::string("\0\0\0\1\0\0\0\0", 8));
      Align(4);
    }
    toc_[4] = out_.size();
    std::vector<std::pair<std::pair<std::string, std::string>, uint64_t>> places;
    for (const auto& [pair, numbers] : lists_) {
      Align(4);
      places.emplace_back(pair, out_.size());
      std::string body;
      PutBig32(&body, numbers.size());
      for (const uint32_t number : numbers) PutBig32(&body, number);
      PutSection(&out_, body);
    }
    if (shape_.label_index_parts) {
      toc_[3] = out_.size();
      PutSection(&out_, std::string("\0\0\0\0", 4));
    }
    // Version 1 does not sort its table.
    if (shape_.version == 1) std::reverse(places.begin(), places.end());
    toc_[5] = out_.size();
    std::string body;
    PutBig32(&body, places.size());
    ByteWriter writer(&body);
    for (const auto& [pair, offset] : places) {
      writer.Varint(2);
      writer.LengthPrefixed(pair.first);
      writer.LengthPrefixed(pair.second);
      writer.Varint(offset);
    }
    PutSection(&out_, body);
    if (!shape_.label_index_parts) {
      toc_[2] = toc_[4];
      toc_[3] = toc_[5];
    }
    std::string toc;
    for (const uint64_t part : toc_) PutBig64(&toc, part);
    out_ += toc;
    PutBig32(&out_, Crc32c(toc));
  }

  void Align(size_t to) { out_.resize((out_.size() + to - 1) / to * to, '\0'); }

  const TestIndexShape shape_;
  std::string out_;
  uint64_t toc_[6] = {};
  std::map<std::string, uint64_t> references_;
  std::map<std::pair<std::string, std::string>, std::vector<uint32_t>> lists_;
};

// Appends one record to a segment (begun if empty) and returns its offset.
inline uint64_t PutChunk(std::string* segment, uint8_t encoding, std::string_view bytes) {
  if (segment->empty()) {
    PutBig32(segment, 0x85BD40DD);
    segment->append("\1\0\0\0", 4);
  }
  const uint64_t offset = segment->size();
  ByteWriter(segment).Varint(bytes.size());
  std::string checked(1, static_cast<char>(encoding));
  checked += bytes;
  segment->append(checked);
  PutBig32(segment, Crc32c(checked));
  return offset;
}

// A XOR chunk of `count` samples from `begin_ms` on, a second apart, with values from `value` on.
inline std::string TestXorChunk(TimestampMs begin_ms, int count, double value) {
  SeriesBatch batch;
  batch.Clear();
  for (int i = 0; i < count; ++i) {
    batch.timestamps_ms.push_back(begin_ms + i * 1000);
    batch.values.push_back(value + i);
  }
  std::string bytes;
  CHECK_OK(EncodeChunk(ChunkEncoding::kXor, batch, 0, static_cast<size_t>(count), &bytes));
  return bytes;
}

inline std::string TestMeta(TimestampMs min_ms, TimestampMs max_ms,
                            const std::string& ulid = "01DXXFZDYD1MQW6079WK0K6EDQ",
                            const std::string& more = "") {
  return "{\"ulid\":\"" + ulid + "\",\"minTime\":" + std::to_string(min_ms) +
         ",\"maxTime\":" + std::to_string(max_ms) + ",\"version\":1" + more + "}";
}

// `{name="m", i="N"}` with one chunk of `samples` samples from N * 1000 ms on, values from N on.
inline void PutTestBlock(SimulatedFileSystem* files, const std::string& folder, int series_count,
                         int samples, const TestIndexShape& shape = {}) {
  std::string segment;
  std::vector<TestSeries> series;
  for (int i = 0; i < series_count; ++i) {
    const std::string number = std::to_string(1000 + i);
    TestSeries one;
    one.labels = Labels{{"__name__", "m"}, {"i", number}, {"parity", i % 2 == 0 ? "even" : ""}};
    const TimestampMs begin = i * 1000;
    const uint64_t offset = PutChunk(&segment, 1, TestXorChunk(begin, samples, i));
    one.chunks.push_back({begin, begin + (samples - 1) * 1000, offset});
    series.push_back(std::move(one));
  }
  files->PutFile(folder + "/index", TestIndexWriter::Write(series, shape));
  files->PutFile(folder + "/chunks/000001", segment);
  files->PutFile(folder + "/meta.json", TestMeta(0, (series_count + samples) * 1000));
}

}  // namespace thermocline
