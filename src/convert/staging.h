// Output written aside and published whole.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "convert/publish_journal.h"
#include "env/file_system.h"

namespace thermocline {

struct StagingOptions {
  bool may_join = false;  // the target may hold something
  // A file below the target's parent that is written after all others, published with them and
  // taken back with them; empty for none.
  std::string beside;
};

// The folder <target>.converting/out takes the files and Publish makes it <target>; a target that
// is there already, and one with a file beside it, gets them from <target>/.converting/out. What an
// interrupted run left is removed by the next one. One thread at a time.
class Staging {
 public:
  // Takes back first what an interrupted run published in part. `files` outlives it. AlreadyExists
  // when `target` holds something and may not; Unavailable while another run has it.
  static Result<std::unique_ptr<Staging>> Begin(FileSystem& files, const std::string& target,
                                                const StagingOptions& options);
  // Removes what was not published, best effort.
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  const std::string& folder() const { return out_; }
  const std::string& target() const { return target_; }

  // By one rename. Into a target that is there already, a mount point perhaps, by one of each file,
  // or of each folder in which nothing makes other files visible. Those come last that do: shard
  // 0's labels, stream.pb, then meta.pb and the converter mark, then the file beside with the bytes
  // given. A journal stands meanwhile (see publish_journal.h); its removal is what ends the
  // publication, and an error before takes it back. AlreadyExists, and nothing done, when the
  // target has a meta.pb, a mark or another stream.pb of the same name, or shards where such are to
  // stand, or holds something and may not.
  Status Publish(std::string_view beside_bytes = "");

 private:
  Staging(FileSystem& files, std::string target, const StagingOptions& options);
  Result<bool> TargetIsEmpty() const;
  Status CheckTarget() const;
  Status TakeBackLeft();
  Result<PublishJournal> Plan() const;
  Status PlanBelow(const std::string& name, PublishJournal* plan) const;
  Status CheckJoin(const std::vector<PublishJournal::File>& names) const;
  Status PublishWithin(std::string_view beside_bytes);
  Status Move(const PublishJournal& plan, std::string_view beside_bytes);
  Status MoveOne(const std::string& name);
  Status SyncTarget();

  FileSystem& files_;
  const std::string target_;
  const StagingOptions options_;
  const bool there_;         // the target is there already
  const bool within_;        // or is made, to be filled by more than one step
  const std::string aside_;  // holds the lock, the journal and out_
  const std::string out_;
  std::unique_ptr<FileLock> lock_;
  bool journal_stands_ = false;  // and what it tells has to be taken back
};

}  // namespace thermocline
