// SPDX-License-Identifier: BSD-3-Clause
// Each bit of each argument that is a set of flags, and each small number of those that are a choice: which are taken,
// and what the others are refused with.
#include "surface.h"

#include <linux/falloc.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>

// Prints the numbers that had each answer, in the order in which the answers came.
static void tell_answers(long (*call)(unsigned), const unsigned *values, int count, const char *const what)
{
    int answers[64];
    for (int i = 0; i < count; i++) {
        errno = 0;
        long r = call(values[i]);
        answers[i] = r == -1 ? errno : 0;
        for (int fd = 3; fd < 30; fd++)
            close(fd);
    }
    for (int i = 0; i < count; i++) {
        char line[512] = "";
        bool first = true;
        for (int j = 0; j < i; j++)
            first &= answers[j] != answers[i];
        for (int j = i; first && j < count; j++)
            if (answers[j] == answers[i])
                snprintf(line + strlen(line), sizeof(line) - strlen(line), " %d", j);
        if (first)
            tell("%s %s:%s", what, answers[i] ? strerrorname_np(answers[i]) : "taken", line);
    }
}
static void prepare(void)
{
    file_with("f", "0123456789");
    mkdir("d", 0755);
    symlink("f", "l");
}
static void bits(long (*call)(unsigned))
{
    unsigned values[32];
    for (int i = 0; i < 32; i++)
        values[i] = 1u << i;
    prepare();
    tell_answers(call, values, 32, "bits");
}
static void numbers(long (*call)(unsigned))
{
    unsigned values[40];
    for (int i = 0; i < 40; i++)
        values[i] = i;
    prepare();
    tell_answers(call, values, 40, "numbers");
}
#define BITS(name, call)                                   \
    static long name##_call(unsigned n) { return (call); } \
    CASE(name) { bits(name##_call); }
#define NUMBERS(name, call)                                \
    static long name##_call(unsigned n) { return (call); } \
    CASE(name) { numbers(name##_call); }

static struct stat st;
static char buf[256];
static struct iovec v = { buf, 4 };
static int file(void) { return open("f", O_RDWR); }
static int pair(int type)
{
    int fds[2];
    socketpair(AF_UNIX, type, 0, fds);
    write(fds[1], "data", 4);
    return fds[0];
}
static int pipe_end(int end)
{
    int fds[2];
    pipe2(fds, O_NONBLOCK);
    write(fds[1], "data", 4);
    return fds[end];
}
static char *page(void) { return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static long freed(char *p) { return p == MAP_FAILED ? -1 : munmap(p, 4096); }

BITS(open_flags, open("f", n & ~(unsigned)O_CREAT))
BITS(open_flags_of_folder, open("d", n & ~(unsigned)(O_CREAT | O_DIRECT)))
BITS(open_flags_of_link, open("l", n & ~(unsigned)O_CREAT))
BITS(openat2_flags, syscall(SYS_openat2, AT_FDCWD, "f", &(struct open_how){ .flags = n }, sizeof(struct open_how)))
BITS(openat2_modes,
     syscall(SYS_openat2, AT_FDCWD, "f", &(struct open_how){ .flags = O_CREAT, .mode = n }, sizeof(struct open_how)))
BITS(openat2_resolves, syscall(SYS_openat2, AT_FDCWD, "f", &(struct open_how){ .resolve = n }, sizeof(struct open_how)))
BITS(pipe2_flags, n == O_EXCL ? 0 : pipe2((int *)buf, n))
BITS(dup3_flags, dup3(0, 25, n))
BITS(close_range_flags, syscall(SYS_close_range, 100, 101, n))
BITS(eventfd_flags, eventfd(0, n))
BITS(epoll_create_flags, epoll_create1(n))
BITS(timerfd_flags, timerfd_create(CLOCK_MONOTONIC, n))
BITS(timerfd_set_flags, timerfd_settime(timerfd_create(CLOCK_MONOTONIC, 0), n, &(struct itimerspec){ 0 }, NULL))
BITS(signalfd_flags, syscall(SYS_signalfd4, -1, buf, 8, n))
BITS(inotify_flags, inotify_init1(n))
BITS(inotify_masks, inotify_add_watch(inotify_init(), "f", n))
BITS(memfd_flags, n == 4 || n >= 1u << 3 && n < 1u << 5 || n >= 1u << 26 ? 0 : syscall(SYS_memfd_create, "m", n))
BITS(socket_types, socket(AF_UNIX, SOCK_STREAM | n, 0))
BITS(accept4_flags, syscall(SYS_accept4, pair(SOCK_STREAM), NULL, NULL, n))
BITS(send_flags, n == MSG_OOB || n > 1u << 15 ? 0 : send(pair(SOCK_STREAM), "x", 1, n))
BITS(receive_flags, n == MSG_OOB || n > 1u << 15 || n == MSG_ERRQUEUE ? 0 : recv(pair(SOCK_STREAM), buf, 4, n))
BITS(fstatat_flags, fstatat(AT_FDCWD, "f", &st, n))
BITS(statx_flags, syscall(SYS_statx, AT_FDCWD, "f", n, STATX_ALL, buf))
BITS(statx_masks, syscall(SYS_statx, AT_FDCWD, "f", 0, n, buf))
BITS(faccessat2_flags, syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, n))
BITS(access_modes, access("f", n))
BITS(unlinkat_flags, n == AT_REMOVEDIR ? 0 : unlinkat(AT_FDCWD, "none", n))
BITS(linkat_flags, (unlink("new"), linkat(AT_FDCWD, "f", AT_FDCWD, "new", n)))
BITS(renameat2_flags, n == 4 ? 0 : syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "f", n))
BITS(fchownat_flags, fchownat(AT_FDCWD, "f", -1, -1, n))
BITS(utimensat_flags, utimensat(AT_FDCWD, "f", NULL, n))
BITS(fallocate_modes, n == FALLOC_FL_ZERO_RANGE ? 0 : fallocate(file(), n, 0, 4096))
BITS(preadv2_flags, n >= 1u << 5 || n == RWF_NOWAIT ? 0 : syscall(SYS_preadv2, file(), &v, 1, 0, 0, n))
BITS(copy_range_flags, copy_file_range(file(), NULL, open("o", O_CREAT | O_RDWR, 0600), NULL, 4, n))
BITS(splice_flags, splice(file(), NULL, pipe_end(1), NULL, 4, n))
BITS(tee_flags, tee(pipe_end(0), pipe_end(1), 4, n))
BITS(vmsplice_flags, vmsplice(pipe_end(1), &v, 1, n))
BITS(sync_range_flags, sync_file_range(file(), 0, 4, n))
BITS(setxattr_flags, (removexattr("f", "user.a"), setxattr("f", "user.a", "b", 1, n)))
BITS(umount_flags, umount2("none", n))
BITS(mremap_flags, ({
         char *p = page();
         long r = (long)mremap(p, 4096, 4096, n);
         n & 2 || n & 4 ? 0 : r == -1 ? -1 : 0;
     }))
BITS(msync_flags, ({
         char *p = page();
         int r = msync(p, 4096, n), e = errno;
         munmap(p, 4096);
         errno = e;
         r;
     }))
BITS(mprotect_bits, ({
         char *p = page();
         int r = mprotect(p, 4096, n), e = errno;
         munmap(p, 4096);
         errno = e;
         r;
     }))
BITS(mlock2_flags, ({
         char *p = page();
         int r = syscall(SYS_mlock2, p, 4096, n), e = errno;
         munmap(p, 4096);
         errno = e;
         r;
     }))
BITS(mlockall_flags, ({
         int r = mlockall(n), e = errno;
         munlockall();
         errno = e;
         r;
     }))
BITS(mmap_flags, n == MAP_FIXED || n == MAP_HUGETLB || n == MAP_GROWSDOWN || n == MAP_FIXED_NOREPLACE
                     ? 0
                     : freed(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | n, -1, 0)))
BITS(wait4_options, (long)syscall(SYS_wait4, -1, NULL, n, NULL))
BITS(waitid_options, syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED | n, NULL))
BITS(getrandom_flags, syscall(SYS_getrandom, buf, 4, n))
BITS(pidfd_flags, n == O_EXCL ? 0 : syscall(SYS_pidfd_open, getpid(), n))
BITS(alternate_stack_flags, syscall(SYS_sigaltstack, &(stack_t){ .ss_sp = buf, .ss_flags = n, .ss_size = 65536 }, NULL))
BITS(semget_flags, semget(0x5f5f5f01, 0, n))
BITS(shmget_flags, n == 04000 ? 0 : shmget(0x5f5f5f02, 0, n))
BITS(msgget_flags, ({
         int id = msgget(0x5f5f5f03, n);
         id < 0 ? -1 : msgctl(id, IPC_RMID, NULL);
     }))
BITS(poll_events, poll(&(struct pollfd){ pipe_end(0), n }, 1, 0))
BITS(epoll_events, epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, pipe_end(0), &(struct epoll_event){ n }))

