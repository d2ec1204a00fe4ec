// Reads a text file once: lines to samples, samples in order to chunks.
#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

#include "codec/chunk.h"
#include "convert/text_file.h"

namespace thermocline {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kMostLineBytes = 16 << 20;
constexpr size_t kSamplesPerChunk = 120;
// Series texts that are found without being parsed again.
constexpr size_t kMostTexts = 1 << 20;
constexpr uint64_t kLinesPerWatch = 1 << 14;
constexpr size_t kMostExemplars = 8 << 20;

// Lines of a file, without their line feeds.
class LineFile {
 public:
  explicit LineFile(const RandomAccessFile& file) : file_(file) {}

  // False at the end. The view lives until the next call.
  Result<bool> Next(std::string_view* line) {
    while (true) {
      const size_t end = buffer_.find('\n', scanned_);
      if (end != std::string::npos) {
        *line = std::string_view(buffer_).substr(begin_, end - begin_);
        begin_ = scanned_ = end + 1;
        return true;
      }
      scanned_ = buffer_.size();
      if (done_) {
        *line = std::string_view(buffer_).substr(begin_);
        begin_ = scanned_;
        return !line->empty();
      }
      if (buffer_.size() - begin_ > kMostLineBytes) {
        return Status::InvalidArgument(fmt::format("a line of more than {} bytes", kMostLineBytes));
      }
      RETURN_IF_ERROR(More());
    }
  }

 private:
  Status More() {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
    std::string more;
    RETURN_IF_ERROR(file_.Read(offset_, kReadBytes, &more));
    offset_ += more.size();
    done_ = more.size() < kReadBytes;
    buffer_ += more;
    return Status::Ok();
  }

  const RandomAccessFile& file_;
  uint64_t offset_ = 0;
  std::string buffer_;
  size_t begin_ = 0;    // of the line
  size_t scanned_ = 0;  // no line feed before
  bool done_ = false;
};

struct Pending {
  TimestampMs t_ms = 0;
  double value = 0;
  uint32_t series = 0;
  uint32_t line = 0;
};

}  // namespace

class TextFileLoader {
 public:
  TextFileLoader(TextFile* file, const TextFileOptions& options)
      : file_(*file),
        format_(options.format),
        watch_(options.watch),
        most_pending_(std::max<uint64_t>(1024, options.memory_bytes / sizeof(Pending))) {}

  Status Load(const RandomAccessFile& bytes) {
    LineFile lines(bytes);
    std::string_view text;
    while (true) {
      ++line_;
      auto more = lines.Next(&text);
      if (!more.ok()) return At(more.status());
      if (!*more) break;
      if (line_ % kLinesPerWatch == 0 && watch_) RETURN_IF_ERROR(watch_());
      if (ended_) return At(Status::InvalidArgument("text after '# EOF'"));
      if (const Status status = Line(text); !status.ok()) return At(status);
    }
    if (format_ == TextFormat::kOpenMetrics && !ended_) {
      return At(Status::InvalidArgument("the file does not end with '# EOF'"));
    }
    RETURN_IF_ERROR(Flush());
    return file_.spill_->Finish();
  }

 private:
  Status At(const Status& status) const { return At(status, line_); }
  Status At(const Status& status, uint64_t line) const {
    return status.WithContext(fmt::format("{}:{}", file_.path_, line));
  }

  Status Line(std::string_view text) {
    ASSIGN_OR_RETURN(TextLine line, ParseTextLine(text, format_));
    switch (line.kind) {
      case TextLine::Kind::kNothing: return Status::Ok();
      case TextLine::Kind::kEnd: ended_ = true; return Status::Ok();
      case TextLine::Kind::kSample: return Sample(line);
      case TextLine::Kind::kType:
        type_ = line.text;
        MetadataOf(line.family).type = std::move(line.text);
        return Status::Ok();
      case TextLine::Kind::kHelp:
        MetadataOf(line.family).help = std::move(line.text);
        return Status::Ok();
      case TextLine::Kind::kUnit:
        MetadataOf(line.family).unit = std::move(line.text);
        return Status::Ok();
    }
    return Status::Ok();
  }

  BatchMetadata& MetadataOf(const std::string& family) {
    const auto [it, added] = families_.emplace(family, file_.metadata_.size());
    if (added) file_.metadata_.push_back({family, "unknown", "", ""});
    return file_.metadata_[it->second];
  }

