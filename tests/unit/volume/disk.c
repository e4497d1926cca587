// SPDX-License-Identifier: BSD-3-Clause
#include "disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../test.h"

static u64 allocations;

static void *test_alloc(size_t size)
{
    void *memory = aligned_alloc(64, ALIGN_UP(size, (size_t)64));
    if (memory) {
        memset(memory, 0xa5, size);
        allocations++;
    }
    return memory;
}

static void test_free(void *memory, size_t size)
{
    memset(memory, 0x5a, size);
    free(memory);
    allocations--;
}

u64 test_allocations(void) { return allocations; }

static void random_bytes(void *buf, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((u8 *)buf)[i] = (u8)test_random();
}

const struct volume_env test_env = { .alloc = test_alloc, .free = test_free, .random = random_bytes };

void disk_init(struct disk *disk) { memset(disk, 0, sizeof(*disk)); }

void disk_free(struct disk *disk)
{
    for (u64 i = 0; disk->log && i < disk->writes; i++)
        free(disk->log[i].data);
    free(disk->log);
    free(disk->bytes);
    disk_init(disk);
}

static void put(struct disk *disk, u64 offset, const void *data, u64 size)
{
    u64 end = offset + size;

    if (end > disk->capacity) {
        u64 capacity = MAX(end, 2 * disk->capacity);
        disk->bytes = realloc(disk->bytes, capacity);
        memset(disk->bytes + disk->capacity, 0, capacity - disk->capacity);
        disk->capacity = capacity;
    }
    disk->size = MAX(disk->size, end);
    memcpy(disk->bytes + offset, data, size);
}

static int backend_read(void *context, u64 offset, void *buf, size_t size)
{
    struct disk *disk = context;
    u64 there = offset < disk->size ? MIN(size, disk->size - offset) : 0;

    if (there)
        memcpy(buf, disk->bytes + offset, there);
    memset((u8 *)buf + there, 0, size - there);
    return 0;
}

static int backend_write(void *context, u64 offset, const void *buf, size_t size)
{
    struct disk *disk = context;

    if (disk->fail_after && disk->writes >= disk->fail_after)
        return -EIO;
    put(disk, offset, buf, size);
    if (!disk->record) {
        disk->writes++;
        return 0;
    }
    disk->log = realloc(disk->log, (disk->writes + 1) * sizeof(*disk->log));
    struct disk_write *entry = &disk->log[disk->writes++];
    *entry = (struct disk_write){ .offset = offset, .size = size, .data = malloc(size), .epoch = disk->syncs };
    memcpy(entry->data, buf, size);
    return 0;
}

static int backend_reserve(void *context, u64 offset, u64 size)
{
    struct disk *disk = context;
    return disk->limit && offset + size > disk->limit ? -ENOSPC : 0;
}

static void backend_discard(void *context, u64 offset, u64 size)
{
    struct disk *disk = context;

    disk->discarded += size;
    if (offset < disk->size)
        memset(disk->bytes + offset, 0, MIN(size, disk->size - offset));
}

static int backend_sync(void *context)
{
    struct disk *disk = context;

    if (disk->fail_sync)
        return -EIO;
    disk->syncs++;
    return 0;
}

static s64 backend_size(void *context) { return (s64)((struct disk *)context)->size; }

struct volume_backend disk_backend(struct disk *disk)
{
    return (struct volume_backend){
        .context = disk,
        .read = backend_read,
        .write = backend_write,
        .reserve = backend_reserve,
        .discard = backend_discard,
        .sync = backend_sync,
        .size = backend_size,
    };
}

u64 disk_epoch_writes(const struct disk *disk, u64 epoch)
{
    u64 count = 0;
    for (u64 i = 0; i < disk->writes; i++)
        count += disk->log[i].epoch == epoch;
    return count;
}

void disk_crash(const struct disk *from, u64 epoch, bool (*keep)(void *arg, u64 i), void *arg, u64 torn,
                struct disk *to)
{
    const struct disk_write *last = NULL;
    u64 in_epoch = 0;

    disk_init(to);
    for (u64 i = 0; i < from->writes && from->log[i].epoch <= epoch; i++) {
        const struct disk_write *entry = &from->log[i];
        if (entry->epoch == epoch && !keep(arg, in_epoch++))
            continue;
        if (last)
            put(to, last->offset, last->data, last->size);
        last = entry;
    }
    if (last)
        put(to, last->offset, last->data, torn && last->epoch == epoch ? MIN(torn, last->size) : last->size);
}
