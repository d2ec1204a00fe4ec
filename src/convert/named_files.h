// A source whose errors and damage name files as whoever gave its path finds them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "convert/source.h"
#include "env/file_system.h"

namespace thermocline {

// `message` with the path before it: joined to the file below `path` that it begins with, or else
// as context; unchanged when it names `path` already.
std::string WithPath(FileSystem& files, const std::string& path, std::string_view message);

// `files` outlives the source. Errors that tell of files and the messages of damage() say where in
// `path` that is; others, as of a limit or a selector, stay as they are.
std::unique_ptr<Source> NameFiles(FileSystem& files, std::string path,
                                  std::unique_ptr<Source> source);

}  // namespace thermocline
