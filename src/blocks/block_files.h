// The files of one block, opened: what every answer from it needs. Shared by the block and by the
// series sets it hands out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blocks/block_damage.h"
#include "blocks/block_index.h"
#include "blocks/block_meta.h"
#include "blocks/tombstones.h"
#include "bucket/object.h"

namespace thermocline {

struct BlockOptions {
  // A damaged chunk or series entry is left out and counted; otherwise it fails the read.
  bool skip_damaged = false;
};

struct BlockFiles {
  BlockOptions options;
  std::string prefix;  // of the keys: "" or "…/"
  BlockMeta meta;
  std::unique_ptr<BlockIndex> index;
  std::vector<std::unique_ptr<Object>> segments;  // by ordinal
  Tombstones tombstones;
  mutable BlockDamage damage;

  // `prefix`: the block's folder within the bucket, "" or ending in "/".
  static Result<std::shared_ptr<const BlockFiles>> Open(Bucket& bucket, const std::string& prefix,
                                                        const BlockOptions& options);
};

}  // namespace thermocline
