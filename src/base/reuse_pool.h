// Objects that keep their memory from one use to the next: at most as many as are in use at once.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace thermocline {

// Threads: safe. Outlives its leases.
template <typename T>
class ReusePool {
 public:
  // Gives its object back at its end. The object is as its last user left it.
  class Lease {
   public:
    explicit Lease(ReusePool& pool) : pool_(pool), object_(pool.Take()) {}
    ~Lease() { pool_.Give(std::move(object_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    T& operator*() const { return *object_; }
    T* operator->() const { return object_.get(); }

   private:
    ReusePool& pool_;
    std::unique_ptr<T> object_;
  };

 private:
  std::unique_ptr<T> Take() EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (!free_.empty()) {
        std::unique_ptr<T> object = std::move(free_.back());
        free_.pop_back();
        return object;
      }
    }
    return std::make_unique<T>();
  }
  void Give(std::unique_ptr<T> object) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    free_.push_back(std::move(object));
  }

  Mutex mutex_;
  std::vector<std::unique_ptr<T>> free_ GUARDED_BY(mutex_);
};

}  // namespace thermocline
