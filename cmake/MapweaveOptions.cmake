# What every target of the project is compiled with, and the helper that makes
# one library per folder.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

add_library(mapweave_options INTERFACE)
target_compile_features(mapweave_options INTERFACE cxx_std_20)
target_compile_options(mapweave_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor)
# GCC 12 warns of overlapping copies inside std::string (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND
   CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(mapweave_options INTERFACE -Wno-restrict)
endif()
# The sources name headers as "core/error.h" and "synth/world.h".
target_include_directories(mapweave_options INTERFACE
  "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
target_compile_definitions(mapweave_options INTERFACE
  MAPWEAVE_VERSION="${PROJECT_VERSION}")
if(MAPWEAVE_SANITIZE)
  target_compile_options(mapweave_options INTERFACE
    -fsanitize=${MAPWEAVE_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(mapweave_options INTERFACE
    -fsanitize=${MAPWEAVE_SANITIZE})
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set_property(GLOBAL PROPERTY GLOBAL_DEPENDS_NO_CYCLES ON)

# mapweave_library(NAME SOURCES... ): library mapweave_NAME, alias
# mapweave::NAME.
function(mapweave_library name)
  add_library(mapweave_${name} STATIC ${ARGN})
  add_library(mapweave::${name} ALIAS mapweave_${name})
  target_link_libraries(mapweave_${name} PUBLIC mapweave_options)
  if(MAPWEAVE_CLANG_TIDY)
    set_target_properties(mapweave_${name} PROPERTIES
      CXX_CLANG_TIDY "clang-tidy")
  endif()
endfunction()
