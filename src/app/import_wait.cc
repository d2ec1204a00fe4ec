#include "app/import_wait.h"

#include <fmt/core.h>

#include <cstdio>
#include <utility>

#include "base/ids.h"

namespace thermocline {
namespace {

constexpr int64_t kPollMs = 100;
// After so long without a sign of it, the person is told that the server is waited for.
constexpr int64_t kSilenceMs = 10'000;
// A withdrawn import ends within a read.
constexpr int64_t kWithdrawMs = 60'000;

class Waiting {
 public:
  Waiting(const Env& env, const std::string& data)
      : env_(env),
        folder_(ImportFolder(data)),
        id_(BlockId::Make(env.clock.NowMs(), static_cast<uint16_t>(env.random.Next()),
                          env.random.Next())
                .ToString()) {}

  Status Ask(const ImportJob& job) {
    RETURN_IF_ERROR(env_.files.CreateDirectories(folder_));
    return env_.files.WriteFileAtomically(PathOf(kRequestSuffix), EncodeImportJob(job));
  }

  Result<ImportReport> Wait(StopSignals& signals,
                            const std::function<void(const ConvertProgress&)>& show) {
    int64_t silent_ms = 0;
    bool told = false;
    std::string last;
    while (!signals.WaitFor(kPollMs)) {
      // The request goes after the outcome is there.
      if (!env_.files.Exists(PathOf(kRequestSuffix)) && env_.files.Exists(PathOf(kDoneSuffix))) {
        return Fetch();
      }
      const auto progress = env_.files.ReadFile(PathOf(kProgressSuffix));
      if (progress.ok() && *progress != last) {
        silent_ms = 0;
        last = *progress;
        if (const auto now = DecodeImportProgress(*progress); now.ok()) show(*now);
        continue;
      }
      silent_ms += kPollMs;
      if (silent_ms < kSilenceMs || told) continue;
      told = true;
      fmt::print(stderr,
                 "thermocline: waiting for the server to take up the import; a stopped one does so "
                 "when it starts again, an interrupt withdraws it\n");
    }
    return Withdraw(signals);
  }

 private:
  std::string PathOf(std::string_view suffix) const {
    return JoinPath(folder_, id_ + std::string(suffix));
  }

  Result<ImportReport> Fetch() {
    ASSIGN_OR_RETURN(const std::string text, env_.files.ReadFile(PathOf(kDoneSuffix)));
    static_cast<void>(env_.files.RemoveFile(PathOf(kDoneSuffix)));  // it goes in a day anyway
    return DecodeImportReport(text);
  }

  Result<ImportReport> Withdraw(StopSignals& signals) {
    const Status removed = env_.files.RemoveFile(PathOf(kRequestSuffix));
    if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
    RETURN_IF_ERROR(env_.files.SyncDirectory(folder_));
    for (int64_t waited_ms = 0; waited_ms < kWithdrawMs; waited_ms += kPollMs) {
      if (env_.files.Exists(PathOf(kDoneSuffix))) return Fetch();
      if (!env_.files.Exists(PathOf(kProgressSuffix)) &&
          !env_.files.Exists(PathOf(kPublishingSuffix))) {
        break;
      }
      signals.Pause(kPollMs);
    }
    return Status::Cancelled("stopped; nothing was imported");
  }

  const Env env_;
  const std::string folder_;
  const std::string id_;
};

}  // namespace

Result<ImportReport> AskServer(const Env& env, const std::string& data, const ImportJob& job,
                               StopSignals& signals,
                               const std::function<void(const ConvertProgress&)>& show) {
  Waiting waiting(env, data);
  RETURN_IF_ERROR(waiting.Ask(job));
  return waiting.Wait(signals, show);
}

}  // namespace thermocline
