#include "env/background_thread.h"

#include <pthread.h>

namespace thermocline {

BackgroundThread::BackgroundThread(const std::string& name, std::function<void()> body)
    : thread_(std::move(body)) {
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

BackgroundThread::~BackgroundThread() { thread_.join(); }

}  // namespace thermocline
