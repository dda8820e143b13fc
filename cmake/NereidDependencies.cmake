# SPDX-License-Identifier: Apache-2.0
#
# The libraries underneath. Folders link the imported targets: PkgConfig::UV, PkgConfig::XXHASH, ...
# The list also goes into nereid.pc and the CMake package, so that it is written once.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_search_module(MSGPACK REQUIRED QUIET IMPORTED_TARGET msgpack-c msgpack)

set(NEREID_REQUIRES_UV "libuv >= 1.44")
set(NEREID_REQUIRES_XXHASH "libxxhash >= 0.8")
set(NEREID_REQUIRES_ZLIB "zlib")
set(NEREID_REQUIRES_ZSTD "libzstd >= 1.4")
set(NEREID_REQUIRES_MSGPACK "${MSGPACK_MODULE_NAME}")
set(NEREID_REQUIRES UV XXHASH ZLIB ZSTD MSGPACK)

set(NEREID_REQUIRED_MODULES)
foreach(name IN LISTS NEREID_REQUIRES)
    set(module "${NEREID_REQUIRES_${name}}")
    list(APPEND NEREID_REQUIRED_MODULES "${module}")
    string(REPLACE " " "" module "${module}")
    pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET "${module}")
endforeach()
