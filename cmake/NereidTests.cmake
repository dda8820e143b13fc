# SPDX-License-Identifier: Apache-2.0
#
# How tests, random suites and fuzz targets are declared. All of them link the folders' targets, so that they reach what
# the library keeps to itself, and see TEST_SOURCE_DIR (the repository) and TEST_COMMAND (the nereid program, once there
# is one) as strings.

# The program NAME from the sources that follow, with LINK's targets beside the internal ones.
function(nereid_test_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK")
    add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
    target_compile_definitions(${name} PRIVATE TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    if(TARGET nereid_command)
        target_compile_definitions(${name} PRIVATE TEST_COMMAND="$<TARGET_FILE:nereid_command>")
        add_dependencies(${name} nereid_command)
    endif()
    target_link_libraries(${name} PRIVATE ${arg_LINK} nereid_flags nereid_no_lto ${NEREID_FOLDER_TARGETS} m)
endfunction()

# Registers COMMAND with ctest under NAME, in an empty directory of its own, with a limit of a minute (four with
# sanitizers; slow ones ten): who reaches it hangs.
function(nereid_register name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;COMMAND")
    set(directory ${CMAKE_CURRENT_BINARY_DIR}/${name}.dir)
    file(MAKE_DIRECTORY ${directory})
    add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${directory})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
        if("slow" IN_LIST arg_LABELS)
            set(arg_TIMEOUT 600)
        elseif(NEREID_SANITIZE)
            set(arg_TIMEOUT 240)
        endif()
    endif()
    set_tests_properties(
        ${name}
        PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
                   ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1;ASAN_OPTIONS=detect_stack_use_after_return=1;\
TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan.supp")
endfunction()

# nereid_test(NAME sources... [LABELS slow] [LINK targets...] [TIMEOUT seconds]): a cmocka program. It may end with
# status 77 to say that it was skipped.
function(nereid_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;LINK")
    nereid_test_program(${name} ${arg_UNPARSED_ARGUMENTS} LINK ${arg_LINK} nereid_test_support PkgConfig::CMOCKA)
    nereid_register(${name} COMMAND ${name} LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT})
endfunction()

# nereid_random_suite(SUITE sources... [RUNS fast] [SLOW_RUNS slow] [LINK targets...]): the program random_SUITE at the
# top of the build directory, and two slices of it for ctest; a fourth of them where a sanitizer makes each run dearer.
function(nereid_random_suite suite)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "RUNS;SLOW_RUNS" "LINK")
    if(NOT arg_RUNS)
        set(arg_RUNS 20)
    endif()
    if(NOT arg_SLOW_RUNS)
        set(arg_SLOW_RUNS 1000)
    endif()
    if(NEREID_SANITIZE)
        math(EXPR arg_RUNS "${arg_RUNS} / 4")
        math(EXPR arg_SLOW_RUNS "${arg_SLOW_RUNS} / 4")
    endif()
    nereid_test_program(random_${suite} ${arg_UNPARSED_ARGUMENTS} LINK ${arg_LINK} nereid_test_support)
    set_target_properties(random_${suite} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    nereid_register(random_${suite} COMMAND random_${suite} --seed 1 --runs ${arg_RUNS})
    nereid_register(random_${suite}_slow COMMAND random_${suite} --seed 1000 --runs ${arg_SLOW_RUNS} LABELS slow)
endfunction()

# Builds all fuzz targets.
add_custom_target(fuzz)

# nereid_fuzz(NAME sources... [LINK targets...]): a libFuzzer target where NEREID_FUZZ is on, else an ordinary test that
# replays tests/fuzz/corpus/NAME.
function(nereid_fuzz name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK")
    set(sources ${arg_UNPARSED_ARGUMENTS})
    if(NOT NEREID_FUZZ)
        list(APPEND sources ${PROJECT_SOURCE_DIR}/tests/support/replay_main.c)
    endif()
    nereid_test_program(fuzz_${name} ${sources} LINK ${arg_LINK} nereid_test_support)
    set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    add_dependencies(fuzz fuzz_${name})
    set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    if(NEREID_FUZZ)
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        nereid_register(fuzz_${name} COMMAND fuzz_${name} -runs=0 ${corpus})
    else()
        nereid_register(fuzz_${name} COMMAND fuzz_${name} ${corpus})
    endif()
endfunction()
