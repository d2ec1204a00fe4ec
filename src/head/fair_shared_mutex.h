// A shared mutex whose writers are not starved. The system's lets readers in as long as any reader
// is inside, and queries that list series overlap without end.
#pragma once

#include "base/mutex.h"

namespace thermocline {

// Whoever comes passes the turnstile; a writer holds it until the readers before it have left. A
// thread must not lock it twice, not even shared.
class CAPABILITY("shared mutex") FairSharedMutex {
 public:
  void Lock() ACQUIRE() {
    MutexLock turn(turnstile_);
    mutex_.Lock();
  }
  void Unlock() RELEASE() { mutex_.Unlock(); }
  void LockShared() ACQUIRE_SHARED() {
    MutexLock turn(turnstile_);
    mutex_.LockShared();
  }
  void UnlockShared() RELEASE_SHARED() { mutex_.UnlockShared(); }

 private:
  Mutex turnstile_;
  SharedMutex mutex_;
};

class SCOPED_CAPABILITY FairWriteLock {
 public:
  explicit FairWriteLock(FairSharedMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~FairWriteLock() RELEASE() { mutex_.Unlock(); }
  FairWriteLock(const FairWriteLock&) = delete;
  FairWriteLock& operator=(const FairWriteLock&) = delete;

 private:
  FairSharedMutex& mutex_;
};

class SCOPED_CAPABILITY FairReadLock {
 public:
  explicit FairReadLock(FairSharedMutex& mutex) ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.LockShared();
  }
  ~FairReadLock() RELEASE_GENERIC() { mutex_.UnlockShared(); }
  FairReadLock(const FairReadLock&) = delete;
  FairReadLock& operator=(const FairReadLock&) = delete;

 private:
  FairSharedMutex& mutex_;
};

}  // namespace thermocline
