# SPDX-License-Identifier: Apache-2.0
#
# The one library, from the objects of all folders: shared (target nereid) and static (target nereid_static). Programs
# built here link nereid::nereid, which is the static one: they stand alone and are optimised as a whole. Installed,
# nereid::nereid is the shared library and nereid::nereid_static the other.

include(CMakePackageConfigHelpers)

set(objects)
foreach(target IN LISTS NEREID_FOLDER_TARGETS)
    list(APPEND objects $<TARGET_OBJECTS:${target}>)
endforeach()

add_library(nereid SHARED ${objects})
add_library(nereid_static STATIC ${objects})
add_library(nereid::nereid ALIAS nereid_static)

# Before 1.0 any minor version may change the interface.
set_target_properties(
    nereid PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                      LINKER_LANGUAGE C)
set_target_properties(nereid_static PROPERTIES OUTPUT_NAME nereid LINKER_LANGUAGE C)

foreach(target IN ITEMS nereid nereid_static)
    target_include_directories(
        ${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_compile_features(${target} INTERFACE c_std_11)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:nereid_flags> $<BUILD_INTERFACE:nereid_lto>
                                            Threads::Threads m)
    foreach(name IN LISTS NEREID_REQUIRES)
        target_link_libraries(${target} PRIVATE PkgConfig::${name})
    endforeach()
endforeach()

# Installed: public headers, both libraries, nereid.pc and the CMake package. Only include/ holds public headers.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nereid)

install(
    TARGETS nereid nereid_static
    EXPORT nereid
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT nereid NAMESPACE nereid:: FILE nereidTargets.cmake DESTINATION ${package_dir})

set(NEREID_FIND_MODULES)
foreach(name IN LISTS NEREID_REQUIRES)
    string(REPLACE " " "" module "${NEREID_REQUIRES_${name}}")
    string(APPEND NEREID_FIND_MODULES "pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET \"${module}\")\n")
endforeach()
configure_package_config_file(
    ${CMAKE_CURRENT_LIST_DIR}/nereidConfig.cmake.in ${PROJECT_BINARY_DIR}/nereidConfig.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nereidConfigVersion.cmake COMPATIBILITY SameMinorVersion)

list(JOIN NEREID_REQUIRED_MODULES ", " NEREID_PC_REQUIRES)
# Found from where the file stands, so that cmake --install --prefix works.
file(RELATIVE_PATH NEREID_PC_UP /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(${CMAKE_CURRENT_LIST_DIR}/nereid.pc.in ${PROJECT_BINARY_DIR}/nereid.pc @ONLY)

install(FILES ${PROJECT_BINARY_DIR}/nereidConfig.cmake ${PROJECT_BINARY_DIR}/nereidConfigVersion.cmake
        DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/nereid.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
