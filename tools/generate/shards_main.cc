// Writes parquet-common shards for other programs to read: the series of a folder of shards, with
// different settings in several folders. Usage: thermocline_shards SOURCE DESTINATION
#include <fmt/core.h>

#include "bucket/local_bucket.h"
#include "env/posix/posix_file_system.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"

namespace thermocline::shards {
namespace {

Status WriteVariants(const std::string& source, const std::string& destination) {
  PosixFileSystem files;
  LocalBucket from(files, source);
  LocalBucket to(files, destination);
  columnar::ReadStats stats;
  ASSIGN_OR_RETURN(const auto places, FindShards(from, ""));
  ASSIGN_OR_RETURN(const auto shards, OpenShards(from, places, {}, &stats));
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  ASSIGN_OR_RETURN(const auto set, ShardQueryable(shards).Select(request));

  ShardWriterOptions options;
  options.range = shards[0]->range();
  RETURN_IF_ERROR(WriteShards(*set, to, "default/", options).status());
  options.chunk_compression = ChunkCompression::kZstd;
  options.bloom_labels = {"__name__", "job"};
  options.label_page_rows = 20;
  options.chunk_page_bytes = 1000;
  options.column_ms = kHourMs / 2;
  options.row_group_rows = 100;
  options.row_groups_per_shard = 2;
  options.samples_per_chunk = 20;
  RETURN_IF_ERROR(WriteShards(*set, to, "small/", options).status());
  options = ShardWriterOptions();
  options.range = shards[0]->range();
  options.sort_labels = {"job", "instance"};
  options.row_group_rows = 128;
  options.chunk_compression = ChunkCompression::kNone;
  return WriteShards(*set, to, "sorted/", options).status();
}

}  // namespace
}  // namespace thermocline::shards

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: {} SOURCE DESTINATION\n", argv[0]);
    return 2;
  }
  const auto status = thermocline::shards::WriteVariants(argv[1], argv[2]);
  if (status.ok()) return 0;
  fmt::print(stderr, "{}\n", status.ToString());
  return 1;
}
