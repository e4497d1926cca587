// SPDX-License-Identifier: BSD-3-Clause
// Small objects. A slab is one run of pages: a header, then equal objects; the header's bitmap says which are in
// use, so that allocation is one find-first-set, memory of free objects is never read, and a double free is seen.
#include "base/checked.h"
#include "base/list.h"
#include "base/string.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/mem/pages.h"
#include "trusted/spinlock.h"

#define SLAB_MAGIC 0x5a1ab0b1ull
#define OBJECTS_MAX 256

struct slab {
    u64 magic;             // SLAB_MAGIC ^ address: an object that overflowed into the next slab's header is noticed
    struct list_head link; // cache->partial, or alone
    u16 size, count, used, class;
    u64 free[OBJECTS_MAX / 64]; // a set bit is a free object
};
static_assert(sizeof(struct slab) == 64);

struct cache {
    struct spinlock lock;
    struct list_head partial; // slabs with at least one free object
    u32 empty;                // how many of them are wholly free
};

static const u16 class_size[] = { 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072 };
#define CLASS_COUNT ARRAY_SIZE(class_size)
#define SLAB_SIZE_MAX 3072u
static struct cache caches[CLASS_COUNT];

static size_t slab_pages(size_t class) { return class_size[class] <= 512 ? 1 : 4; }

// Sizes up to 64 step by 16; above that there are two classes for each power of two.
static size_t class_of(size_t size)
{
    if (size <= 64)
        return size <= 16 ? 0 : (size - 1) / 16;
    size_t order = 63 - (size_t)__builtin_clzll(size - 1); // 2^order < size <= 2^(order+1)
    size_t upper = size > (3ull << (order - 1));
    return 4 + (order - 6) * 2 + upper;
}

static struct slab *slab_create(size_t class)
{
    struct slab *slab = pages_alloc(slab_pages(class), PAGE_SLAB);
    if (!slab)
        return NULL;
    size_t count = MIN((slab_pages(class) * PAGE_SIZE - sizeof(*slab)) / class_size[class], (size_t)OBJECTS_MAX);
    *slab = (struct slab){
        .magic = SLAB_MAGIC ^ (u64)(uintptr_t)slab,
        .size = class_size[class],
        .count = (u16)count,
        .class = (u16) class,
    };
    for (size_t i = 0; i < count; i++)
        slab->free[i / 64] |= 1ull << (i % 64);
    return slab;
}

static void *take_object(struct cache *cache, struct slab *slab)
{
    size_t word = 0;
    while (!slab->free[word])
        word++;
    size_t index = word * 64 + (size_t)__builtin_ctzll(slab->free[word]);
    slab->free[word] &= slab->free[word] - 1;
    if (slab->used++ == 0)
        cache->empty--;
    if (slab->used == slab->count)
        list_del(&slab->link);
    return (u8 *)(slab + 1) + index * slab->size;
}

static void *slab_alloc(size_t class)
{
    struct cache *cache = &caches[class];
    spin_lock(&cache->lock);
    if (unlikely(list_empty(&cache->partial))) {
        spin_unlock(&cache->lock);
        struct slab *new = slab_create(class);
        if (!new)
            return NULL;
        spin_lock(&cache->lock);
        list_add(&new->link, &cache->partial);
        cache->empty++;
    }
    void *object = take_object(cache, list_first(&cache->partial, struct slab, link));
    spin_unlock(&cache->lock);
    return object;
}

// The slab of an object, or NULL if ptr is not the start of one.
static struct slab *slab_of(void *ptr, struct page_desc desc, size_t *ret_index)
{
    u64 page = ALIGN_DOWN((u64)(uintptr_t)ptr, PAGE_SIZE);
    struct slab *slab = (struct slab *)(uintptr_t)(page - desc.value * PAGE_SIZE);
    if (slab->magic != (SLAB_MAGIC ^ (u64)(uintptr_t)slab) || (u8 *)ptr < (u8 *)(slab + 1))
        return NULL;
    size_t offset = (size_t)((u8 *)ptr - (u8 *)(slab + 1));
    if (offset % slab->size != 0 || offset / slab->size >= slab->count)
        return NULL;
    *ret_index = offset / slab->size;
    return slab;
}

// One wholly free slab per class is kept; further ones give their pages back.
static bool slab_free(void *ptr, struct page_desc desc)
{
    size_t index;
    struct slab *slab = slab_of(ptr, desc, &index), *release = NULL;
    if (!slab)
        return false;
    struct cache *cache = &caches[slab->class];
    spin_lock(&cache->lock);
    u64 bit = 1ull << (index % 64);
    if (slab->free[index / 64] & bit) {
        spin_unlock(&cache->lock);
        return false;
    }
    slab->free[index / 64] |= bit;
    if (slab->used == slab->count)
        list_add(&slab->link, &cache->partial);
    if (--slab->used == 0) {
        if (cache->empty) {
            list_del(&slab->link);
            slab->magic = 0;
            release = slab;
        } else {
            cache->empty++;
        }
    }
    spin_unlock(&cache->lock);
    return !release || pages_free(release, PAGE_SLAB);
}

void slabs_init(void)
{
    for (size_t class = 0; class < CLASS_COUNT; class ++) {
        caches[class] = (struct cache){ .lock = SPINLOCK_INIT(LOCK_SLAB) };
        list_init(&caches[class].partial);
    }
}

void *kmalloc(size_t size)
{
    lock_check_host_call();
    if (likely(size <= SLAB_SIZE_MAX))
        return slab_alloc(class_of(size));
    if (size > SIZE_MAX - PAGE_SIZE)
        return NULL;
    return pages_alloc(DIV_ROUND_UP(size, PAGE_SIZE), PAGE_BLOCK);
}

void *kzalloc(size_t size)
{
    void *ptr = kmalloc(size);
    if (ptr)
        memset(ptr, 0, size);
    return ptr;
}

void kfree(void *ptr)
{
    if (!ptr)
        return;
    struct page_desc desc = pages_describe(ptr);
    // A wrong pointer is a bug of the LibOS: leaking is safer than handing the memory out twice.
    if (!(desc.kind == PAGE_SLAB ? slab_free(ptr, desc) : pages_free(ptr, PAGE_BLOCK)))
        log_error("kernel heap: kfree of %p: not allocated, freed twice, or overwritten", ptr);
}

// Usable bytes of a live block.
static size_t block_size(void *ptr)
{
    size_t index;
    struct page_desc desc = pages_describe(ptr);
    if (desc.kind == PAGE_BLOCK)
        return desc.value * PAGE_SIZE;
    struct slab *slab = desc.kind == PAGE_SLAB ? slab_of(ptr, desc, &index) : NULL;
    return slab ? slab->size : 0;
}

void *krealloc(void *ptr, size_t size)
{
    size_t old = ptr ? block_size(ptr) : 0;
    if (ptr && size <= old && size > old / 2)
        return ptr;
    void *new = kmalloc(size);
    if (!new)
        return NULL;
    if (ptr)
        memcpy(new, ptr, MIN(old, size));
    kfree(ptr);
    return new;
}

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
