#include "wire/read_request.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "codec/compression.h"
#include "wire/proto_cursor.h"

namespace thermocline {
namespace {

class RequestParser {
 public:
  explicit RequestParser(const ReadRequestLimits& limits) : limits_(limits) {}

  Result<ReadRequest> Run(std::string_view message) {
    ProtoCursor in(message);
    while (!in.done()) {
      switch (const uint32_t tag = in.Tag()) {
        case BytesField(1): Query(in.Bytes()); break;
        case VarintField(2): Accept(in.Varint()); break;
        case BytesField(2): AcceptPacked(in.Bytes()); break;
        default: Unknown(tag, 2, &in);
      }
      if (!status_.ok()) return status_;
    }
    Note(in);
    if (!status_.ok()) return status_;
    RETURN_IF_ERROR(Negotiate());
    return std::move(request_);
  }

 private:
  // A known field in another wire type is an error, not an unknown field.
  static void Unknown(uint32_t tag, uint32_t last_known, ProtoCursor* in) {
    if (tag >> 3 <= last_known) in->Fail(ProtoFault::kMalformed);
    in->Skip(tag);
  }

  void Fail(std::string text) {
    if (status_.ok()) status_ = Status::InvalidArgument(std::move(text));
  }
  void Note(const ProtoCursor& in) {
    if (in.fault() == ProtoFault::kTruncated) Fail("unexpected EOF");
    if (in.fault() == ProtoFault::kMalformed) Fail("proto: read request is malformed");
  }

  void Query(std::string_view message) {
    if (request_.queries.size() == limits_.max_queries) {
      return Fail("the request has more than " + std::to_string(limits_.max_queries) + " queries");
    }
    ReadQuery query;
    query.range = {0, 0};
    std::optional<TimeRange> hinted;
    ProtoCursor in(message);
    while (!in.done()) {
      switch (const uint32_t tag = in.Tag()) {
        case VarintField(1): query.range.start_ms = static_cast<int64_t>(in.Varint()); break;
        case VarintField(2): query.range.end_ms = static_cast<int64_t>(in.Varint()); break;
        case BytesField(3): OneMatcher(in.Bytes(), &query); break;
        case BytesField(4): Hints(in.Bytes(), &query, &hinted); break;
        default: Unknown(tag, 4, &in);
      }
      if (!status_.ok()) return;
    }
    Note(in);
    if (hinted) {
      query.range.start_ms = std::max(query.range.start_ms, hinted->start_ms);
      query.range.end_ms = std::min(query.range.end_ms, hinted->end_ms);
    }
    request_.queries.push_back(std::move(query));
  }

  void OneMatcher(std::string_view message, ReadQuery* query) {
    if (++matchers_ > limits_.max_matchers) {
      return Fail("the request has more than " + std::to_string(limits_.max_matchers) +
                  " matchers");
    }
    uint64_t type = 0;
    std::string_view name;
    std::string_view value;
    ProtoCursor in(message);
    while (!in.done()) {
      switch (const uint32_t tag = in.Tag()) {
        case VarintField(1): type = in.Varint(); break;
        case BytesField(2): name = in.Bytes(); break;
        case BytesField(3): value = in.Bytes(); break;
        default: Unknown(tag, 3, &in);
      }
    }
    Note(in);
    if (!status_.ok()) return;
    if (type > static_cast<uint64_t>(MatchType::kNotRegex)) return Fail("invalid matcher type");
    auto matcher =
        Matcher::Make(static_cast<MatchType>(type), std::string(name), std::string(value));
    if (!matcher.ok()) return Fail(std::string(matcher.status().message()));
    query->matchers.push_back(*std::move(matcher));
  }

  // A range of zeros is no range: senders that have none leave it out.
  void Hints(std::string_view message, ReadQuery* query, std::optional<TimeRange>* hinted) {
    TimeRange range{0, 0};
    ProtoCursor in(message);
    while (!in.done()) {
      switch (const uint32_t tag = in.Tag()) {
        case VarintField(1): query->step_ms = static_cast<int64_t>(in.Varint()); break;
        case BytesField(2): query->function = in.Bytes(); break;
        case VarintField(3): range.start_ms = static_cast<int64_t>(in.Varint()); break;
        case VarintField(4): range.end_ms = static_cast<int64_t>(in.Varint()); break;
        case BytesField(5): in.Bytes(); break;  // labels of an aggregation
        case VarintField(6): in.Varint(); break;
        case VarintField(7): query->range_ms = static_cast<int64_t>(in.Varint()); break;
        default: Unknown(tag, 7, &in);
      }
    }
    Note(in);
    if (range != TimeRange{0, 0}) *hinted = range;
  }

  void Accept(uint64_t type) {
    ++accepted_;
    if (!chosen_ && type <= static_cast<uint64_t>(ReadResponseType::kStreamedChunks)) {
      chosen_ = static_cast<ReadResponseType>(type);
    }
  }
  void AcceptPacked(std::string_view packed) {
    ProtoCursor in(packed);
    while (!in.done()) {
      const uint64_t type = in.Varint();
      if (in.fault() == ProtoFault::kNone) Accept(type);
    }
    Note(in);
  }

  // The first type of the client's list that is served; without a list, samples.
  Status Negotiate() {
    if (accepted_ > 0 && !chosen_) {
      return Status::InvalidArgument(
          "none of the requested response types is served; served are SAMPLES and "
          "STREAMED_XOR_CHUNKS");
    }
    request_.response_type = chosen_.value_or(ReadResponseType::kSamples);
    return {};
  }

  const ReadRequestLimits& limits_;
  ReadRequest request_;
  Status status_;
  uint64_t accepted_ = 0;
  uint64_t matchers_ = 0;
  std::optional<ReadResponseType> chosen_;
};

}  // namespace

Result<ReadRequest> DecodeReadRequest(std::string_view body, const ReadRequestLimits& limits) {
  std::string message;
  const Status decoded = SnappyDecode(body, limits.max_decoded_bytes, &message);
  if (decoded.code() == Code::kResourceExhausted) {
    return Status::InvalidArgument("snappy: decoded size exceeds the " +
                                   std::to_string(limits.max_decoded_bytes) + " bytes limit");
  }
  if (!decoded.ok()) return Status::InvalidArgument("snappy: corrupt input");
  return ParseReadRequest(message, limits);
}

Result<ReadRequest> ParseReadRequest(std::string_view message, const ReadRequestLimits& limits) {
  return RequestParser(limits).Run(message);
}

}  // namespace thermocline
