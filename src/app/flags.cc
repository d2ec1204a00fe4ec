#include "app/flags.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>

#include "base/duration.h"

namespace thermocline {
namespace {

constexpr std::string_view kEnvironmentPrefix = "THERMOCLINE_";
constexpr std::string_view kTestVariables[] = {"THERMOCLINE_SHARED"};

Result<int64_t> ParseInt(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Status::InvalidArgument(fmt::format("expected a whole number, found '{}'", text));
  }
  return value;
}

Result<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off") return false;
  return Status::InvalidArgument(fmt::format("expected true or false, found '{}'", text));
}

std::string EnvironmentName(std::string_view flag) {
  std::string name(kEnvironmentPrefix);
  for (const char c : flag) {
    name += (c == '.' || c == '-') ? '_' : static_cast<char>(std::toupper(c));
  }
  return name;
}

}  // namespace

std::string SizeText(uint64_t bytes) {
  const std::pair<uint64_t, const char*> units[] = {
      {1ull << 40, "TiB"}, {1ull << 30, "GiB"}, {1ull << 20, "MiB"}, {1ull << 10, "KiB"}};
  for (const auto& [unit, name] : units) {
    if (bytes >= unit && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, name);
  }
  return std::to_string(bytes);
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

Result<uint64_t> ParseSizeBytes(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const std::pair<std::string_view, int> units[] = {
      {"", 0},    {"B", 0},    {"KB", 10}, {"KiB", 10}, {"MB", 20}, {"MiB", 20},
      {"GB", 30}, {"GiB", 30}, {"TB", 40}, {"TiB", 40}, {"PB", 50}, {"PiB", 50}};
  for (const auto& [name, shift] : units) {
    if (error == std::errc() && unit == name && value <= (UINT64_MAX >> shift)) {
      return value << shift;
    }
  }
  return Status::InvalidArgument(fmt::format("expected a size such as 512MiB, found '{}'", text));
}

Flag& FlagTable::Add(std::string name, std::string type, std::string help, std::string fallback) {
  Flag flag;
  flag.name = std::move(name);
  flag.type = std::move(type);
  flag.help = std::move(help);
  flag.fallback = fallback;
  flag.value = std::move(fallback);
  flags_.push_back(std::move(flag));
  return flags_.back();
}

void FlagTable::AddString(std::string name, std::string* target, std::string help) {
  Add(std::move(name), "string", std::move(help), *target).set = [target](std::string_view text) {
    *target = text;
    return Status::Ok();
  };
}

void FlagTable::AddStrings(std::string name, std::vector<std::string>* target, std::string help) {
  std::string fallback;
  for (const std::string& item : *target) fallback += (fallback.empty() ? "" : ",") + item;
  Flag& flag = Add(std::move(name), "string", std::move(help), std::move(fallback));
  flag.repeatable = true;
  flag.set = [target, first = true](std::string_view text) mutable {
    if (std::exchange(first, false)) target->clear();
    target->emplace_back(text);
    return Status::Ok();
  };
}

void FlagTable::AddBool(std::string name, bool* target, std::string help) {
  Flag& flag = Add(std::move(name), "bool", std::move(help), *target ? "true" : "false");
  flag.is_bool = true;
  flag.set = [target](std::string_view text) -> Status {
    ASSIGN_OR_RETURN(*target, ParseBool(text));
    return Status::Ok();
  };
}

void FlagTable::AddInt(std::string name, int64_t* target, std::string help) {
  Add(std::move(name), "int", std::move(help), std::to_string(*target)).set =
      [target](std::string_view text) -> Status {
    ASSIGN_OR_RETURN(*target, ParseInt(text));
    return Status::Ok();
  };
}

void FlagTable::AddDuration(std::string name, int64_t* target_ms, std::string help) {
  Add(std::move(name), "duration", std::move(help), FormatDurationMs(*target_ms)).set =
      [target_ms](std::string_view text) -> Status {
    ASSIGN_OR_RETURN(*target_ms, ParseDurationMs(text));
    return Status::Ok();
  };
}

void FlagTable::AddSize(std::string name, uint64_t* target_bytes, std::string help) {
  Add(std::move(name), "size", std::move(help), SizeText(*target_bytes)).set =
      [target_bytes](std::string_view text) -> Status {
    ASSIGN_OR_RETURN(*target_bytes, ParseSizeBytes(text));
    return Status::Ok();
  };
}

void FlagTable::AddCustom(std::string name, std::string type, std::string fallback,
                          std::function<Status(std::string_view)> set, std::string help) {
  Add(std::move(name), std::move(type), std::move(help), std::move(fallback)).set = std::move(set);
}

Flag* FlagTable::Find(std::string_view name) {
  const auto at = std::ranges::find(flags_, name, &Flag::name);
  return at == flags_.end() ? nullptr : &*at;
}

const Flag* FlagTable::Find(std::string_view name) const {
  const auto at = std::ranges::find(flags_, name, &Flag::name);
  return at == flags_.end() ? nullptr : &*at;
}

void FlagTable::AddSwitch(std::string name, std::string type, std::string fallback,
                          std::function<Status(std::string_view)> set, std::string help) {
  Flag& flag = Add(std::move(name), std::move(type), std::move(help), std::move(fallback));
  flag.is_bool = true;
  flag.set = std::move(set);
}

void FlagTable::AddIgnored(std::string name, std::string type, std::string why) {
  const bool is_bool = type == "bool";
  Flag& flag = Add(std::move(name), std::move(type), "", "");
  flag.is_bool = is_bool;
  flag.repeatable = true;
  flag.ignored = std::move(why);
  flag.set = [](std::string_view) { return Status::Ok(); };
}

bool FlagTable::IsGiven(std::string_view name) const {
  const Flag* const flag = Find(name);
  return flag != nullptr && flag->source != FlagSource::kDefault;
}

std::vector<std::string> FlagTable::Warnings() const {
  std::vector<std::string> warnings;
  for (const Flag& flag : flags_) {
    if (flag.ignored.empty() || flag.source == FlagSource::kDefault) continue;
    warnings.push_back(fmt::format("--{} does nothing here: {}", flag.name, flag.ignored));
  }
  return warnings;
}

Status FlagTable::Unknown(std::string_view name) const {
  const Flag* nearest = nullptr;
  size_t best = std::max<size_t>(3, name.size() / 3) + 1;
  for (const Flag& flag : flags_) {
    if (!flag.ignored.empty()) continue;
    if (const size_t d = EditDistance(name, flag.name); d < best) {
      best = d;
      nearest = &flag;
    }
  }
  return Status::InvalidArgument(
      nearest == nullptr
          ? fmt::format("unknown flag --{}", name)
          : fmt::format("unknown flag --{}, did you mean --{}?", name, nearest->name));
}

Status FlagTable::Set(std::string_view name, std::string_view value, FlagSource source) {
  Flag* flag = Find(name);
  if (flag == nullptr) return Unknown(name);
  if (flag->source > source) return Status::Ok();
  if (flag->source == source && source == FlagSource::kCommandLine && !flag->repeatable) {
    return Status::InvalidArgument(fmt::format("--{} is given twice", name));
  }
  RETURN_IF_ERROR(flag->set(value).WithContext("--" + std::string(name)));
  const bool appends = flag->repeatable && flag->source == source;
  flag->value = appends ? flag->value + "," + std::string(value) : std::string(value);
  flag->source = source;
  return Status::Ok();
}

Result<std::vector<std::string>> FlagTable::ParseCommandLine(
    const std::vector<std::string>& arguments) {
  std::vector<std::string> rest;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      rest.insert(rest.end(), arguments.begin() + static_cast<ptrdiff_t>(i) + 1, arguments.end());
      break;
    }
    if (!argument.starts_with("--")) {
      rest.push_back(argument);
      continue;
    }
    const size_t equals = argument.find('=');
    std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    std::string value;
    Flag* flag = Find(name);
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (flag == nullptr && name.starts_with("no-") && Find(name.substr(3)) != nullptr &&
               Find(name.substr(3))->is_bool) {
      name = name.substr(3);
      value = "false";
    } else if (flag == nullptr || flag->is_bool) {
      value = "true";
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return Status::InvalidArgument(fmt::format("--{} needs a value", name));
    }
    RETURN_IF_ERROR(Set(name, value, FlagSource::kCommandLine));
  }
  return rest;
}

