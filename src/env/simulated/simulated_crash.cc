// What a power cut leaves: the durable part, and of the rest what the seed decides.
#include <algorithm>
#include <utility>

#include "env/simulated/seeded_random.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline {
namespace {

constexpr uint64_t kSectorBytes = 512;

}  // namespace

void SimulatedFileSystem::ApplySurvivors(uint64_t seed, Node* node) {
  SeededRandom random(seed);
  enum class Outcome { kNothing, kEverything, kTornPrefix, kSectors };
  const auto outcome = static_cast<Outcome>(random.Below(4));
  const size_t count = node->unsynced.size();
  const uint64_t whole = outcome == Outcome::kNothing      ? 0
                         : outcome == Outcome::kEverything ? count
                         : count == 0                      ? 0
                                                           : random.Below(count + 1);
  for (size_t i = 0; i < count; ++i) {
    const Write& write = node->unsynced[i];
    if (outcome != Outcome::kSectors) {
      if (i < whole) {
        Apply(write, &node->synced);
      } else if (i == whole && outcome == Outcome::kTornPrefix &&
                 write.kind == Write::Kind::kBytes) {
        // The tear lies on a sector boundary of the file, not of the write.
        const uint64_t end = write.offset + write.bytes.size();
        const uint64_t tear =
            (write.offset + random.Below(write.bytes.size() + 1)) / kSectorBytes * kSectorBytes;
        if (tear > write.offset && tear <= end) {
          Apply({write.kind, write.offset, write.bytes.substr(0, tear - write.offset), false},
                &node->synced);
        }
      }
      continue;
    }
    if (write.kind != Write::Kind::kBytes) {
      if (random.Below(2) == 0) Apply(write, &node->synced);
      continue;
    }
    for (uint64_t at = 0; at < write.bytes.size();) {
      const uint64_t to_boundary = kSectorBytes - (write.offset + at) % kSectorBytes;
      const uint64_t size = std::min<uint64_t>(to_boundary, write.bytes.size() - at);
      if (random.Below(2) == 0) {
        Apply({write.kind, write.offset + at, write.bytes.substr(at, size), false}, &node->synced);
      }
      at += size;
    }
  }
  node->unsynced.clear();
  node->content = node->synced;
}

void SimulatedFileSystem::Crash(uint64_t seed) {
  MutexLock lock(mutex_);
  SeededRandom random(seed);
  ++generation_;
  locks_.clear();
  power_cut_at_ = UINT64_MAX;
  const uint64_t outcome = random.Below(3);  // no name change happened, all did, or any subset
  for (const NameChange& change : unsynced_names_) {
    const bool happened = outcome == 1 || (outcome == 2 && random.Below(2) == 0);
    if (!happened) continue;
    for (const auto& [path, node] : change.names) {
      if (node) {
        durable_names_[path] = node;
      } else {
        durable_names_.erase(path);
      }
    }
  }
  unsynced_names_.clear();
  names_.clear();
  // Ascending order: a directory comes before what is in it, and what lost its directory is gone.
  for (const auto& [path, node] : durable_names_) {
    if (!CheckParent(path).ok()) continue;
    names_[path] = node;
  }
  durable_names_ = names_;
  for (auto& [path, node] : names_) {
    if (!node->is_directory) ApplySurvivors(random.Next(), node.get());
  }
}

SimulatedFileSystem::Image SimulatedFileSystem::TakeImage() const {
  MutexLock lock(mutex_);
  Image image;
  for (const auto& [path, node] : names_) {
    if (!node->is_directory) image[path] = node->content;
  }
  return image;
}

void SimulatedFileSystem::Put(const std::string& path, std::string_view content) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string parent = path.substr(0, end);
    NodePtr& node = names_[parent];
    if (!node) {
      node = std::make_shared<Node>();
      node->is_directory = true;
    }
    durable_names_[parent] = node;
  }
  auto node = std::make_shared<Node>();
  node->modified_ms = NowMs();
  node->content = content;
  node->synced = content;
  names_[path] = node;
  durable_names_[path] = std::move(node);
}

void SimulatedFileSystem::LoadImage(const Image& image) {
  MutexLock lock(mutex_);
  ++generation_;
  locks_.clear();
  names_.clear();
  durable_names_.clear();
  unsynced_names_.clear();
  for (const auto& [path, content] : image) Put(path, content);
}

void SimulatedFileSystem::PutFile(const std::string& path, std::string_view content) {
  MutexLock lock(mutex_);
  Put(Normal(path), content);
}

}  // namespace thermocline
