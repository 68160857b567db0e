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
if(NOT LOOKTWICE_SANITIZE)
  add_library(lt_cuda_emulated_plugin MODULE ../emulation/emulated_plugin.cpp)
  set_target_properties(lt_cuda_emulated_plugin PROPERTIES
    PREFIX "" OUTPUT_NAME looktwice_cuda_emulated CXX_VISIBILITY_PRESET hidden)
  target_link_libraries(lt_cuda_emulated_plugin PRIVATE lt_options lt_cuda_emulation)
endif()
lt_test(test_cuda_host SOURCES cuda_host_test.cpp USES compute cuda_emulation LABELS unit)

if(NOT LOOKTWICE_COMPUTE_ONLY)
  lt_test(test_device_texture SOURCES device_texture_test.cpp USES gl cuda_emulation LABELS unit)
  target_link_libraries(test_device_texture PRIVATE OpenGL::OpenGL)
endif()

# The same programs that run on a GPU (tests/gpu/run), here over the emulated device: the list of
# operations and the goldens of the models, through plugin, loader and backend.
add_executable(test_cuda_agreement ../gpu/agreement_test.cpp)
target_link_libraries(test_cuda_agreement PRIVATE lt_options lt_op_cases GTest::gtest_main)
if(TARGET lt_cuda_emulated_plugin)
  function(lt_emulated_test name program)
    add_test(NAME ${name} COMMAND ${program} ${ARGN})
    set_tests_properties(${name} PROPERTIES LABELS "unit" TIMEOUT 900
      ENVIRONMENT "LOOKTWICE_CUDA_PLUGIN=$<TARGET_FILE:lt_cuda_emulated_plugin>;LOOKTWICE_TEST_MOST_FLOPS=2e6")
  endfunction()
  lt_emulated_test(emulated_cuda_agreement test_cuda_agreement --gtest_filter=*/BF16)
  lt_emulated_test(emulated_cuda_vit test_vit_golden --gtest_filter=*/cuda_F32)
  lt_emulated_test(emulated_cuda_stdit3 test_stdit3
    --gtest_filter=*ForwardPasses*/2:*Stdit3Units*/2)
  add_executable(test_device_fallback device_fallback_test.cpp)
  target_link_libraries(test_device_fallback PRIVATE lt_options lt_engine GTest::gtest_main)
  target_compile_definitions(test_device_fallback PRIVATE LT_TEST_DATA="${CMAKE_SOURCE_DIR}/tests")
  lt_emulated_test(emulated_device_fallback test_device_fallback)
endif()
lt_test(test_recorded_blocks SOURCES recorded_blocks_test.cpp USES models cuda_emulation LABELS unit)
lt_test(test_recorded_steps SOURCES recorded_steps_test.cpp USES models cuda_emulation LABELS unit)
lt_test(test_cuda_tokens SOURCES cuda_tokens_test.cpp USES tokens compute cuda_emulation LABELS unit)

# Run by tests/gpu/run on a machine with a GPU.
add_executable(gpu_bench ../gpu/gpu_bench.cpp)
target_link_libraries(gpu_bench PRIVATE lt_options lt_models)
add_executable(gpu_gl_check ../gpu/gl_check.cpp)
target_link_libraries(gpu_gl_check PRIVATE lt_options lt_compute ${CMAKE_DL_LIBS})
