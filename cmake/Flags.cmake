# Compiler and linker flags of every target. One place, so that a sanitizer build differs in
# nothing else.
include(CheckPIESupported)
check_pie_supported()
set(TC_SANITIZE "" CACHE STRING "Sanitizers: address,undefined | thread | empty")
option(TC_FUZZ "Build libFuzzer entries (clang only)" OFF)

add_library(tc_flags INTERFACE)
target_include_directories(tc_flags INTERFACE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_BINARY_DIR}/generated")
target_compile_options(tc_flags INTERFACE
  -march=x86-64-v2 -mtune=generic -fvisibility=hidden -fno-fast-math
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers
  -Werror=return-type -Werror=unused-result)
target_compile_definitions(tc_flags INTERFACE _GLIBCXX_ASSERTIONS)
if(TC_SANITIZE)
  target_compile_options(tc_flags INTERFACE -fsanitize=${TC_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(tc_flags INTERFACE -fsanitize=${TC_SANITIZE})
else()
  target_compile_options(tc_flags INTERFACE -fstack-protector-strong)
  target_link_options(tc_flags INTERFACE -Wl,-z,relro,-z,now)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(tc_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
      -fstack-clash-protection -fcf-protection)
  endif()
endif()
if(TC_FUZZ)
  target_compile_options(tc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
find_program(TC_MOLD mold)
if(TC_MOLD AND NOT TC_FUZZ)
  target_link_options(tc_flags INTERFACE -fuse-ld=mold)
endif()
