# The house rules of the build: one folder = one namespace = one target, and no arrow in the wrong direction.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()
# Most of the code waits for a disk, a peer or a chain: -O2 compiles it a tenth faster. What computes says HOT.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(COVENANT_CCACHE ccache)
if(COVENANT_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${COVENANT_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${COVENANT_CCACHE})
endif()
find_program(COVENANT_MOLD mold)
if(COVENANT_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

# COVENANT_UNITY, of preset release: four files are one compilation, because most of a file's time is the parsing of
# headers, which they share. So names in the anonymous namespaces of one library differ. What is HOT stays file by file:
# its loops are compiled as they were measured. Every other preset compiles each file alone and finds missing includes.
option(COVENANT_UNITY "compile four files at a time" OFF)
set(CMAKE_UNITY_BUILD_BATCH_SIZE 4)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)

# Everything that is hashed must not depend on the compiler's mood.
add_compile_options(-ffp-contract=off)
add_compile_definitions(_FILE_OFFSET_BITS=64)

add_library(covenant_warnings INTERFACE)
target_compile_options(covenant_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align
    -Woverloaded-virtual -Wconversion -Wsign-conversion -Wnull-dereference -Wimplicit-fallthrough
    $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond;-Wlogical-op;-Wno-null-dereference;-Wno-restrict>
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
    # Takes the .cpp files of one compilation for headers.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${COVENANT_UNITY}>>:-Wno-subobject-linkage>)

set_property(GLOBAL PROPERTY COVENANT_LIBRARIES "")

# covenant_library(name LAYER n SOURCES ... [DEPS ...] [EXTERNAL ...] [EXTERNAL_PUBLIC ...] [PURE])
#   DEPS      other covenant libraries, each of a lower layer (checked here)
#   EXTERNAL  third-party targets, linked privately: their headers stay in our .cpp files
#   PURE      compiled without exceptions and RTTI (so the sanitizers' presets leave vptr out)
#   HOT       compiled with -O3, never several files at a time
function(covenant_library name)
    cmake_parse_arguments(ARG "PURE;HOT" "LAYER" "SOURCES;DEPS;EXTERNAL;EXTERNAL_PUBLIC" ${ARGN})
    if(ARG_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "covenant_library(${name}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
    endif()
    if(NOT DEFINED ARG_LAYER)
        message(FATAL_ERROR "covenant_library(${name}): LAYER is missing")
    endif()
    set(target covenant_${name})
    add_library(${target} STATIC ${ARG_SOURCES})
    add_library(covenant::${name} ALIAS ${target})
    set_property(GLOBAL PROPERTY COVENANT_LAYER_${name} ${ARG_LAYER})
    set_property(GLOBAL APPEND PROPERTY COVENANT_LIBRARIES ${name})
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE covenant_warnings ${ARG_EXTERNAL})
    target_link_libraries(${target} PUBLIC fmt::fmt Threads::Threads ${ARG_EXTERNAL_PUBLIC})
    if(ARG_HOT)
        target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O3>)
    else()
        set_target_properties(${target} PROPERTIES UNITY_BUILD ${COVENANT_UNITY})
    endif()
    if(ARG_PURE)
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>)
    endif()
    foreach(dep IN LISTS ARG_DEPS)
        get_property(dep_layer GLOBAL PROPERTY COVENANT_LAYER_${dep})
        if(NOT DEFINED dep_layer OR dep_layer STREQUAL "")
            message(FATAL_ERROR "covenant_library(${name}): '${dep}' is no covenant library defined before it")
        endif()
        if(NOT dep_layer LESS ARG_LAYER)
            message(FATAL_ERROR
                "layer check: ${name} (layer ${ARG_LAYER}) may not link ${dep} (layer ${dep_layer}): "
                "arrows point to lower layers only, see the layer table in README.md")
        endif()
        target_link_libraries(${target} PUBLIC covenant::${dep})
    endforeach()
endfunction()

# covenant_executable(name SOURCES ... DEPS ... [EXTERNAL ...]): a thin main over the libraries.
function(covenant_executable name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;EXTERNAL" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE covenant_warnings ${ARG_EXTERNAL})
    foreach(dep IN LISTS ARG_DEPS)
        target_link_libraries(${name} PRIVATE covenant::${dep})
    endforeach()
    set_target_properties(${name} PROPERTIES
        UNITY_BUILD ${COVENANT_UNITY} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# Labels the tests of the current folder by their kind, the name of the folder below tests/: unit, property, sim, ...
function(covenant_label_directory)
    file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
    string(REGEX REPLACE "/.*" "" kind "${path}")
    get_property(labels DIRECTORY PROPERTY LABELS)
    if(NOT kind IN_LIST labels)
        set_property(DIRECTORY APPEND PROPERTY LABELS ${kind})
    endif()
endfunction()

# covenant_test(name SOURCES ... DEPS ... [EXTERNAL ...] [WHOLE] [OPTIMIZED] [READS_TREE] [LABEL fast|slow])
#   One GoogleTest binary. Each case is a ctest test; with WHOLE the binary is one test
#   (for binaries that link libtorch, whose start costs half a second). The assertions are compiled with -Og, which
#   halves the compiler's time; the code under test keeps its flags. OPTIMIZED: the test itself computes a lot.
#   READS_TREE: it reads files below COVENANT_SOURCE_DIR; a path in every command line would make a second checkout miss
#   the compiler's cache.
function(covenant_test name)
    cmake_parse_arguments(ARG "WHOLE;OPTIMIZED;READS_TREE" "LABEL" "SOURCES;DEPS;EXTERNAL" ${ARGN})
    if(COVENANT_FUZZ)
        return()
    endif()
    if(NOT ARG_LABEL)
        set(ARG_LABEL fast)
    endif()
    find_package(GTest REQUIRED)
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE covenant_warnings GTest::gtest_main GTest::gmock ${ARG_EXTERNAL})
    if(ARG_READS_TREE)
        target_compile_definitions(${name} PRIVATE COVENANT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    endif()
    if(NOT ARG_OPTIMIZED)
        target_compile_options(${name} PRIVATE "$<$<CONFIG:Release>:-Og;-Wno-maybe-uninitialized>")
    endif()
    foreach(dep IN LISTS ARG_DEPS)
        target_link_libraries(${name} PRIVATE covenant::${dep})
    endforeach()
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    covenant_label_directory()
    if(ARG_WHOLE)
        add_test(NAME ${name} COMMAND ${name})
        set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT 600)
    else()
        include(GoogleTest)
        gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}."
            PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT 120)
    endif()
endfunction()
