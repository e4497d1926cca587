// SPDX-License-Identifier: BSD-3-Clause
// The kernel heap made of malloc, so that the sanitizers know every object: who allocated it, who freed it, where it
// ends. The real heap has a bench of its own (heap_load.c). As with the real one, memory may have to come from the
// host: no spinlock may be held.
#include "base/string.h"
#include "libos/mem/heap.h"
#include "trusted/lock_class.h"

void *malloc(size_t);
void *calloc(size_t, size_t);
void *realloc(void *, size_t);
void *aligned_alloc(size_t, size_t);
void free(void *);

bool heap_trim_due;

void heap_init(void) {}
void heap_trim(void) {}

// Memory comes as somebody left it.
enum { STALE = 0xa5 };

void *kmalloc(size_t size)
{
    lock_check_host_call();
    void *block = malloc(size ? size : 1);
    if (block)
        memset(block, STALE, size);
    return block;
}

void *kzalloc(size_t size)
{
    lock_check_host_call();
    return calloc(1, size ? size : 1);
}

void *krealloc(void *ptr, size_t size)
{
    lock_check_host_call();
    return realloc(ptr, size ? size : 1);
}

void kfree(void *ptr) { free(ptr); }

void *kpages_alloc(size_t count)
{
    lock_check_host_call();
    void *pages = aligned_alloc(PAGE_SIZE, count * PAGE_SIZE);
    if (pages)
        memset(pages, STALE, count * PAGE_SIZE);
    return pages;
}

void kpages_free(void *pages, size_t count) { free(pages); }

char *kstrndup(const char *s, size_t max)
{
    size_t len = strnlen(s, max);
    char *copy = kmalloc(len + 1);
    if (copy) {
        memcpy(copy, s, len);
        copy[len] = '\0';
    }
    return copy;
}

char *kstrdup(const char *s) { return kstrndup(s, strlen(s)); }

void heap_get_stats(struct heap_stats *ret_stats) { *ret_stats = (struct heap_stats){ .max = GIB(1) }; }
