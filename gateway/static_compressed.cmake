# Compresses text files beforehand, for files.static_compressed_dir: NAME.br and NAME.gz of every text
# file of the directories given, at its place below OUT. An earlier directory wins, as it does in the
# gateway. Less than a KiB is not worth it.
#
#   static_compressed(TARGET OUT DIRECTORY...)
find_program(BROTLI brotli REQUIRED)
find_program(GZIP gzip REQUIRED)

function(static_compressed target out)
  set(made)
  set(names)
  foreach(directory ${ARGN})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${directory} LIST_DIRECTORIES false
      ${directory}/*.css ${directory}/*.js ${directory}/*.svg ${directory}/*.html
      ${directory}/*.json ${directory}/*.txt ${directory}/*.webmanifest)
    foreach(name ${found})
      if(name IN_LIST names)
        continue()
      endif()
      list(APPEND names ${name})
      file(SIZE ${directory}/${name} size)
      if(size LESS 1024)
        continue()
      endif()
      get_filename_component(parent ${out}/${name} DIRECTORY)
      add_custom_command(OUTPUT ${out}/${name}.br ${out}/${name}.gz
        COMMAND ${CMAKE_COMMAND} -E make_directory ${parent}
        COMMAND ${BROTLI} -f -n -q 11 -o ${out}/${name}.br ${directory}/${name}
        COMMAND ${GZIP} -9 -n -c ${directory}/${name} > ${out}/${name}.gz
        DEPENDS ${directory}/${name} VERBATIM)
      list(APPEND made ${out}/${name}.br)
    endforeach()
  endforeach()
  add_custom_target(${target} ALL DEPENDS ${made})
endfunction()