NUMBERS(lseek_whences, lseek(file(), 0, n))
NUMBERS(flock_operations, syscall(SYS_flock, file(), n | 4))
NUMBERS(fadvise_values, syscall(SYS_fadvise64, file(), 0, 0, n))
NUMBERS(fcntl_commands,
        n == F_SETLKW || n == F_OFD_SETLKW || n == F_SETSIG || n == F_SETOWN || n >= 10 && n < 36 || n > 38
            ? 0
            : fcntl(file(), n, 0))
NUMBERS(madvise_values, n == 17 || n > 20 ? 0 : ({
            char *p = page();
            int r = madvise(p, 4096, n), e = errno;
            munmap(p, 4096);
            errno = e;
            r;
        }))
NUMBERS(procmask_hows, syscall(SYS_rt_sigprocmask, n, &(uint64_t){ 0 }, NULL, 8))
NUMBERS(rlimit_resources, syscall(SYS_prlimit64, 0, n, NULL, buf))
NUMBERS(rusage_kinds, syscall(SYS_getrusage, n, buf))
NUMBERS(priority_kinds, syscall(SYS_getpriority, n, 0))
NUMBERS(itimer_kinds, syscall(SYS_getitimer, n, buf))
NUMBERS(wait_kinds, syscall(SYS_waitid, n, 1, NULL, WEXITED | WNOHANG, NULL))
NUMBERS(shutdown_hows, shutdown(pair(SOCK_STREAM), n))
NUMBERS(socket_kinds, socket(AF_UNIX, n, 0))
NUMBERS(socket_families,
        n == AF_UNIX || n == AF_INET || n == AF_INET6 || n == AF_UNSPEC ? socket(n, SOCK_STREAM, 0) : 0)
