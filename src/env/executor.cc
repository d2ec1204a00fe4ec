#include "env/executor.h"

#include <algorithm>
#include <memory>

#include "base/mutex.h"

namespace thermocline {
namespace {

// Shared with the queued tasks, which may start after ParallelFor has returned: they take an index
// before they touch `work`, and then there is none left.
struct Progress {
  Mutex mutex;
  CondVar idle;
  size_t next GUARDED_BY(mutex) = 0;
  size_t running GUARDED_BY(mutex) = 0;
  size_t first_error_at GUARDED_BY(mutex) = 0;
  Status first_error GUARDED_BY(mutex);
};

bool TakeIndex(Progress& progress, size_t count, size_t* index) {
  MutexLock lock(progress.mutex);
  if (progress.next >= count || !progress.first_error.ok()) return false;
  *index = progress.next++;
  ++progress.running;
  return true;
}

void Finish(Progress& progress, size_t index, Status status) {
  MutexLock lock(progress.mutex);
  --progress.running;
  if (!status.ok() && (progress.first_error.ok() || index < progress.first_error_at)) {
    progress.first_error = std::move(status);
    progress.first_error_at = index;
  }
  if (progress.running == 0) progress.idle.NotifyAll();
}

void Drain(Progress& progress, size_t count, const std::function<Status(size_t)>& work) {
  size_t index = 0;
  while (TakeIndex(progress, count, &index)) Finish(progress, index, work(index));
}

}  // namespace

Status ParallelFor(Executor& executor, size_t count, const std::function<Status(size_t)>& work) {
  const size_t workers = std::min<size_t>(count, static_cast<size_t>(executor.parallelism()));
  if (workers <= 1) {
    for (size_t i = 0; i < count; ++i) RETURN_IF_ERROR(work(i));
    return {};
  }
  auto progress = std::make_shared<Progress>();
  for (size_t i = 1; i < workers; ++i) {
    // A full queue only means less help.
    if (!executor.Submit([progress, count, &work] { Drain(*progress, count, work); }).ok()) break;
  }
  Drain(*progress, count, work);
  MutexLock lock(progress->mutex);
  while (progress->running > 0) progress->idle.Wait(progress->mutex);
  return progress->first_error;
}

}  // namespace thermocline
