#include "convert/named_files.h"

#include <algorithm>
#include <utility>

#include "convert/wrapped.h"
#include "model/exemplar.h"

namespace thermocline {
namespace {

bool TellsOfFiles(Code code) {
  switch (code) {
    case Code::kCorruption:
    case Code::kIo:
    case Code::kNotFound:
    case Code::kOutOfRange:
    case Code::kPermissionDenied:
    case Code::kUnimplemented: return true;
    default: return false;
  }
}

class Namer {
 public:
  Namer(FileSystem& files, std::string path) : files_(&files), path_(std::move(path)) {}

  std::string Text(std::string_view message) const { return WithPath(*files_, path_, message); }
  Status operator()(const Status& status) const {
    if (!TellsOfFiles(status.code())) return status;
    return {status.code(), Text(status.message())};
  }
  template <typename Value>
  Result<Value> operator()(Result<Value> result) const {
    if (result.ok()) return result;
    return (*this)(result.status());
  }

 private:
  FileSystem* files_;
  std::string path_;
};

class NamedSet final : public WrappedSeries {
 public:
  NamedSet(std::unique_ptr<SeriesSet> set, Namer name)
      : WrappedSeries(std::move(set)), name_(std::move(name)) {}

  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    return name_(set_->Read(series, out));
  }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override {
    return name_(set_->ReadEncoded(series, out));
  }

 private:
  const Namer name_;
};

class NamedSource final : public WrappedSource {
 public:
  NamedSource(std::unique_ptr<Source> source, Namer name)
      : WrappedSource(std::move(source)), name_(std::move(name)) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    auto set = source_->Select(request);
    if (!set.ok()) return name_(set.status());
    return std::unique_ptr<SeriesSet>(std::make_unique<NamedSet>(*std::move(set), name_));
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return name_(source_->LabelNames(request));
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return name_(source_->LabelValues(name, request));
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override {
    return name_(source_->Metadata(request));
  }
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override {
    return name_(source_->Exemplars(request));
  }
  Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                           int64_t lookback_ms) const override {
    return name_(source_->TryCount(request, at_ms, lookback_ms));
  }
  SourceDamage damage() const override {
    SourceDamage damage = source_->damage();
    for (std::string& message : damage.messages) message = name_.Text(message);
    return damage;
  }

 private:
  const Namer name_;
};

// Whether the path stands in the message as a whole or with a file below it.
bool Names(std::string_view message, std::string_view path) {
  for (size_t at = message.find(path); at != std::string_view::npos;
       at = message.find(path, at + 1)) {
    const std::string_view after = message.substr(at + path.size());
    const bool begins = at == 0 || message[at - 1] == ' ' || message[at - 1] == '\'';
    const bool ends = after.empty() || std::string_view("/: '").find(after[0]) != after.npos;
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace

std::string WithPath(FileSystem& files, const std::string& path, std::string_view message) {
  const std::string_view file = message.substr(0, message.find_first_of(": "));
  // Files of our own data folders stand below "cold".
  for (const std::string_view folder : {std::string_view(), std::string_view("cold")}) {
    if (file.empty() || file.starts_with('/')) break;
    const std::string base = folder.empty() ? path : JoinPath(path, folder);
    const auto info = files.Stat(JoinPath(base, file));
    if (info.ok() && !info->is_directory) return JoinPath(base, message);
  }
  std::string_view bare = path;
  while (bare.size() > 1 && bare.ends_with('/')) bare.remove_suffix(1);
  if (Names(message, bare)) return std::string(message);
  return path + ": " + std::string(message);
}

std::unique_ptr<Source> NameFiles(FileSystem& files, std::string path,
                                  std::unique_ptr<Source> source) {
  return std::make_unique<NamedSource>(std::move(source), Namer(files, std::move(path)));
}

}  // namespace thermocline