NUMBERS(epoll_operations, epoll_ctl(epoll_create1(0), n, pipe_end(0), &(struct epoll_event){ EPOLLIN }))
NUMBERS(semctl_commands, ({
            int id = semget(IPC_PRIVATE, 1, 0600);
            int r = n > 16 || n == 2 || n == 3 ? 0 : semctl(id, 0, n, buf), e = errno;
            semctl(id, 0, IPC_RMID);
            errno = e;
            r < 0 ? -1 : 0;
        }))
NUMBERS(msgctl_commands, ({
            int id = msgget(IPC_PRIVATE, 0600);
            int r = n == 1 || n > 3 && n < 14 ? 0 : msgctl(id, n, (void *)buf), e = errno;
            msgctl(id, IPC_RMID, NULL);
            errno = e;
            r < 0 ? -1 : 0;
        }))
NUMBERS(mode_of_access, syscall(SYS_access, "f", n))
NUMBERS(sigaction_numbers, syscall(SYS_rt_sigaction, n, NULL, buf, 8))
NUMBERS(iov_counts, syscall(SYS_readv, file(), &v, n ? 0 : -1))
NUMBERS(getgroups_sizes, syscall(SYS_getgroups, n, buf) < 0 ? -1 : 0)
NUMBERS(dup_numbers, n < 3 ? syscall(SYS_dup2, n, 25) : syscall(SYS_dup2, n + 100, 25))
