# thermocline_module(NAME DEPS module... [LIBS target...] [TEST_LIBS target...])
# One static library tc_NAME of every *.cc in the folder and its subfolders, and one test binary NAME_test of every *_test.cc.
# LIBS come before DEPS on the link line, so that system libraries stand before Arrow (its wheel bundles copies of some).
# DEPS are other rooms; tools/tidy checks them against tools/layers.txt by reading the includes.
# LIBS come before DEPS on the link line: Arrow's libraries carry a simdjson of their own, and a
# linker that meets it first would bind to it and drop the system's.
function(thermocline_module name)
  cmake_parse_arguments(M "" "" "DEPS;LIBS;TEST_LIBS" ${ARGN})
  file(GLOB_RECURSE _sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  set(_tests ${_sources})
  list(FILTER _sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER _tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM M_DEPS PREPEND "tc_")
  if(_sources)
    add_library(tc_${name} STATIC ${_sources})
    target_link_libraries(tc_${name} PUBLIC tc_flags ${M_LIBS} ${M_DEPS} fmt::fmt Threads::Threads)
  else()
    add_library(tc_${name} INTERFACE)
    target_link_libraries(tc_${name} INTERFACE tc_flags ${M_LIBS} ${M_DEPS} fmt::fmt Threads::Threads)
  endif()
  if(_tests AND NOT TC_FUZZ)
    add_executable(${name}_test ${_tests})
    target_link_libraries(${name}_test PRIVATE tc_${name} ${M_TEST_LIBS} GTest::gmock GTest::gtest_main)
    add_test(NAME ${name}_test COMMAND ${name}_test)
    set_tests_properties(${name}_test PROPERTIES TIMEOUT 600)
  endif()
endfunction()
