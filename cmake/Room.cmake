# lt_room(core/tokens SOURCES a.cpp b.cpp USES base [LINK PkgConfig::X] [PRIVATE_LINK ...])
#
# A room is a folder that is one static library, target lt_<folder name>. Its headers are included
# as "<folder name>/<header>.h". The include root of a room holds nothing but that room (a link in
# the build tree), so a header of a room that is not named under USES, here or in a room named
# there, cannot be found: a forbidden include does not compile.

add_library(lt_options INTERFACE)
target_compile_options(lt_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                            -Woverloaded-virtual -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12's own AVX-512 headers set it off (GCC bug 105593).
  target_compile_options(lt_options INTERFACE -Wno-maybe-uninitialized)
endif()
if(LOOKTWICE_WERROR)
  target_compile_options(lt_options INTERFACE -Werror)
endif()
if(LOOKTWICE_SANITIZE)
  target_compile_options(lt_options INTERFACE -fsanitize=${LOOKTWICE_SANITIZE}
                                              -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(lt_options INTERFACE -fsanitize=${LOOKTWICE_SANITIZE})
endif()

function(lt_room path)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LINK;PRIVATE_LINK" ${ARGN})
  get_filename_component(name ${path} NAME)
  set(root ${CMAKE_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${path} ${root}/${name} SYMBOLIC)
  add_library(lt_${name} STATIC ${ROOM_SOURCES})
  set_target_properties(lt_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(lt_${name} PUBLIC ${root})
  target_link_libraries(lt_${name} PRIVATE lt_options ${ROOM_PRIVATE_LINK})
  foreach(used ${ROOM_USES})
    target_link_libraries(lt_${name} PUBLIC lt_${used})
  endforeach()
  target_link_libraries(lt_${name} PUBLIC ${ROOM_LINK})
endfunction()

# lt_test(name SOURCES a.cpp USES tokens [LABELS golden] [LINK ...]): one GoogleTest program and
# one ctest entry. ${LT_TEST_DATA} is tests/ in the source tree.
function(lt_test name)
  cmake_parse_arguments(T "" "" "SOURCES;USES;LABELS;LINK" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE lt_options GTest::gtest_main ${T_LINK})
  foreach(used ${T_USES})
    target_link_libraries(${name} PRIVATE lt_${used})
  endforeach()
  target_compile_definitions(${name} PRIVATE LT_TEST_DATA="${CMAKE_SOURCE_DIR}/tests")
  set_property(GLOBAL APPEND PROPERTY LT_TEST_PROGRAMS ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}" TIMEOUT 600
                       ENVIRONMENT OMP_WAIT_POLICY=passive)
endfunction()
