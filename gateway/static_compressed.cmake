# Compresses text files beforehand: OUT gets NAME, NAME.br and NAME.gz of every text file of the
# directories given, at its place. An earlier directory wins, as it does in the gateway. Less than a KiB
# is not worth it. The gateway looks there with static_compressed_dir; nginx serves all of it, and so
# does a package.
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
      add_custom_command(OUTPUT ${out}/${name}
        COMMAND ${CMAKE_COMMAND} -E copy ${directory}/${name} ${out}/${name}
        DEPENDS ${directory}/${name} VERBATIM)
      list(APPEND made ${out}/${name})
      file(SIZE ${directory}/${name} size)
      if(size LESS 1024)
        continue()
      endif()
      add_custom_command(OUTPUT ${out}/${name}.br ${out}/${name}.gz
        COMMAND ${BROTLI} -f -n -q 11 -o ${out}/${name}.br ${out}/${name}
        COMMAND ${GZIP} -9 -n -c ${out}/${name} > ${out}/${name}.gz
        DEPENDS ${out}/${name} VERBATIM) # never older than NAME, or the gateway takes it for stale
      list(APPEND made ${out}/${name}.br)
    endforeach()
  endforeach()
  add_custom_target(${target} ALL DEPENDS ${made})
endfunction()
