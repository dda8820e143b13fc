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
set(NEREID_REQUIRES_PROTOBUFC "libprotobuf-c >= 1.4.1")
set(NEREID_REQUIRES_ZMQ "libzmq >= 4.3.4")
set(NEREID_REQUIRES UV XXHASH ZLIB ZSTD MSGPACK PROTOBUFC ZMQ)

set(NEREID_REQUIRED_MODULES)
foreach(name IN LISTS NEREID_REQUIRES)
    set(module "${NEREID_REQUIRES_${name}}")
    list(APPEND NEREID_REQUIRED_MODULES "${module}")
    string(REPLACE " " "" module "${module}")
    pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET "${module}")
endforeach()

# nereid_protobuf(TARGET file.proto...): compiles messages into TARGET. What is generated goes into the build tree and is
# included by its place in the repository: "folder/file.pb-c.h". The target nereid_generated makes nothing else.
find_program(PROTOC_C protoc-c REQUIRED)
add_custom_target(nereid_generated)

function(nereid_protobuf target)
    set(folder ${PROJECT_BINARY_DIR}/generated)
    file(MAKE_DIRECTORY ${folder})
    set(outputs)
    foreach(name IN LISTS ARGN)
        cmake_path(ABSOLUTE_PATH name OUTPUT_VARIABLE proto)
        cmake_path(RELATIVE_PATH proto BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE place)
        string(REGEX REPLACE "\\.proto$" ".pb-c" output ${folder}/${place})
        add_custom_command(
            OUTPUT ${output}.c ${output}.h
            COMMAND ${PROTOC_C} --proto_path=${PROJECT_SOURCE_DIR} --c_out=${folder} ${place}
            DEPENDS ${proto}
            VERBATIM)
        # protoc-c casts the const away from the empty string; everything else is as strict as for our own code.
        set_source_files_properties(${output}.c PROPERTIES COMPILE_OPTIONS -Wno-cast-qual)
        list(APPEND outputs ${output}.c ${output}.h)
    endforeach()
    add_custom_target(${target}_generated DEPENDS ${outputs})
    add_dependencies(nereid_generated ${target}_generated)
    add_dependencies(${target} ${target}_generated)
    target_sources(${target} PRIVATE ${outputs})
    target_include_directories(${target} PRIVATE ${folder})
endfunction()
