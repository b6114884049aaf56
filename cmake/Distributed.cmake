# Training in several processes: which backends of c10d the installed LibTorch
# has. A build without them trains in one process.
include(CheckCXXSourceCompiles)
include(CMakePushCheckState)

find_path(MAPWEAVE_GLOO_INCLUDE_DIR gloo/context.h HINTS ${TORCH_INCLUDE_DIRS})
mark_as_advanced(MAPWEAVE_GLOO_INCLUDE_DIR)
# LibTorch holds Gloo's code, but may come without its headers.
if(MAPWEAVE_GLOO_INCLUDE_DIR)
  set(MAPWEAVE_C10D_INCLUDE_DIR "${MAPWEAVE_GLOO_INCLUDE_DIR}")
else()
  set(MAPWEAVE_C10D_INCLUDE_DIR "${PROJECT_SOURCE_DIR}/cmake/gloo_names")
endif()

# mapweave_check_c10d(NAME BACKEND): sets NAME to whether c10d's class BACKEND
# can be compiled and linked.
function(mapweave_check_c10d name backend)
  set(CMAKE_CXX_STANDARD 20)
  cmake_push_check_state(RESET)
  set(CMAKE_REQUIRED_QUIET ON)
  set(CMAKE_REQUIRED_LIBRARIES ${TORCH_LIBRARIES})
  set(CMAKE_REQUIRED_INCLUDES ${TORCH_INCLUDE_DIRS}
      ${MAPWEAVE_C10D_INCLUDE_DIR})
  check_cxx_source_compiles("
    #include <torch/csrc/distributed/c10d/${backend}.hpp>
    #include <torch/csrc/distributed/c10d/TCPStore.hpp>
    int main() {
      auto store = c10::make_intrusive<c10d::TCPStore>(\"localhost\");
      auto options = c10d::${backend}::Options::create();
      auto group = c10::make_intrusive<c10d::${backend}>(store, 0, 1, options);
      std::vector<at::Tensor> tensors;
      return group->allreduce(tensors)->wait() ? 0 : 1;
    }" ${name})
  cmake_pop_check_state()
endfunction()

mapweave_check_c10d(MAPWEAVE_HAS_GLOO ProcessGroupGloo)
mapweave_check_c10d(MAPWEAVE_HAS_NCCL ProcessGroupNCCL)
if(MAPWEAVE_HAS_GLOO)
  message(STATUS "Training in several processes on CPUs: yes (c10d's Gloo)")
else()
  message(STATUS "Training in several processes on CPUs: no")
endif()
