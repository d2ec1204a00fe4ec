# cmake --install: the program, libthermocline.so with its headers and the CMake package Thermocline.
# Components: runtime (what runs) and development (what compiles against it). The tree may be moved:
# each file finds the next by $ORIGIN. Libraries that no system package provides lie in
# <libdir>/thermocline, out of other programs' sight.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_private "${CMAKE_INSTALL_LIBDIR}/thermocline")
file(RELATIVE_PATH _from_bin "/x/${CMAKE_INSTALL_BINDIR}" "/x/${_private}")
set_target_properties(thermocline PROPERTIES INSTALL_RPATH "$ORIGIN/${_from_bin}")
set_target_properties(thermocline_shared PROPERTIES INSTALL_RPATH "$ORIGIN/thermocline")

install(TARGETS thermocline RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
install(TARGETS thermocline_shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  COMPONENT runtime NAMELINK_COMPONENT development)
set(TC_PRIVATE_LIBRARIES "")
if(TC_ARROW_ORIGIN STREQUAL "wheel")
  install(IMPORTED_RUNTIME_ARTIFACTS Arrow::arrow_shared Parquet::parquet_shared
    LIBRARY DESTINATION "${_private}" COMPONENT runtime)
  foreach(_library Arrow::arrow_shared Parquet::parquet_shared)
    get_target_property(_soname ${_library} IMPORTED_SONAME)
    list(APPEND TC_PRIVATE_LIBRARIES "${_soname}")
  endforeach()
  file(GLOB _notices "${ARROW_WHEEL_DIR}/../pyarrow-*.dist-info/licenses/*.txt")
  install(FILES ${_notices} DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/thermocline/arrow" COMPONENT runtime)
endif()
install(FILES README.md LICENSE CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/thermocline" COMPONENT runtime)

install(DIRECTORY src/api/include/thermocline DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT development FILES_MATCHING PATTERN "*.h")
set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/Thermocline")
configure_package_config_file(cmake/ThermoclineConfig.cmake.in
  "${PROJECT_BINARY_DIR}/generated/ThermoclineConfig.cmake" INSTALL_DESTINATION "${_package}"
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR
  NO_SET_AND_CHECK_MACRO)
# Below 1.0 a minor version may change the API.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/ThermoclineConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/generated/ThermoclineConfig.cmake"
  "${PROJECT_BINARY_DIR}/generated/ThermoclineConfigVersion.cmake"
  DESTINATION "${_package}" COMPONENT development)
install(DIRECTORY examples DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/thermocline" COMPONENT development)
