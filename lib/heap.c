/*
 * heap.c - what if there is no memory?
 *
 * Then the worker ends, as after a CHECK, and the web server starts another.
 * Not every library looks at what it is given: json-c 0.16 uses what strdup()
 * gave unseen, and leaves out a member that it finds no memory for, so that
 * a text would be written without it.  The functions below stand before the C
 * library's, for all that is in the process, and never give NULL.
 *
 *   libjson-c, libcurl, ... --> malloc() here --> the next malloc() there is
 *
 * The next one is looked up by name, so that one that was preloaded still
 * works.  A sanitizer has its own, which ends the process by itself.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define HAS_OWN_HEAP 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_OWN_HEAP 1
#endif

#ifdef HAS_OWN_HEAP
typedef int heap_is_the_sanitizers; /* ISO C wants something in a file */
#else

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Nothing here may allocate. */
_Noreturn static void give_up(void)
{
    static const char text[] = __FILE__ ": CHECK(there is memory)\n";

    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    abort();
}

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
} next;

/* ISO C has no way from a void * to a function. */
static void find(void *to, size_t size, const char *name)
{
    void *p = dlsym(RTLD_NEXT, name);

    if (p == NULL)
        give_up();
    memcpy(to, &p, size);
}

/* At the first call, which comes before main(): there is one thread. */
static void find_all(void)
{
    if (next.malloc != NULL)
        return;
    find(&next.calloc, sizeof(next.calloc), "calloc");
    find(&next.realloc, sizeof(next.realloc), "realloc");
    find(&next.malloc, sizeof(next.malloc), "malloc");
}

static void *given(void *p)
{
    if (p == NULL)
        give_up();
    return p;
}

void *malloc(size_t size)
{
    find_all();
    return given(next.malloc(size));
}

void *calloc(size_t n, size_t size)
{
    find_all();
    return given(next.calloc(n, size));
}

void *realloc(void *old, size_t size)
{
    void *p;

    find_all();
    p = next.realloc(old, size);
    return size > 0 ? given(p) : p; /* nothing for nothing: a free() */
}

#endif
