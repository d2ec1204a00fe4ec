// Gzip of a text that arrives in pieces, as one member. Whole texts: GzipEncode.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace thermocline {

class GzipStream {
 public:
  // `level` 1 (fast) to 9.
  explicit GzipStream(int level);
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  // Appends to `out` what is ready; the rest stays inside.
  void Write(std::string_view bytes, std::string* out);
  // Appends the rest. Nothing may follow.
  void Finish(std::string* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace thermocline
