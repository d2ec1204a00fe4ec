// An ascending list of series numbers in 16 bytes: up to two inside, more on the heap.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include "base/ids.h"

namespace thermocline {

static_assert(std::is_trivially_copyable_v<SeriesRef> && sizeof(SeriesRef) == 4);

class RefList {
 public:
  RefList() { std::memset(inside_, 0, sizeof(inside_)); }
  ~RefList() { Free(); }
  RefList(RefList&& other) noexcept { Steal(&other); }
  RefList& operator=(RefList&& other) noexcept {
    if (this != &other) {
      Free();
      Steal(&other);
    }
    return *this;
  }

  std::span<const SeriesRef> view() const { return {data(), size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t heap_bytes() const { return capacity_ * sizeof(SeriesRef); }

  // Puts `series`, which must not be there, where the order wants it.
  void Insert(SeriesRef series);
  // Takes out everything that is in `dead` (ascending), and gives memory back when little is left.
  void Remove(std::span<const SeriesRef> dead);

 private:
  static constexpr uint32_t kInside = 2;
  SeriesRef* data() { return capacity_ == 0 ? reinterpret_cast<SeriesRef*>(inside_) : Heap(); }
  const SeriesRef* data() const { return const_cast<RefList*>(this)->data(); }
  SeriesRef* Heap() const {
    SeriesRef* heap;
    std::memcpy(&heap, inside_, sizeof(heap));
    return heap;
  }
  void Reallocate(uint32_t capacity);
  void Free();
  void Steal(RefList* other) {
    std::memcpy(inside_, other->inside_, sizeof(inside_));
    size_ = std::exchange(other->size_, 0);
    capacity_ = std::exchange(other->capacity_, 0);
  }

  alignas(8) unsigned char inside_[8];  // two numbers, or the heap pointer when capacity_ > 0
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace thermocline