Status FlagTable::ParseEnvironment(
    const std::vector<std::pair<std::string, std::string>>& environment) {
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kEnvironmentPrefix)) continue;
    if (std::ranges::find(kTestVariables, name) != std::end(kTestVariables)) continue;
    const auto at = std::ranges::find(flags_, name,
                                      [](const Flag& flag) { return EnvironmentName(flag.name); });
    if (at == flags_.end()) {
      return Status::InvalidArgument(fmt::format("unknown environment variable {}", name));
    }
    RETURN_IF_ERROR(Set(at->name, value, FlagSource::kEnvironment).WithContext(name));
  }
  return Status::Ok();
}

std::vector<std::pair<std::string, std::string>> FlagTable::Values() const {
  std::vector<std::pair<std::string, std::string>> values;
  for (const Flag& flag : flags_) {
    if (flag.ignored.empty()) values.emplace_back(flag.name, flag.value);
  }
  std::ranges::sort(values);
  return values;
}

std::string FlagTable::HelpText() const {
  std::string text;
  for (const Flag& flag : flags_) {
    if (!flag.ignored.empty()) continue;
    text += fmt::format("  --{}{}\n        {}", flag.name,
                        flag.is_bool ? "" : fmt::format("=<{}>", flag.type), flag.help);
    if (!flag.fallback.empty()) text += fmt::format(" Default: {}.", flag.fallback);
    text += '\n';
  }
  return text;
}

std::string FlagTable::Markdown() const {
  std::string text = "| flag | environment | type | default | meaning |\n|---|---|---|---|---|\n";
  for (const Flag& flag : flags_) {
    if (!flag.ignored.empty()) continue;
    text +=
        fmt::format("| `--{}` | `{}` | {} | {} | {} |\n", flag.name, EnvironmentName(flag.name),
                    flag.type, flag.fallback.empty() ? "" : "`" + flag.fallback + "`", flag.help);
  }
  return text;
}

std::string FlagTable::IgnoredMarkdown() const {
  std::string text;
  for (const Flag& flag : flags_) {
    if (!flag.ignored.empty()) text += fmt::format("- `--{}`: {}\n", flag.name, flag.ignored);
  }
  return text;
}

}  // namespace thermocline
