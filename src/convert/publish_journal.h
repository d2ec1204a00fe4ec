// What a publication that takes several renames changes in its target: written down before the
// first of them, so that an interrupted one is told from a finished one and can be taken back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/file_system.h"

namespace thermocline {

// Of a target that is there already, the folder that takes the files until they are published.
inline constexpr std::string_view kStagingFolder = ".converting";

// Names are relative to the target, except `beside`.
struct PublishJournal {
  struct File {
    std::string name;
    uint64_t size_bytes = 0;
  };
  bool into_empty = false;           // the target held nothing but the staging folder
  std::vector<std::string> folders;  // made, parents first
  std::vector<std::string> trees;    // folders that are moved whole
  std::vector<File> files;           // moved, in this order
  std::vector<std::string> beside;   // files written below the target's parent, after all others
};

std::string EncodeJournal(const PublishJournal& journal);
// Corruption, with `path` in the message, for anything that EncodeJournal does not write, names
// that lead out of the target among them.
Result<PublishJournal> ParseJournal(std::string_view text, const std::string& path);

Result<PublishJournal> ReadJournal(FileSystem& files, const std::string& target);

// The journal's path: it stands while the publication goes on, and after an interrupted one.
std::string JournalPath(const std::string& target);
// False when there is none, also when there is no target. Other errors are returned.
Result<bool> HasJournal(FileSystem& files, const std::string& target);
// Unavailable, in one line that says what to do, while the publication into the folder `target` is
// not complete: what is there may look finished. Called before such a folder is read.
Status CheckPublished(FileSystem& files, const std::string& target);

// Takes back what the journal tells of `target`, and removes the journal last; after an error or a
// power cut at any point it can be called again. What the staging folder still has was not moved,
// and a file of another size is not the one that was: such files stay. AlreadyExists, and nothing
// done, when a target that was empty now holds something else, which may rest on what was
// published.
Status TakeBack(FileSystem& files, const std::string& target, const PublishJournal& journal);

// Removes a folder with all that is in it.
Status RemoveTree(FileSystem& files, const std::string& path);

}  // namespace thermocline
