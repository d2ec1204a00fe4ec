#include "wire/remote_write.h"

#include <utility>
#include <vector>

#include "base/hash.h"
#include "codec/compression.h"
#include "wire/histogram_message.h"
#include "wire/label_packer.h"
#include "wire/proto_cursor.h"

namespace thermocline {
namespace {

constexpr std::string_view kCorruptSnappy = "s2: corrupt input";

Status FaultStatus(ProtoFault fault) {
  return fault == ProtoFault::kTruncated
             ? Status::InvalidArgument("unexpected EOF")
             : Status::InvalidArgument("proto: write request is malformed");
}

// The names of prometheus.MetricMetadata.MetricType, by number.
std::string_view MetricTypeName(uint64_t type) {
  constexpr std::string_view kNames[] = {"unknown",        "counter", "gauge", "histogram",
                                         "gaugehistogram", "summary", "info",  "stateset"};
  return kNames[type < std::size(kNames) ? type : 0];
}

class RequestParser {
 public:
  RequestParser(const RemoteWriteLimits& limits, WriteBatch* batch, RemoteWriteSkipped* skipped)
      : limits_(limits), batch_(batch), skipped_(skipped), packer_(limits) {}

  Status Run(std::string_view message) {
    // The packed form of a label is shorter than its protobuf form, so this is room for all.
    batch_->label_bytes.resize(message.size() + LabelPacker::kSlack);
    source_end_ = message.data() + message.size();
    const Status status = Walk(message);
    batch_->label_bytes.resize(label_bytes_used_);
    const size_t samples = batch_->samples.size();
    if (!batch_->histograms.empty()) {
      batch_->histogram_index.resize(samples, WriteBatch::kNoHistogram);
    }
    if (!batch_->start_timestamps_ms.empty()) batch_->start_timestamps_ms.resize(samples);
    return status;
  }

 private:
  Status Walk(std::string_view message) {
    ProtoCursor in(message);
    while (!in.done()) {
      const uint32_t tag = in.Tag();
      if (tag == BytesField(1)) {
        if (!Series(in.Bytes())) break;
      } else if (tag == BytesField(3)) {
        Metadata(in.Bytes());
      } else {
        // A known field in another wire type is an error, not an unknown field.
        if (tag >> 3 == 1 || tag >> 3 == 3) in.Fail(ProtoFault::kMalformed);
        in.Skip(tag);
      }
      if (fault_ != ProtoFault::kNone) break;
    }
    if (!limit_error_.ok()) return limit_error_;
    if (fault_ == ProtoFault::kNone) fault_ = in.fault();
    return fault_ == ProtoFault::kNone ? Status::Ok() : FaultStatus(fault_);
  }

  // Reads one TimeSeries; false when the request must end.
  bool Series(std::string_view message) {
    const size_t first_sample = batch_->samples.size();
    histograms_.clear();
    packer_.Start(batch_->label_bytes.data() + label_bytes_used_, source_end_);
    ProtoCursor in(message);
    while (!in.done()) {
      const uint32_t tag = in.Tag();
      switch (tag) {
        case BytesField(1): Label(in.Bytes()); break;
        case BytesField(2): Sample(in.Bytes()); break;
        case BytesField(3):
          in.Bytes();
          ++skipped_->exemplars;
          break;
        case BytesField(4): histograms_.push_back(in.Bytes()); break;
        default:
          if (tag >> 3 <= 4) in.Fail(ProtoFault::kMalformed);
          in.Skip(tag);
      }
    }
    if (fault_ == ProtoFault::kNone) fault_ = in.fault();
    if (fault_ != ProtoFault::kNone) return false;
    return FinishSeries(first_sample);
  }

  bool FinishSeries(size_t first_sample) {
    const LabelVerdict verdict = packer_.Finish();
    if (!histograms_.empty() && !Histograms(verdict == LabelVerdict::kGood)) return false;
    if (verdict == LabelVerdict::kGood && batch_->samples.size() > first_sample) {
      const std::string_view packed = packer_.packed();
      batch_->series.push_back({static_cast<uint32_t>(label_bytes_used_),
                                static_cast<uint32_t>(packed.size()), Hash64(packed),
                                static_cast<uint32_t>(first_sample),
                                static_cast<uint32_t>(batch_->samples.size() - first_sample)});
      label_bytes_used_ += packed.size();
    } else {
      if (verdict == LabelVerdict::kInvalid) {
        ++skipped_->invalid_series;
      } else if (verdict == LabelVerdict::kOverLimit) {
        ++skipped_->over_limit_series;
      } else {
        ++skipped_->series_without_samples;
      }
      batch_->samples.resize(first_sample);
    }
    if (batch_->series.size() > limits_.max_series) {
      limit_error_ = Status::InvalidArgument("the request has more than " +
                                             std::to_string(limits_.max_series) + " series");
    } else if (batch_->samples.size() > limits_.max_samples) {
      limit_error_ = Status::InvalidArgument("the request has more than " +
                                             std::to_string(limits_.max_samples) + " samples");
    }
    return limit_error_.ok();
  }

