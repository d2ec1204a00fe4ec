// A body that a route writes piece by piece while the connection sends it.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/status.h"
#include "codec/gzip_stream.h"
#include "server/body_pipe.h"

namespace thermocline {

// One thread. A writer that goes without Finish breaks the body off: the client sees the connection
// end in the middle.
class BodyWriter {
 public:
  // `stop` ends the wait for a client that takes nothing.
  BodyWriter(std::shared_ptr<BodyPipe> pipe, bool gzip, const std::stop_token& stop);
  ~BodyWriter() { pipe_->End(false); }
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;

  // Waits until there is room. Errors: see BodyPipe::Write.
  Status Write(std::string_view text);
  Status Finish();

 private:
  struct DropPipe {
    std::shared_ptr<BodyPipe> pipe;
    void operator()() const { pipe->Drop(); }
  };
  std::shared_ptr<BodyPipe> pipe_;
  std::unique_ptr<GzipStream> gzip_;  // null: as it is
  std::stop_callback<DropPipe> on_stop_;
};

}  // namespace thermocline
