#include "wire/read_response.h"

#include <algorithm>
#include <optional>

#include "base/hash.h"
#include "codec/chunk.h"
#include "wire/histogram_message.h"
#include "wire/proto_writer.h"

namespace thermocline {
namespace {

constexpr size_t kSamplesPerChunk = 120;  // Prometheus' target

void AppendLabels(LabelsView labels, std::string* out) {
  ProtoWriter message(out);
  std::string text;
  for (const LabelPair& label : labels) {
    text.clear();
    ProtoWriter pair(&text);
    pair.Bytes(1, label.name);
    pair.Bytes(2, label.value);
    message.Bytes(1, text);
  }
}

// What Prometheus counts of a series' labels: the messages without their tags and lengths.
uint64_t LabelBytes(LabelsView labels) {
  uint64_t bytes = 0;
  for (const LabelPair& label : labels) {
    bytes += 2 + VarintSize(label.name.size()) + label.name.size() +
             VarintSize(label.value.size()) + label.value.size();
  }
  return bytes;
}

void AppendFrame(std::string_view message, std::string* stream) {
  ByteWriter out(stream);
  out.Varint(message.size());
  const uint32_t crc = Crc32c(message);
  for (const int shift : {24, 16, 8, 0}) out.U8(static_cast<uint8_t>(crc >> shift));
  out.Bytes(message);
}

// Cuts the samples of one series into chunks and the chunks into frames.
class FrameCutter {
 public:
  FrameCutter(LabelsView labels, const SeriesBatch& batch, uint64_t query_index,
              uint64_t max_frame_bytes, std::string* stream)
      : batch_(batch),
        query_index_(query_index),
        max_frame_bytes_(max_frame_bytes),
        stream_(stream) {
    AppendLabels(labels, &labels_);
    const uint64_t taken = LabelBytes(labels);
    room_ = max_frame_bytes > taken ? max_frame_bytes - taken : 0;
  }

  Status Run(size_t begin, size_t end) {
    uint64_t left = room_;
    for (size_t at = begin; at < end;) {
      ASSIGN_OR_RETURN(const size_t next, EncodeNext(at, end));
      message_.clear();
      ProtoWriter chunk(&message_);
      chunk.VarintIfSet(1, static_cast<uint64_t>(batch_.timestamps_ms[at]));
      chunk.VarintIfSet(2, static_cast<uint64_t>(batch_.timestamps_ms[next - 1]));
      chunk.Varint(3, static_cast<uint64_t>(encoding_));
      chunk.Bytes(4, chunk_);
      ProtoWriter(&series_).Bytes(2, message_);
      at = next;
      left -= std::min<uint64_t>(left, message_.size());
      if (left > 0 && at < end) continue;
      EmitFrame();
      left = room_;
    }
    return {};
  }

 private:
  // Encodes the chunk that begins at `at` into chunk_; the sample after its last.
  Result<size_t> EncodeNext(size_t at, size_t end) {
    size_t most = kSamplesPerChunk;
    const std::optional<CounterResetHint> header = header_;
    while (true) {
      const size_t next = FirstChunkEnd(batch_, at, end, most, &header_);
      encoding_ = ChunkEncodingFor(batch_, at, next);
      chunk_.clear();
      RETURN_IF_ERROR(EncodeChunk(encoding_, batch_, at, next, &chunk_, header));
      if (chunk_.size() <= max_frame_bytes_ || next - at == 1) return next;
      most = (next - at) / 2;
    }
  }

  void EmitFrame() {
    message_.clear();
    ProtoWriter response(&message_);
    response.Bytes(1, labels_ + series_);
    response.VarintIfSet(2, query_index_);
    AppendFrame(message_, stream_);
    series_.clear();
  }

  const SeriesBatch& batch_;
  const uint64_t query_index_;
  const uint64_t max_frame_bytes_;
  std::string* const stream_;
  uint64_t room_ = 0;   // for chunks, in a frame
  std::string labels_;  // fields 1 of the ChunkedSeries
  std::string series_;  // its fields 2 so far
  std::string chunk_;
  std::string message_;
  ChunkEncoding encoding_ = ChunkEncoding::kNone;
  std::optional<CounterResetHint> header_;  // of the next histogram chunk
};

}  // namespace

void AppendReadSeries(LabelsView labels, const SeriesBatch& batch, size_t series,
                      std::string* result) {
  std::string text;
  AppendLabels(labels, &text);
  ProtoWriter message(&text);
  const size_t begin = batch.offsets[series];
  const size_t end = batch.offsets[series + 1];
  std::string sample;
  for (size_t i = begin; i < end; ++i) {
    if (batch.histogram(i) != nullptr) continue;
    sample.clear();
    ProtoWriter field(&sample);
    field.DoubleIfSet(1, batch.values[i]);
    field.VarintIfSet(2, static_cast<uint64_t>(batch.timestamps_ms[i]));
    message.Bytes(2, sample);
  }
  for (size_t i = begin; i < end; ++i) {
    const Histogram* h = batch.histogram(i);
    if (h == nullptr) continue;
    sample.clear();
    AppendHistogramMessage(batch.timestamps_ms[i], *h, &sample);
    message.Bytes(4, sample);
  }
  ProtoWriter(result).Bytes(1, text);
}

void AppendReadResult(std::string_view result, std::string* response) {
  ProtoWriter(response).Bytes(1, result);
}

Status AppendChunkFrames(LabelsView labels, const SeriesBatch& batch, size_t series,
                         uint64_t query_index, uint64_t max_frame_bytes, std::string* stream) {
  return FrameCutter(labels, batch, query_index, max_frame_bytes, stream)
      .Run(batch.offsets[series], batch.offsets[series + 1]);
}

}  // namespace thermocline
