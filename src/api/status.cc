#include <thermocline/status.h>

#include <utility>

#include "api/bridge.h"

namespace thermocline::api {

struct Status::State {
  Code code;
  std::string message;
};

static_assert(static_cast<int>(Code::kCorruption) ==
              static_cast<int>(thermocline::Code::kCorruption));
static_assert(static_cast<int>(Code::kInternal) == static_cast<int>(thermocline::Code::kInternal));

Status::Status(Code code, std::string message) {
  if (code == Code::kOk) return;
  state_ = std::make_shared<const State>(State{code, std::move(message)});
}

Code Status::code() const { return state_ ? state_->code : Code::kOk; }

std::string_view Status::message() const { return state_ ? std::string_view(state_->message) : ""; }

std::string Status::ToString() const { return ToInner(*this).ToString(); }

Status ToApi(const thermocline::Status& status) {
  return {static_cast<Code>(status.code()), std::string(status.message())};
}

thermocline::Status ToInner(const Status& status) {
  if (status.ok()) return thermocline::Status::Ok();
  return {static_cast<thermocline::Code>(status.code()), std::string(status.message())};
}

}  // namespace thermocline::api
