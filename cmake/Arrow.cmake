# Arrow and Parquet C++: the system's packages when they are new enough, else the unzipped pyarrow wheel whose foreign symbols
# tools/hide_wheel_symbols.py has hidden. Targets Arrow::arrow_shared and Parquet::parquet_shared either way.
set(WITH_ARROW "auto" CACHE STRING "auto | system | wheel")
set(ARROW_WHEEL_DIR "$ENV{HOME}/.cache/thermocline/arrow/pyarrow" CACHE PATH
  "pyarrow/ folder of an unzipped, symbol-hidden wheel")
set(TC_ARROW_ORIGIN "")
if(NOT WITH_ARROW STREQUAL "wheel")
  find_package(Arrow CONFIG QUIET)
  if(Arrow_FOUND)
    find_package(Parquet CONFIG QUIET)
    if(TARGET Parquet::parquet_shared)
      set(TC_ARROW_ORIGIN "system")
      set(TC_ARROW_VERSION "${Arrow_VERSION}")
    endif()
  endif()
endif()
if(NOT TC_ARROW_ORIGIN AND NOT WITH_ARROW STREQUAL "system"
   AND EXISTS "${ARROW_WHEEL_DIR}/include/arrow/util/config.h")
  file(STRINGS "${ARROW_WHEEL_DIR}/include/arrow/util/config.h" _config
    REGEX "#define ARROW_(VERSION_STRING|SO_VERSION) ")
  string(REGEX REPLACE ".*VERSION_STRING \"([0-9.]+)\".*" "\\1" TC_ARROW_VERSION "${_config}")
  string(REGEX REPLACE ".*SO_VERSION \"([0-9]+)\".*" "\\1" _so_version "${_config}")
  function(_tc_wheel_library target library)
    set(_file "${ARROW_WHEEL_DIR}/lib${library}.so.${_so_version}")
    if(NOT EXISTS "${_file}")
      message(FATAL_ERROR "The Arrow wheel lacks lib${library}.so.${_so_version}")
    endif()
    add_library(${target} SHARED IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES
      IMPORTED_LOCATION "${_file}" IMPORTED_SONAME "lib${library}.so.${_so_version}"
      INTERFACE_INCLUDE_DIRECTORIES "${ARROW_WHEEL_DIR}/include"
      INTERFACE_LINK_LIBRARIES "${ARGN}")
  endfunction()
  _tc_wheel_library(Arrow::arrow_shared arrow)
  _tc_wheel_library(Parquet::parquet_shared parquet Arrow::arrow_shared)
  set(TC_ARROW_ORIGIN "wheel")
endif()
if(NOT TC_ARROW_ORIGIN)
  message(FATAL_ERROR "No Arrow C++ found: run ./dev setup, or give -DARROW_WHEEL_DIR=...")
elseif(TC_ARROW_VERSION VERSION_LESS 24)
  message(FATAL_ERROR "Arrow ${TC_ARROW_VERSION} is too old: 24 or newer is needed")
endif()
