#include "model/metadata.h"

#include <algorithm>

namespace thermocline {
namespace {

bool Same(const BatchMetadata& a, const BatchMetadata& b) {
  return a.family == b.family && a.type == b.type && a.help == b.help && a.unit == b.unit;
}

}  // namespace

void PutInOrder(const MetadataRequest& request, std::vector<BatchMetadata>* all) {
  std::stable_sort(all->begin(), all->end(), [](const BatchMetadata& a, const BatchMetadata& b) {
    return a.family < b.family;
  });
  std::vector<BatchMetadata> out;
  size_t families = 0;
  size_t first = 0;  // of the family, in `out`
  for (BatchMetadata& entry : *all) {
    if (!request.family.empty() && entry.family != request.family) continue;
    if (out.empty() || out.back().family != entry.family) {
      if (request.limit != 0 && families == request.limit) break;
      ++families;
      first = out.size();
    }
    const auto begin = out.begin() + static_cast<ptrdiff_t>(first);
    const bool known = std::any_of(begin, out.end(),
                                   [&](const BatchMetadata& other) { return Same(entry, other); });
    const bool full =
        request.limit_per_family != 0 && out.size() - first == request.limit_per_family;
    if (!known && !full) out.push_back(std::move(entry));
  }
  *all = std::move(out);
}

}  // namespace thermocline