  Status Sample(const TextLine& line) {
    if (!line.t_ms.has_value()) {
      return Status::InvalidArgument(fmt::format("a sample without a timestamp: {}", line.series));
    }
    ASSIGN_OR_RETURN(const uint32_t series, SeriesOf(line.series));
    pending_.push_back({*line.t_ms, line.value, series, static_cast<uint32_t>(line_)});
    file_.range_.Extend(*line.t_ms);
    if (line.exemplar.has_value()) {
      if (file_.exemplars_.size() == kMostExemplars) {
        return Status::ResourceExhausted(fmt::format("more than {} exemplars", kMostExemplars));
      }
      ASSIGN_OR_RETURN(Labels labels, ParseSeriesText(line.exemplar->labels, "", true));
      file_.exemplars_.push_back(
          {series,
           {std::move(labels), line.exemplar->t_ms.value_or(*line.t_ms), line.exemplar->value}});
    }
    return pending_.size() < most_pending_ ? Status::Ok() : Flush();
  }

  // What the text stands for depends on the type where bounds are rewritten.
  Result<uint32_t> SeriesOf(std::string_view text) {
    auto& texts = texts_[type_ == "histogram" ? 1 : type_ == "summary" ? 2 : 0];
    key_.assign(text);
    if (const auto it = texts.find(key_); it != texts.end()) return it->second;
    ASSIGN_OR_RETURN(Labels labels, ParseSeriesText(text, type_));
    const auto [it, added] =
        by_labels_.emplace(labels, static_cast<uint32_t>(file_.series_.size()));
    const uint32_t series = it->second;
    if (added) file_.series_.push_back({std::move(labels), {}});
    if (texts.size() >= kMostTexts) texts.clear();
    texts.emplace(key_, series);
    return series;
  }

  // Puts what waits in order and away.
  Status Flush() {
    std::stable_sort(pending_.begin(), pending_.end(), [](const Pending& a, const Pending& b) {
      return std::pair(a.series, a.t_ms) < std::pair(b.series, b.t_ms);
    });
    for (size_t begin = 0; begin < pending_.size();) {
      size_t end = begin;
      while (end < pending_.size() && pending_[end].series == pending_[begin].series) ++end;
      RETURN_IF_ERROR(AddChunks(begin, end));
      begin = end;
    }
    pending_.clear();
    return Status::Ok();
  }

  Status AddChunks(size_t begin, size_t end) {
    columns_.Clear();
    for (size_t i = begin; i < end; ++i) {
      const Pending& sample = pending_[i];
      if (i > begin && pending_[i - 1].t_ms == sample.t_ms) {
        if (std::bit_cast<uint64_t>(pending_[i - 1].value) ==
            std::bit_cast<uint64_t>(sample.value)) {
          continue;
        }
        return At(
            Status::InvalidArgument(fmt::format("another value of {} at {} ms than in line {}",
                                                file_.series_[sample.series].labels.ToString(),
                                                sample.t_ms, pending_[i - 1].line)),
            sample.line);
      }
      columns_.timestamps_ms.push_back(sample.t_ms);
      columns_.values.push_back(sample.value);
    }
    const size_t count = columns_.timestamps_ms.size();
    file_.samples_ += count;
    TextFile::Series& series = file_.series_[pending_[begin].series];
    for (size_t from = 0; from < count; from += kSamplesPerChunk) {
      const size_t to = std::min(count, from + kSamplesPerChunk);
      bytes_.clear();
      RETURN_IF_ERROR(EncodeChunk(ChunkEncoding::kXor, columns_, from, to, &bytes_));
      ASSIGN_OR_RETURN(const uint64_t offset, file_.spill_->Append(bytes_));
      series.chunks.push_back({columns_.timestamps_ms[from], columns_.timestamps_ms[to - 1], offset,
                               static_cast<uint32_t>(bytes_.size())});
    }
    return Status::Ok();
  }

  TextFile& file_;
  const TextFormat format_;
  const std::function<Status()> watch_;
  const size_t most_pending_;
  uint64_t line_ = 0;
  bool ended_ = false;
  std::string type_;  // of the TYPE line before
  std::string key_;
  std::unordered_map<std::string, uint32_t> texts_[3];
  std::unordered_map<Labels, uint32_t> by_labels_;
  std::unordered_map<std::string, size_t> families_;
  std::vector<Pending> pending_;
  SeriesBatch columns_;
  std::string bytes_;
};

Result<std::shared_ptr<TextFile>> TextFile::Open(FileSystem& files, const std::string& path,
                                                 const TextFileOptions& options) {
  ASSIGN_OR_RETURN(const auto bytes, files.OpenForRead(path));
  std::shared_ptr<TextFile> file(new TextFile(
      path, std::make_unique<ChunkSpill>(files, options.scratch, options.memory_bytes)));
  RETURN_IF_ERROR(TextFileLoader(file.get(), options).Load(*bytes));
  return file;
}

}  // namespace thermocline
