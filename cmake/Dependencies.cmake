# Third-party packages as imported targets. Nothing is downloaded.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenCV REQUIRED COMPONENTS core imgproc imgcodecs)
find_package(CLI11 REQUIRED)
find_package(Freetype REQUIRED)
find_package(Torch REQUIRED)

# Torch's own package writes into the global CMAKE_CXX_FLAGS when the caller
# follows its example; we take the imported targets only.
add_library(mapweave_torch INTERFACE)
target_link_libraries(mapweave_torch INTERFACE ${TORCH_LIBRARIES})
target_include_directories(mapweave_torch SYSTEM INTERFACE
  ${TORCH_INCLUDE_DIRS})
include(Distributed)

add_library(mapweave_opencv INTERFACE)
target_link_libraries(mapweave_opencv INTERFACE
  opencv_core opencv_imgproc opencv_imgcodecs)
target_include_directories(mapweave_opencv SYSTEM INTERFACE
  ${OpenCV_INCLUDE_DIRS})

if(MAPWEAVE_WITH_GEO)
  find_package(GDAL REQUIRED)
  find_package(PROJ REQUIRED)
  find_package(SQLite3 REQUIRED)
  find_package(OpenSSL REQUIRED COMPONENTS Crypto)
  find_package(tomlplusplus REQUIRED)
endif()
if(MAPWEAVE_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
