// Where a gateway's shards stand: the bucket, or of it one stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/file_system.h"
#include "shards/gateway_days.h"

namespace thermocline {

struct GatewayPlace {
  std::string bucket;
  std::optional<uint64_t> stream;  // all of them when not given
};

// `path` is a bucket or the folder of a stream in one, which a stream.pb tells. InvalidArgument
// when such a folder is not named by the stream's hash: its days cannot be found then.
Result<GatewayPlace> GatewayAt(FileSystem& files, const std::string& path);

// As shards::FindDays, of the place. NotFound when there is none.
Result<std::vector<shards::GatewayDay>> DaysOf(Bucket& bucket, std::optional<uint64_t> stream);

// AlreadyExists when the folder `path` holds anything but streams and days: with those of a gateway
// beside it, its layout could not be told any more. Hidden files are not looked at.
Status CheckGatewayTarget(FileSystem& files, const std::string& path);

}  // namespace thermocline
