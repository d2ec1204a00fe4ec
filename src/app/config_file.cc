#include "app/config_file.h"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <set>

namespace thermocline {
namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 64;

class Applier {
 public:
  Applier(std::string_view file_name, FlagTable* flags) : file_name_(file_name), flags_(flags) {}

  Status Visit(const YAML::Node& node, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) return At(node, prefix, "nested too deeply");
    switch (node.Type()) {
      case YAML::NodeType::Map: return VisitMap(node, prefix, depth);
      case YAML::NodeType::Sequence: return VisitList(node, prefix);
      case YAML::NodeType::Scalar: return SetFlag(node, prefix);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        return prefix.empty() ? Status::Ok() : At(node, prefix, "has no value");
    }
    return {};
  }

 private:
  Status VisitMap(const YAML::Node& node, const std::string& prefix, int depth) {
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return At(entry.first, prefix, "a key must be a word");
      const std::string& word = entry.first.Scalar();
      const std::string key = prefix.empty() ? word : prefix + "." + word;
      if (!seen.insert(word).second) return At(entry.first, key, "is given twice");
      RETURN_IF_ERROR(Visit(entry.second, key, depth + 1));
    }
    return {};
  }

  Status VisitList(const YAML::Node& node, const std::string& key) {
    for (const auto& item : node) {
      if (!item.IsScalar()) return At(item, key, "a list may hold plain values only");
      RETURN_IF_ERROR(SetFlag(item, key));
    }
    return {};
  }

  Status SetFlag(const YAML::Node& node, const std::string& key) {
    if (key.empty()) return At(node, key, "expected a mapping of settings");
    const Status status = flags_->Set(key, node.Scalar(), FlagSource::kFile);
    return status.ok() ? Status::Ok() : At(node, key, status.message());
  }

  Status At(const YAML::Node& node, const std::string& key, std::string_view what) const {
    const YAML::Mark mark = node.Mark();
    return Status::InvalidArgument(fmt::format("{}:{}:{}: {}{}{}", file_name_, mark.line + 1,
                                               mark.column + 1, key, key.empty() ? "" : ": ",
                                               what));
  }

  std::string file_name_;
  FlagTable* flags_;
};

// Aliases could expand without end, and nothing here needs them.
bool HasAlias(std::string_view yaml) {
  bool at_value = true;
  for (const char c : yaml) {
    if (c == '*' && at_value) return true;
    if (c == ' ' || c == '\t') continue;
    at_value = c == ':' || c == '-' || c == '\n' || c == '[' || c == ',' || c == '{';
  }
  return false;
}

}  // namespace

Status ApplyConfigFile(std::string_view file_name, std::string_view yaml, FlagTable* flags) {
  if (yaml.size() > kMaxBytes) {
    return Status::InvalidArgument(fmt::format("{}: larger than 1 MiB", file_name));
  }
  if (HasAlias(yaml)) {
    return Status::InvalidArgument(fmt::format("{}: aliases (*name) are not allowed", file_name));
  }
  // yaml-cpp throws on malformed input: this is its wall.
  try {
    return Applier(file_name, flags).Visit(YAML::Load(std::string(yaml)), "", 0);
  } catch (const YAML::Exception& error) {
    return Status::InvalidArgument(fmt::format("{}:{}:{}: {}", file_name, error.mark.line + 1,
                                               error.mark.column + 1, error.msg));
  }
}

}  // namespace thermocline
