/* count_mallocs: preloaded into a program, counts its allocations in the file that VOTE_COUNT_FILE
 * names: eight bytes that another process may read at any time. Where AddressSanitizer has taken
 * malloc (its library must be preloaded before this one), it is asked to tell us. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own, below the names that this file takes. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

typedef int install_hooks(void (*on_malloc)(const volatile void *, size_t),
                          void (*on_free)(const volatile void *));

static _Atomic uint64_t before_file; /* start-up, before there is a file to count in */
static _Atomic uint64_t *counter = &before_file;

static void count(void)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void on_malloc(const volatile void *block, size_t size)
{
    (void)block;
    (void)size;
    count();
}

static void on_free(const volatile void *block)
{
    (void)block;
}

__attribute__((constructor)) static void start(void)
{
    const char *name = getenv("VOTE_COUNT_FILE");
    int file = name ? open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file < 0 || ftruncate(file, sizeof *counter))
        return;
    void *page = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (page == MAP_FAILED)
        return;
    counter = page;
    install_hooks *install =
        (install_hooks *)dlsym(RTLD_DEFAULT, "__sanitizer_install_malloc_and_free_hooks");
    if (install)
        install(on_malloc, on_free);
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
    count();
    return __libc_realloc(old, size);
}
