# SPDX-License-Identifier: Apache-2.0
#
# nereid_flags: how every file of the project is compiled and linked. Nothing of it reaches those who use the library.

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(nereid_flags INTERFACE)
target_include_directories(nereid_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(nereid_flags INTERFACE _GNU_SOURCE)
target_compile_options(
    nereid_flags
    INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
              -Wmissing-prototypes -Wundef -Wvla -Wcast-qual -Wswitch-enum -Wformat=2)
target_link_libraries(nereid_flags INTERFACE Threads::Threads)

if(NEREID_SANITIZE)
    set(sanitize -fsanitize=${NEREID_SANITIZE} -fno-sanitize-recover=all)
    target_compile_options(nereid_flags INTERFACE ${sanitize})
    target_link_options(nereid_flags INTERFACE ${sanitize})
else()
    target_compile_options(
        nereid_flags INTERFACE -fstack-protector-strong -fstack-clash-protection
                               $<$<CONFIG:Release>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=2>)
    target_link_options(nereid_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

if(NEREID_FUZZ)
    target_compile_options(nereid_flags INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(nereid_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Objects carry machine code beside the intermediate form: the installed static library then serves every compiler, and
# tests link without waiting for an optimisation they do not need. Only gcc 12 can write such objects here, so a build
# with clang goes without.
if(NEREID_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(nereid_flags INTERFACE -flto=auto -ffat-lto-objects)
    add_library(nereid_lto INTERFACE)
    target_link_options(nereid_lto INTERFACE -flto=auto -O2)
    add_library(nereid_no_lto INTERFACE)
    target_link_options(nereid_no_lto INTERFACE -fno-lto)
else()
    add_library(nereid_lto INTERFACE)
    add_library(nereid_no_lto INTERFACE)
endif()
