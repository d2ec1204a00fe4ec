// The small byte formats inside a shard's columns: cells of chunks, lists of a row's label columns,
// hashes of label sets. FORMAT.md 1 and 2.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/chunk.h"
#include "model/labels.h"

namespace thermocline::shards {

// One record of a cell: a chunk as it is stored. `bytes` points into the cell.
struct CellChunk {
  ChunkEncoding encoding = ChunkEncoding::kNone;
  TimestampMs min_ms = 0;
  TimestampMs max_ms = 0;
  std::string_view bytes;
};

enum class CellFormat {
  kVarint,  // parquet-common: four LEB128 numbers before each payload
  kFixed,   // gateway: 24 bytes, big-endian, before each payload
};

// Appends the cell's records to `out`. Corruption when a number or a payload passes the cell's end,
// an encoding does not fit a byte or max < min; `out` then holds what came before.
Status ParseCell(CellFormat format, std::string_view cell, std::vector<CellChunk>* out);
void AppendCellChunk(CellFormat format, const CellChunk& chunk, std::string* out);

// The list of a row's label columns: leaf numbers of the labels file, ascending and distinct, below
// `columns`. Replaces `leaves`. Corruption otherwise.
Status ParseColumnList(std::string_view cell, uint32_t columns, std::vector<uint32_t>* leaves);
void AppendColumnList(std::span<const uint32_t> leaves, std::string* out);

// Prometheus' StableHash: xxHash64 over name 0xFF value 0xFF of every label.
uint64_t SeparatedHash(LabelsView labels);
// Prometheus' Hash() with its default label representation, which the gateway stores per row:
// xxHash64 over length and text of every name and value.
uint64_t PackedHash(LabelsView labels);
// The gateway's stream hash: xxHash64 over names and values with nothing between; 0 for no labels.
uint64_t StreamHash(LabelsView labels);
// The hash as parquet-common stores it: 8 bytes, big-endian.
std::string HashCell(uint64_t hash);

}  // namespace thermocline::shards
