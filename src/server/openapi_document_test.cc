#include "server/openapi_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "server/router.h"

namespace thermocline {
namespace {

// "GET /path" of each operation: the keys two and four columns deep below `paths:`.
std::set<std::string> DescribedOperations() {
  std::set<std::string> operations;
  std::string_view text = OpenApiDocument();
  text = text.substr(text.find("\npaths:\n") + 1);
  text = text.substr(0, text.find("\ncomponents:"));
  std::string path;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("  /")) path = line.substr(2, line.size() - 3);
    if (line.size() < 5 || !line.starts_with("    ") || line[4] == ' ') continue;
    std::string method = line.substr(4, line.size() - 5);
    for (char& c : method) c = static_cast<char>(std::toupper(c));
    operations.insert(method + " " + path);
  }
  return operations;
}

std::set<std::string> ServedOperations() {
  std::set<std::string> operations;
  for (const Route* route : AllRoutes()) {
    std::string path(route->path);
    if (const size_t star = path.find('*'); star != path.npos) path.replace(star, 1, "{name}");
    std::string methods(route->methods);
    for (size_t space; (space = methods.find(' ')) != methods.npos; methods.erase(0, space + 1)) {
      operations.insert(methods.substr(0, space) + " " + path);
    }
    operations.insert(methods + " " + path);
  }
  return operations;
}

TEST(OpenApiDocument, DescribesWhatTheRouterServesAndNothingElse) {
  EXPECT_THAT(DescribedOperations(), testing::ContainerEq(ServedOperations()));
  EXPECT_GT(ServedOperations().size(), 40u);
}

TEST(OpenApiDocument, HasTheProgramsVersion) {
  EXPECT_EQ(OpenApiDocument().find('@'), std::string_view::npos);
}

}  // namespace
}  // namespace thermocline
