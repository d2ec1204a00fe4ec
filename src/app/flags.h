// The table of flags: one row gives the command line, the environment variable, the key of the
// configuration file, /api/v1/status/flags and the generated reference.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace thermocline {

// Where a value came from; a later source never overrides an earlier one of higher rank.
enum class FlagSource { kDefault = 0, kFile = 1, kEnvironment = 2, kCommandLine = 3 };

struct Flag {
  std::string name;      // "storage.tsdb.path", without dashes
  std::string type;      // "string", "duration", "size", "bool", "int"
  std::string help;      // one sentence
  std::string fallback;  // the default as text
  std::string value;     // the value in force as text
  FlagSource source = FlagSource::kDefault;
  bool is_bool = false;
  bool repeatable = false;
  std::string ignored;  // why it does nothing here; empty: it does something
  std::function<Status(std::string_view)> set;
};

// Holds pointers to the fields that it fills; they must outlive it. Not thread-safe.
class FlagTable {
 public:
  void AddString(std::string name, std::string* target, std::string help);
  void AddStrings(std::string name, std::vector<std::string>* target, std::string help);
  void AddBool(std::string name, bool* target, std::string help);
  void AddInt(std::string name, int64_t* target, std::string help);
  // Prometheus' duration syntax; the field is in milliseconds.
  void AddDuration(std::string name, int64_t* target_ms, std::string help);
  // 512MB, 1GiB, 4096: decimal and binary units are both powers of 1024, as in Prometheus.
  void AddSize(std::string name, uint64_t* target_bytes, std::string help);
  // A value that needs more than parsing: `set` checks and stores it.
  void AddCustom(std::string name, std::string type, std::string fallback,
                 std::function<Status(std::string_view)> set, std::string help);

  // The same for a flag that may stand without a value, which is then "true" (--no-NAME: "false").
  void AddSwitch(std::string name, std::string type, std::string fallback,
                 std::function<Status(std::string_view)> set, std::string help);

  // A flag that other programs' command lines have: taken, and told by Warnings() when it is given.
  // `type` as in Flag, `why` a clause. Not in HelpText, Values and Markdown.
  void AddIgnored(std::string name, std::string type, std::string why);

  // Sets one flag unless a source of higher rank did. InvalidArgument for an unknown name, with the
  // nearest known one, and for a value that does not parse.
  Status Set(std::string_view name, std::string_view value, FlagSource source);

  // `arguments` without program and verb. What is not a flag is returned in order.
  Result<std::vector<std::string>> ParseCommandLine(const std::vector<std::string>& arguments);
  // THERMOCLINE_STORAGE_TSDB_PATH for storage.tsdb.path. Unknown THERMOCLINE_ names are errors, but
  // for those that tests use (THERMOCLINE_SHARED).
  Status ParseEnvironment(const std::vector<std::pair<std::string, std::string>>& environment);

  const std::vector<Flag>& flags() const { return flags_; }
  // Whether the value in force is not the default's.
  bool IsGiven(std::string_view name) const;
  // One sentence per ignored flag that was given.
  std::vector<std::string> Warnings() const;
  // Names and values in force, sorted by name.
  std::vector<std::pair<std::string, std::string>> Values() const;
  std::string HelpText() const;
  // The rows of docs/reference/config.md.
  std::string Markdown() const;
  // The ignored flags as a list.
  std::string IgnoredMarkdown() const;

 private:
  Flag* Find(std::string_view name);
  const Flag* Find(std::string_view name) const;
  Status Unknown(std::string_view name) const;
  Flag& Add(std::string name, std::string type, std::string help, std::string fallback);

  std::vector<Flag> flags_;
};

// Number of single-character edits between two words; what "did you mean" ranks by.
size_t EditDistance(std::string_view a, std::string_view b);

// 1GiB, 512MiB, 4097: the largest unit that needs no fraction.
std::string SizeText(uint64_t bytes);
// 1GiB, 512MB, 4096 to bytes. InvalidArgument with the text.
Result<uint64_t> ParseSizeBytes(std::string_view text);

}  // namespace thermocline
