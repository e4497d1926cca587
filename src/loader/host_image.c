// SPDX-License-Identifier: BSD-3-Clause
// Runs with the program's %fs: see threads.h.
#include "loader/host_image.h"

#include <errno.h>
#include <sys/mman.h>

#include "loader/ocall_handlers.h"
#include "platform/raw.h"

static u64 image_address, image_bytes;
static int learn_fd = -1;

void host_learn_to(int fd) { learn_fd = fd; }

s64 host_learned(struct host_thread *self, const void *text, size_t len) { return RAW(SYS_write, learn_fd, text, len); }

u64 host_image_map(int fd, u64 size)
{
    s64 at = size ? RAW(SYS_mmap, NULL, size, PROT_READ, MAP_SHARED, fd, 0) : 0;
    image_address = at > 0 ? (u64)at : 0;
    image_bytes = size;
    return image_address;
}

// Pages that the kernel brings in here cost no exit of the enclave when it reads them. Linux before 5.14 only begins to
// read them.
s64 host_image_populate(struct host_thread *self, u64 offset, u64 len)
{
    if (offset > image_bytes || len > image_bytes - offset)
        return -EINVAL;
    s64 err;
    do
        err = RAW(SYS_madvise, image_address + offset, len, MADV_POPULATE_READ);
    while (err == -EINTR);
    return err == -EINVAL ? RAW(SYS_madvise, image_address + offset, len, MADV_WILLNEED) : err;
}
