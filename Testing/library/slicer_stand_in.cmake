# Lays out the folder that Slicer's build installs, without Slicer:
#
#   cmake -DSOURCE_FOLDER=<repository> -DTREE=<new folder> -P slicer_stand_in.cmake
#
# Runs the real CMakeLists.txt in script mode, with stand-ins for Slicer's two macros and for the
# commands that script mode lacks. What our files do not use is not modelled: it is an error.

set(CMAKE_CURRENT_SOURCE_DIR "${SOURCE_FOLDER}")
set(BUILD_TESTING ON)

# The three files of Slicer that an extension includes.
set(nothing "${TREE}.cmake")
file(WRITE "${nothing}" "")
set(Slicer_USE_FILE "${nothing}")
set(Slicer_EXTENSION_GENERATE_CONFIG "${nothing}")
set(Slicer_EXTENSION_CPACK "${nothing}")

# Slicer asks for a newer CMake than this script needs.
function(cmake_minimum_required)
endfunction()

function(project)
endfunction()

function(find_package name)
  if(NOT name STREQUAL "Slicer")
    message(FATAL_ERROR "find_package(${name}): the stand-in knows only Slicer")
  endif()
endfunction()

function(add_subdirectory folder)
  set(CMAKE_CURRENT_SOURCE_DIR "${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
  include("${CMAKE_CURRENT_SOURCE_DIR}/CMakeLists.txt")
endfunction()

# As the real one: what is listed goes to the folder of scripted modules under its relative path.
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS OR NOT MODULE_NAME)
    message(FATAL_ERROR "slicerMacroBuildScriptedModule(${ARGN})")
  endif()
  foreach(file IN LISTS MODULE_SCRIPTS MODULE_RESOURCES)
    if(IS_ABSOLUTE "${file}" OR NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      message(FATAL_ERROR "${MODULE_NAME} lists '${file}', which does not exist")
    endif()
    get_filename_component(folder "${TREE}/${file}" DIRECTORY)
    file(COPY "${CMAKE_CURRENT_SOURCE_DIR}/${file}" DESTINATION "${folder}")
  endforeach()
endfunction()

function(slicer_add_python_unittest)
  cmake_parse_arguments(UNITTEST "" "SCRIPT" "" ${ARGN})
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${UNITTEST_SCRIPT}")
    message(FATAL_ERROR "slicer_add_python_unittest: no ${UNITTEST_SCRIPT}")
  endif()
endfunction()

include("${SOURCE_FOLDER}/CMakeLists.txt")
