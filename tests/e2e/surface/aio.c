// SPDX-License-Identifier: BSD-3-Clause
// Linux AIO and memory policies.
#include "surface.h"

#include <linux/aio_abi.h>
#include <linux/mempolicy.h>
#include <poll.h>
#include <sys/eventfd.h>

static long setup(unsigned n, aio_context_t *c) { return syscall(SYS_io_setup, n, c); }
static long destroy(aio_context_t c) { return syscall(SYS_io_destroy, c); }
static long submit(aio_context_t c, long n, struct iocb **list) { return syscall(SYS_io_submit, c, n, list); }
static long events(aio_context_t c, long least, long most, struct io_event *e)
{
    struct timespec none = { 0, 1000000 };
    return syscall(SYS_io_getevents, c, least, most, e, &none);
}

CASE(aio_contexts)
{
    aio_context_t c = 0, d = 0;
    SEE(setup(0, &c));
    SEE(setup(1 << 30, &c));
    SEE(setup(8, (void *)bad));
    SEE(setup(8, &c));
    SEE(setup(8, &c));
    SEE(setup(8, &d));
    SEE(c != d);
    SEE(destroy(c));
    SEE(destroy(c));
    SEE(destroy(0));
    SEE(destroy(d + 4096));
    SEE(destroy(d));
    SEE(submit(d, 0, NULL));
}
CASE(aio_requests)
{
    aio_context_t c = 0;
    char buf[16] = { 0 };
    struct io_event e[4] = { 0 };
    int fd = open("f", O_RDWR | O_CREAT, 0600), event = eventfd(0, EFD_NONBLOCK);
    struct iovec iov = { buf, 4 };
    struct iocb w = { .aio_lio_opcode = IOCB_CMD_PWRITE,
                      .aio_fildes = fd,
                      .aio_buf = (long)"hello",
                      .aio_nbytes = 5,
                      .aio_offset = 2,
                      .aio_data = 7,
                      .aio_flags = IOCB_FLAG_RESFD,
                      .aio_resfd = event },
                r = { .aio_lio_opcode = IOCB_CMD_PREADV,
                      .aio_fildes = fd,
                      .aio_buf = (long)&iov,
                      .aio_nbytes = 1,
                      .aio_offset = 1 },
                s = { .aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = fd };
    struct iocb *all[] = { &w, &r, &s, (void *)bad };
    setup(3, &c);
    SEE(submit(c, -1, all));
    SEE(submit(c, 0, all));
    SEE(submit(c, 3, all));
    SEE(events(c, 3, 4, e));
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            if (e[k].obj == (long)all[i])
                tell("%d: %lld %lld %llu", i, e[k].res, e[k].res2, e[k].data);
    SEE(memcmp(buf, "\0hel", 4));
    SEE(read(event, buf, 8));
    SEE(buf[0]);
    SEE(events(c, 1, 4, e));
    SEE(events(c, 2, 1, e));
    SEE(events(c, -1, 1, e));
    SEE(events(0, 0, 1, e));
    SEE(submit(c, 1, all + 3));
    SEE(submit(c, 1, (void *)bad));
    SEE(syscall(SYS_io_cancel, c, &w, e));
    SEE(syscall(SYS_io_cancel, c, bad, e));
    destroy(c);
}
CASE(aio_refused)
{
    aio_context_t c = 0;
    char buf[16] = { 0 };
    struct io_event e[8] = { 0 };
    int fd = open("f", O_RDWR | O_CREAT, 0600), r = open("f", O_RDONLY), fds[2];
    pipe(fds);
    struct iocb good = { .aio_lio_opcode = IOCB_CMD_PWRITE,
                         .aio_fildes = fd,
                         .aio_buf = (long)"hello",
                         .aio_nbytes = 5 },
                q, *list[] = { &q, &q };
    setup(8, &c);
#define TRY(change) (q = good, change, SEE(submit(c, 1, list)))
    TRY(q.aio_lio_opcode = 99);
    TRY(q.aio_fildes = 99);
    TRY(q.aio_fildes = r);
    TRY((q.aio_lio_opcode = IOCB_CMD_PREAD, q.aio_fildes = fds[1]));
    TRY(q.aio_reserved2 = 1);
    TRY(q.aio_nbytes = -1);
    TRY(q.aio_offset = -1);
    TRY((q.aio_flags = IOCB_FLAG_RESFD, q.aio_resfd = 99));
    TRY((q.aio_flags = IOCB_FLAG_RESFD, q.aio_resfd = fd));
    TRY((q.aio_lio_opcode = IOCB_CMD_FSYNC, q.aio_nbytes = 5));
    TRY((q.aio_lio_opcode = IOCB_CMD_FSYNC, q.aio_buf = 0, q.aio_nbytes = 0, q.aio_fildes = fds[0]));
    SEE(events(c, 0, 8, e));
    TRY(q.aio_fildes = fds[1]);
    SEE(events(c, 0, 8, e));
    tell("%lld", e[0].res);
    SEE(read(fds[0], buf, 16));
    TRY((q.aio_buf = (long)bad, q.aio_lio_opcode = IOCB_CMD_PREAD));
    SEE(events(c, 0, 8, e));
    tell("%lld", e[0].res);
    destroy(c);
}
CASE(memory_policy)
{
    int mode = 9;
    unsigned long nodes[2] = { 9, 9 }, one = 1, two = 2;
    char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SEE(syscall(SYS_get_mempolicy, NULL, NULL, 0, 0, 0));
    SEE(syscall(SYS_get_mempolicy, &mode, NULL, 0, 0, 0));
    SEE(mode);
    SEE(syscall(SYS_get_mempolicy, NULL, NULL, 0, p, 0));
    SEE(syscall(SYS_get_mempolicy, NULL, NULL, 0, 0, 8));
    SEE(syscall(SYS_get_mempolicy, NULL, NULL, 0, 0, MPOL_F_NODE));
    SEE(syscall(SYS_get_mempolicy, NULL, nodes, 0, 0, 0));
    SEE(syscall(SYS_get_mempolicy, bad, NULL, 0, 0, 0));
    SEE(syscall(SYS_get_mempolicy, &mode, NULL, 0, 0x1000, MPOL_F_ADDR));
    SEE(syscall(SYS_get_mempolicy, &mode, NULL, 0, p, MPOL_F_ADDR));
    SEE(syscall(SYS_get_mempolicy, NULL, nodes, 129, 0, MPOL_F_MEMS_ALLOWED));
    tell("%lu %lu", nodes[0], nodes[1]);
    SEE(syscall(SYS_get_mempolicy, NULL, NULL, 0, 0, MPOL_F_MEMS_ALLOWED | MPOL_F_ADDR));
    SEE(syscall(SYS_set_mempolicy, 99, NULL, 0));
    SEE(syscall(SYS_set_mempolicy, MPOL_BIND, NULL, 0));
    SEE(syscall(SYS_set_mempolicy, MPOL_BIND, &two, 64));
    SEE(syscall(SYS_set_mempolicy, MPOL_DEFAULT, &one, 64));
    SEE(syscall(SYS_set_mempolicy, MPOL_LOCAL, &one, 64));
    SEE(syscall(SYS_set_mempolicy, MPOL_BIND, bad, 64));
    SEE(syscall(SYS_set_mempolicy, MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, &one, 64));
    SEE(syscall(SYS_set_mempolicy, MPOL_BIND, &one, 64));
    SEE(syscall(SYS_get_mempolicy, &mode, nodes, 64, 0, 0));
    tell("%d %lu", mode, nodes[0]);
    SEE(syscall(SYS_set_mempolicy, MPOL_PREFERRED, NULL, 0));
    SEE(syscall(SYS_get_mempolicy, &mode, nodes, 64, 0, 0));
    SEE(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
    SEE(syscall(SYS_mbind, p, 8192, MPOL_BIND, &one, 64, 0));
    SEE(syscall(SYS_mbind, p, 8192, MPOL_BIND, &two, 64, 0));
    SEE(syscall(SYS_mbind, p + 1, 4096, MPOL_DEFAULT, NULL, 0, 0));
    SEE(syscall(SYS_mbind, p, 8192, MPOL_DEFAULT, NULL, 0, 64));
    SEE(syscall(SYS_mbind, p, 0, MPOL_DEFAULT, NULL, 0, 0));
    munmap(p + 4096, 4096);
    SEE(syscall(SYS_mbind, p, 8192, MPOL_DEFAULT, NULL, 0, 0));
}
