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
