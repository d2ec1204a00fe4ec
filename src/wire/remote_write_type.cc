#include "wire/remote_write_type.h"

#include <fmt/core.h>

#include <algorithm>

namespace thermocline {
namespace {

constexpr std::string_view kMediaType = "application/x-protobuf";
constexpr RemoteWriteMessage kMessages[] = {RemoteWriteMessage::kVersion1,
                                            RemoteWriteMessage::kVersion2};

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

char Lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); }

bool SameWord(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, &Lower, &Lower);
}

Result<RemoteWriteMessage> MessageNamed(std::string_view name, std::string_view content_type) {
  for (const RemoteWriteMessage message : kMessages) {
    if (name == RemoteWriteMessageName(message)) return message;
  }
  return Status::InvalidArgument(
      fmt::format("got {} content type; unknown type for remote write protobuf message {}, "
                  "supported: {}, {}",
                  content_type, name, RemoteWriteMessageName(kMessages[0]),
                  RemoteWriteMessageName(kMessages[1])));
}

}  // namespace

std::string_view RemoteWriteMessageName(RemoteWriteMessage message) {
  return message == RemoteWriteMessage::kVersion1 ? "prometheus.WriteRequest"
                                                  : "io.prometheus.write.v2.Request";
}

Result<RemoteWriteMessage> ParseRemoteWriteType(std::string_view content_type) {
  content_type = Trimmed(content_type);
  if (content_type.empty()) return RemoteWriteMessage::kVersion1;
  size_t semicolon = content_type.find(';');
  if (!SameWord(Trimmed(content_type.substr(0, semicolon)), kMediaType)) {
    return Status::InvalidArgument(fmt::format(
        "expected {} as the first (media) part, got {} content-type", kMediaType, content_type));
  }
  std::string_view rest = content_type;
  while (semicolon != std::string_view::npos) {
    rest.remove_prefix(semicolon + 1);
    semicolon = rest.find(';');
    const std::string_view parameter = rest.substr(0, semicolon);
    const size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || parameter.find('=', equals + 1) != parameter.npos) {
      return Status::InvalidArgument(
          fmt::format("as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters "
                      "to be key-values, got {} in {} content-type",
                      parameter, content_type));
    }
    if (SameWord(Trimmed(parameter.substr(0, equals)), "proto")) {
      return MessageNamed(Trimmed(parameter.substr(equals + 1)), content_type);
    }
  }
  return RemoteWriteMessage::kVersion1;
}

}  // namespace thermocline
