# Tests of compute/cuda that need no GPU.
add_library(lt_old_plugin MODULE old_plugin.cpp)
add_library(lt_not_a_plugin MODULE not_a_plugin.cpp)
lt_test(test_cuda_loader SOURCES cuda_loader_test.cpp USES compute LABELS unit)
target_compile_definitions(test_cuda_loader PRIVATE
  LT_OLD_PLUGIN="$<TARGET_FILE:lt_old_plugin>"
  LT_NOT_A_PLUGIN="$<TARGET_FILE:lt_not_a_plugin>")
add_dependencies(test_cuda_loader lt_old_plugin lt_not_a_plugin)
if(TARGET looktwice_cuda)
  target_compile_definitions(test_cuda_loader PRIVATE LT_CUDA_PLUGIN="$<TARGET_FILE:looktwice_cuda>")
  add_dependencies(test_cuda_loader looktwice_cuda)
endif()

# The plugin's kernels, run on the CPU (tests/emulation).
add_library(lt_cuda_emulation STATIC ../emulation/emulated_device.cpp ../emulation/emulation.cpp)
target_compile_definitions(lt_cuda_emulation PRIVATE LT_CUDA_EMULATION="emulation/emulation.h")
target_include_directories(lt_cuda_emulation PUBLIC ${CMAKE_SOURCE_DIR}/tests)
target_link_libraries(lt_cuda_emulation PUBLIC lt_compute PRIVATE lt_options)
lt_test(test_cuda_kernels SOURCES cuda_kernels_test.cpp USES compute cuda_emulation LABELS unit)
lt_test(test_cuda_host SOURCES cuda_host_test.cpp USES compute cuda_emulation LABELS unit)
