// The only way to own a thread outside a pool: joined when its owner goes.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace thermocline {

// Runs `body` until it returns. The owner tells `body` to end before the destructor joins it. An
// exception that leaves `body` ends the process.
class BackgroundThread {
 public:
  // `name` shows up in ps and gdb; 15 characters at most are kept.
  BackgroundThread(const std::string& name, std::function<void()> body);
  ~BackgroundThread();
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

 private:
  std::thread thread_;
};

}  // namespace thermocline
