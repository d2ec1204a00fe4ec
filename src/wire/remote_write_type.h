// What the Content-Type of a remote write request says its message is.
#pragma once

#include <string_view>

#include "base/result.h"

namespace thermocline {

enum class RemoteWriteMessage { kVersion1, kVersion2 };

// An empty type, and one without a `proto` parameter, is version 1. Media type and parameter names
// are compared without case and blanks around them, other than in Prometheus, which takes
// "...; proto=io.prometheus.write.v2.Request" for version 1 and stores nothing. InvalidArgument
// with Prometheus' texts. Source: client_golang exp/api/remote/remote_api.go, ParseProtoMsg.
Result<RemoteWriteMessage> ParseRemoteWriteType(std::string_view content_type);

// "prometheus.WriteRequest", "io.prometheus.write.v2.Request".
std::string_view RemoteWriteMessageName(RemoteWriteMessage message);

}  // namespace thermocline