  // Reads the histograms of a series behind its floats, which is Prometheus' order. Those of a
  // series that is not `wanted` must be well-formed messages, no more.
  bool Histograms(bool wanted) {
    for (const std::string_view message : histograms_) {
      if (batch_->histograms.size() == limits_.max_histograms) {
        limit_error_ = Status::InvalidArgument(
            "the request has more than " + std::to_string(limits_.max_histograms) + " histograms");
        return false;
      }
      HistogramMessage read;
      if (!ReadHistogramMessage(message, &room_, &read, &fault_)) {
        if (room_ == 0) {
          limit_error_ = Status::InvalidArgument("the request has more than " +
                                                 std::to_string(limits_.max_buckets) +
                                                 " buckets of histograms");
        }
        return false;
      }
      if (!wanted) continue;
      limit_error_ = AdmitHistogram(&read.histogram);
      if (!limit_error_.ok()) return false;
      batch_->AppendHistogram(read.timestamp_ms, std::move(read.histogram), read.start_ms);
    }
    return true;
  }

  // As every sender writes it: both fields, in order, shorter than 128 bytes.
  bool ShortLabel(std::string_view message) {
    if (message.size() < 4 || message[0] != BytesField(1)) return false;
    const size_t name_size = static_cast<uint8_t>(message[1]);
    const size_t value_at = name_size + 4;
    if (name_size >= 0x80 || message.size() < value_at || message[name_size + 2] != BytesField(2)) {
      return false;
    }
    const size_t value_size = static_cast<uint8_t>(message[name_size + 3]);
    if (value_size >= 0x80 || message.size() != value_at + value_size) return false;
    packer_.Add({message.data() + 2, name_size}, {message.data() + value_at, value_size});
    return true;
  }

  void Label(std::string_view message) {
    if (ShortLabel(message)) return;
    ProtoCursor in(message);
    std::string_view name;
    std::string_view value;
    while (!in.done()) {
      const uint32_t tag = in.Tag();
      if (tag == BytesField(1)) {
        name = in.Bytes();
      } else if (tag == BytesField(2)) {
        value = in.Bytes();
      } else {
        if (tag >> 3 <= 2) in.Fail(ProtoFault::kMalformed);
        in.Skip(tag);
      }
    }
    Note(in);
    packer_.Add(name, value);
  }

  void Sample(std::string_view message) {
    ProtoCursor in(message);
    thermocline::Sample sample;
    while (!in.done()) {
      const uint32_t tag = in.Tag();
      if (tag == Fixed64Field(1)) {
        sample.value = in.Double();
      } else if (tag == VarintField(2)) {
        sample.timestamp_ms = static_cast<int64_t>(in.Varint());
      } else {
        if (tag >> 3 <= 2) in.Fail(ProtoFault::kMalformed);
        in.Skip(tag);
      }
    }
    Note(in);
    batch_->samples.push_back(sample);
  }

  void Metadata(std::string_view message) {
    ProtoCursor in(message);
    uint64_t type = 0;
    BatchMetadata metadata;
    while (!in.done()) {
      switch (const uint32_t tag = in.Tag()) {
        case VarintField(1): type = in.Varint(); break;
        case BytesField(2): metadata.family = in.Bytes(); break;
        case BytesField(4): metadata.help = in.Bytes(); break;
        case BytesField(5): metadata.unit = in.Bytes(); break;
        default: in.Skip(tag);
      }
    }
    Note(in);
    metadata.type = MetricTypeName(type);
    const bool usable = !metadata.family.empty() && IsValidUtf8(metadata.family) &&
                        IsValidUtf8(metadata.help) && IsValidUtf8(metadata.unit) &&
                        metadata.family.size() <= limits_.max_value_bytes &&
                        metadata.help.size() <= limits_.max_label_set_bytes &&
                        metadata.unit.size() <= limits_.max_name_bytes;
    if (usable && batch_->metadata.size() < limits_.max_series) {
      batch_->metadata.push_back(std::move(metadata));
    }
  }

  void Note(const ProtoCursor& in) {
    if (fault_ == ProtoFault::kNone) fault_ = in.fault();
  }

  const RemoteWriteLimits& limits_;
  WriteBatch* batch_;
  RemoteWriteSkipped* skipped_;
  LabelPacker packer_;
  const char* source_end_ = nullptr;
  size_t label_bytes_used_ = 0;
  std::vector<std::string_view> histograms_;  // messages of the series at hand
  uint64_t room_ = limits_.max_buckets;
  ProtoFault fault_ = ProtoFault::kNone;
  Status limit_error_;  // what ends the request, but for bad bytes
};

}  // namespace

Status DecompressRemoteWrite(std::string_view body, const RemoteWriteLimits& limits,
                             std::string* message) {
  const Status decoded = SnappyDecode(body, limits.max_decoded_bytes, message);
  if (decoded.code() == Code::kResourceExhausted) {
    return Status::InvalidArgument("decoded size exceeds the " +
                                   std::to_string(limits.max_decoded_bytes) + " bytes limit");
  }
  return decoded.ok() ? decoded : Status::InvalidArgument(std::string(kCorruptSnappy));
}

Status ParseWriteRequest1(std::string_view message, const RemoteWriteLimits& limits,
                          WriteBatch* batch, RemoteWriteSkipped* skipped) {
  batch->Clear();
  batch->on_reject = RejectPolicy::kWholeBatch;
  *skipped = {};
  return RequestParser(limits, batch, skipped).Run(message);
}

}  // namespace thermocline
