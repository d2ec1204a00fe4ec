// Output written aside and published whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/file_system.h"

namespace thermocline {

// The folder <target>.converting/out takes the files and Publish makes it <target>; a target that
// is there already gets them from <target>/.converting/out. What an interrupted run left there is
// removed by the next one. One thread at a time.
class Staging {
 public:
  // `files` outlives it. AlreadyExists when `target` holds something and `may_join` does not allow
  // that; Unavailable while another run has it.
  static Result<std::unique_ptr<Staging>> Begin(FileSystem& files, const std::string& target,
                                                bool may_join);
  // Removes what was not published, best effort.
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  const std::string& folder() const { return out_; }
  const std::string& target() const { return target_; }

  // By one rename; into an empty folder, a mount point perhaps, by one rename of each file and
  // folder; into a target that holds something, file by file. Those come last that make the others
  // visible: shard 0's labels, stream.pb, then meta.pb and the converter mark. AlreadyExists, and
  // nothing done, when the target has a meta.pb, a mark or another stream.pb of the same name, or
  // shards where such are to stand.
  Status Publish();

 private:
  Staging(FileSystem& files, std::string target);
  Result<bool> TargetIsEmpty() const;
  Status Move();
  Status Join();
  Status CheckJoin(const std::vector<std::string>& names) const;

  FileSystem& files_;
  const std::string target_;
  const bool within_;        // the target is there already
  const std::string aside_;  // holds the lock and out_
  const std::string out_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace thermocline
