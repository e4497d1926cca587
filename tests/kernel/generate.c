// SPDX-License-Identifier: BSD-3-Clause
#include "generate.h"

#include <linux/close_range.h>
#include <linux/eventpoll.h>
#include <linux/sem.h>

#include "base/fmt.h"
#include "base/string.h"
#include "libos/net/abi.h"
#include "libos/signal/signal.h"

#define PICK(random, ...)                                                    \
    ({                                                                       \
        static const u64 pick_of[] = { __VA_ARGS__ };                        \
        pick_of[random_below(random, sizeof(pick_of) / sizeof(pick_of[0]))]; \
    })

struct template
{
    const char *name;
    long number;
    const char *args; // a letter each: make_argument
    u32 weight;
    bool determined; // one thread alone: Linux gives the same result
};

#define CALL(name, args, weight, determined)         \
    {                                                \
#name, __NR_##name, args, weight, determined \
    }

static const struct template table[] = {
    // files
    CALL(openat, "dpOM", 12, true),
    CALL(close, "f", 6, true),
    CALL(read, "f>n", 6, true),
    CALL(write, "f<n", 6, true),
    CALL(pread64, "f>no", 3, true),
    CALL(pwrite64, "f<no", 4, true),
    CALL(readv, "fv2", 2, true),
    CALL(writev, "fV2", 2, true),
    CALL(lseek, "fos", 3, true),
    CALL(fstat, "f@", 2, true),
    CALL(newfstatat, "dp@F", 3, true),
    CALL(statx, "dpFX@", 1, false),
    CALL(getdents64, "f>n", 3, false),
    CALL(readlinkat, "dp>m", 2, true),
    CALL(mkdirat, "dpM", 5, true),
    CALL(unlinkat, "dpU", 6, true),
    CALL(renameat2, "dpdpR", 6, true),
    CALL(linkat, "dpdpL", 3, true),
    CALL(symlinkat, "pdp", 2, true),
    CALL(ftruncate, "fo", 3, true),
    CALL(truncate, "po", 2, true),
    CALL(fallocate, "fKon", 2, true),
    CALL(fsync, "f", 1, false),
    CALL(fdatasync, "f", 1, false),
    CALL(fchmodat, "dpM", 1, true),
    CALL(utimensat, "dp0F", 1, false),
    CALL(statfs, "p@", 1, false),
    CALL(fstatfs, "f@", 1, false),
    CALL(chdir, "p", 3, true),
    CALL(fchdir, "f", 2, true),
    CALL(getcwd, ">m", 2, false),
    CALL(dup, "f", 2, true),
    CALL(dup2, "ff", 2, true),
    CALL(dup3, "ffC", 2, true),
    CALL(close_range, "fkG", 1, true),
    CALL(fcntl, "fZz", 3, false),
    CALL(fcntl, "fDz", 2, true),
    CALL(flock, "fH", 1, false),
    CALL(sendfile, "ff0n", 2, false),
    CALL(copy_file_range, "f0f0n0", 1, false),
    CALL(pipe2, "@B", 3, false),
    CALL(mknodat, "dpY0", 2, true),
    CALL(faccessat, "dpA", 1, true),
    CALL(umask, "M", 1, true),
    CALL(memfd_create, "pC", 1, false),
    CALL(access, "pA", 1, true),
    CALL(readahead, "f0n", 1, false),
    CALL(fadvise64, "f0n4", 1, false),
    CALL(sync, "", 1, false),
    CALL(setxattr, "pp<nx", 1, false),
    CALL(getxattr, "pp>n", 1, false),
    CALL(rmdir, "p", 4, true),
    CALL(rename, "pp", 4, true),
    CALL(unlink, "p", 4, true),
    CALL(mkdir, "pM", 4, true),
    CALL(creat, "pM", 2, false),
    // waiting for files
    CALL(eventfd2, "kE", 2, false),
    CALL(timerfd_create, "cC", 2, false),
    CALL(timerfd_settime, "f0t@", 2, false),
    CALL(timerfd_gettime, "f@", 1, false),
    CALL(epoll_create1, "C", 3, false),
    CALL(epoll_ctl, "fefP", 8, false),
    CALL(epoll_pwait, "f@4T", 3, false),
    CALL(poll, "p4T", 0, false),
    CALL(ppoll, "q4W0", 3, false),
    CALL(pselect6, "kQQ0W0", 2, false),
    CALL(ioctl, "fi@", 1, false),
    // memory
    CALL(mmap, "aljJfg", 5, false),
    CALL(munmap, "al", 4, false),
    CALL(mprotect, "alj", 4, false),
    CALL(mremap, "allr0", 3, false),
    CALL(madvise, "aly", 3, false),
    CALL(msync, "alS", 3, false),
    CALL(mincore, "al>", 1, false),
    CALL(brk, "0", 1, false),
    CALL(mlock, "al", 1, false),
    // waiting for threads
    CALL(futex, "wh1Ww9", 8, false),
    CALL(get_robust_list, "0@@", 1, false),
    CALL(sched_yield, "", 1, true),
    CALL(nanosleep, "W0", 1, false),
    CALL(clock_gettime, "c@", 1, false),
    CALL(getrandom, ">n0", 1, false),
    CALL(sched_getaffinity, "08@", 1, false),
    CALL(getitimer, "0@", 1, false),
    CALL(membarrier, "000", 1, false),
    // signals and processes
    CALL(kill, "!u", 3, false),
    CALL(tgkill, "1!u", 2, false),
    CALL(rt_sigprocmask, "b?08", 3, false),
    CALL(rt_sigpending, "@8", 1, false),
    CALL(rt_sigtimedwait, "?0W8", 2, false),
    CALL(sigaltstack, "0@", 1, false),
    CALL(setitimer, "0t@", 2, false),
    CALL(timer_create, "c0@", 1, false),
    CALL(timer_settime, "40t@", 1, false),
    CALL(timer_delete, "4", 1, false),
    CALL(timer_gettime, "4@", 1, false),
    CALL(wait4, "!@N0", 4, false),
    CALL(waitid, "4!@n0", 1, false),
    CALL(getpid, "", 1, false),
    CALL(getppid, "", 1, false),
    CALL(setpgid, "!!", 1, false),
    CALL(getpgid, "!", 1, false),
    CALL(getsid, "!", 1, false),
    CALL(prlimit64, "!40@", 2, false),
    CALL(sched_setparam, "!@", 1, false),
    CALL(getrusage, "0@", 1, false),
    CALL(times, "@", 1, false),
    CALL(sysinfo, "@", 1, false),
    CALL(uname, "@", 1, false),
    CALL(capget, "@@", 1, false),
    CALL(setresuid, "$$$", 1, false),
    CALL(setresgid, "$$$", 1, false),
    CALL(setgroups, "1<", 1, false),
    // between processes
    CALL(semget, "e3I", 2, false),
    CALL(semop, "x%2", 4, false),
    CALL(semctl, "xb#1", 2, false),
    CALL(msgget, "eI", 2, false),
    CALL(msgsnd, "x<n-", 3, false),
    CALL(msgrcv, "x>nx-", 3, false),
    CALL(msgctl, "x0@", 1, false),
    CALL(mq_open, "_OM0", 3, false),
    CALL(mq_timedsend, "f<x1W", 3, false),
    CALL(mq_timedreceive, "f>n@W", 3, false),
    CALL(mq_notify, "f0", 1, false),
    CALL(mq_unlink, "_", 1, false),
    CALL(fsetxattr, "f~<mx", 2, false),
    CALL(lsetxattr, "p~<mx", 2, false),
    CALL(fgetxattr, "f~>n", 1, false),
    CALL(listxattr, "p>n", 1, false),
    CALL(fremovexattr, "f~", 1, false),
    CALL(splice, "f0f0n2", 3, false),
    CALL(tee, "ffn2", 2, false),
    CALL(inotify_init1, "C", 2, false),
    CALL(inotify_add_watch, "fpX", 4, false),
    CALL(inotify_rm_watch, "fe", 2, false),
    CALL(socket, "&^0", 3, false),
    CALL(socketpair, "1^0@", 3, false),
    CALL(bind, "f*", 4, false),
    CALL(connect, "f*", 4, false),
    CALL(listen, "fb", 3, false),
    CALL(accept4, "f00C", 4, false),
    CALL(sendto, "f<n+00", 4, false),
    CALL(recvfrom, "f>n+00", 4, false),
    CALL(shutdown, "fb", 1, false),
    CALL(getsockname, "f@@", 1, false),
};

static bool left_out(const char *name)
{
    for (const char *word = bench_options.without; word && *word;) {
        const char *end = strchr(word, ',');
        size_t len = end ? (size_t)(end - word) : strlen(word);
        if (strncmp(name, word, len) == 0)
            return true;
        word += len + (end ? 1 : 0);
    }
    return false;
}

static u32 weight(const struct generator *g, const struct template *template)
{
    if ((g->determined && !template->determined) || left_out(template->name))
        return 0;
    return template->weight;
}

static const struct template *choose(struct generator *g)
{
    u32 sum = 0;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        sum += weight(g, &table[i]);
    u64 at = random_below(&g->random, sum);
    for (size_t i = 0;; i++) {
        u32 here = weight(g, &table[i]);
        if (at < here)
            return &table[i];
        at -= here;
    }
}

static const char *const proc_names[] = { "maps", "status", "stat", "cwd",     "exe",  "fd",     "cmdline",
                                          "root", "statm",  "fd/3", "environ", "comm", "limits", "mounts" };

static void proc_path(struct generator *g, char *path, size_t size)
{
    u64 pid = g->pids[random_below(&g->random, GENERATOR_PIDS)];
    const char *name = proc_names[random_below(&g->random, ARRAY_SIZE(proc_names))];
    if (random_below(&g->random, 3) == 0)
        fmt_format(path, size, "/proc/self/%s", name);
    else
        fmt_format(path, size, "/proc/%lu/%s", random_below(&g->random, 4) ? pid : 1, name);
}

// Few names, so that the threads meet at them.
static void random_path(struct generator *g, char *path, size_t size)
{
    static const char *const starts[] = { "", "", "", "/tmp/", "/tmp/", "/host/", "/w/", "../", "./" };
    u64 depth = 1 + random_below(&g->random, 3);
    size_t used = 0;

    if (!g->determined && random_below(&g->random, 12) == 0) {
        proc_path(g, path, size);
        return;
    }
    if (!g->determined)
        used = fmt_format(path, size, "%s", starts[random_below(&g->random, ARRAY_SIZE(starts))]);
    for (u64 i = 0; i < depth; i++) {
        u64 kind = random_below(&g->random, 24);
        const char *up = kind == 0 && !g->determined ? ".." : kind == 1 ? "." : NULL;
        char name[3] = { (char)('a' + random_below(&g->random, 3)), '\0' };
        used += fmt_format(path + used, size - used, "%s%s", i ? "/" : "", up ? up : name);
    }
    if (random_below(&g->random, 30) == 0)
        fmt_format(path + used, size - used, "/");
}

static u64 offset(struct generator *g)
{
    if (!g->determined && random_below(&g->random, 40) == 0)
        return PICK(&g->random, UINT64_MAX, INT64_MAX, 1ul << 40, 1ul << 32);
    return PICK(&g->random, 0, 1, 100, 4095, 4096, 4097, 8192, 20000, 65536, 100000);
}

static user_addr put(const void *data, size_t size)
{
    user_addr at = user_scratch(size);
    user_write(at, data, size);
    return at;
}

// Mostly the thread's own buffer; sometimes what others map and unmap meanwhile, or an address that is bad.
static user_addr buffer(struct generator *g)
{
    u64 kind = g->determined ? 9 : random_below(&g->random, 10);
    if (kind < 3)
        return g->area + random_below(&g->random, GENERATOR_AREA - GENERATOR_BUFFER);
    if (kind == 3 && random_below(&g->random, 8) == 0)
        return PICK(&g->random, 0, 1, 0xfffffffffffff000, BENCH_USER_START + BENCH_USER_SIZE - 1, BENCH_SLOTS_START);
    return g->buffer;
}

// How much goes into a pipe depends on how Linux fills its pages.
static u64 size_of_data(struct generator *g) { return PICK(&g->random, 0, 1, 7, 100, 511, 4096, 4097, 9000, 32768); }

static u64 short_time(struct generator *g)
{
    return random_below(&g->random, 4) ? random_below(&g->random, 300000) : 0;
}

static user_addr timespec(struct generator *g)
{
    struct __kernel_timespec ts = { 0, (s64)short_time(g) };
    return put(&ts, sizeof(ts));
}

static user_addr itimerspec(struct generator *g, long number)
{
    u64 first = short_time(g), interval = random_below(&g->random, 2) ? 0 : 50000 + short_time(g);
    struct __kernel_itimerspec value = { { 0, (s64)interval }, { 0, (s64)first } };
    if (number == __NR_setitimer) { // microseconds
        value.it_value.tv_nsec /= 1000;
        value.it_interval.tv_nsec = 0;
    }
    return put(&value, sizeof(value));
}

static u64 descriptor(struct generator *g)
{
    if (!g->determined && random_below(&g->random, 60) == 0)
        return PICK(&g->random, UINT64_MAX, 1000, 100000);
    return random_below(&g->random, g->descriptors);
}

static user_addr iovec(struct generator *g)
{
    struct iovec vector[2];
    for (size_t i = 0; i < 2; i++)
        vector[i] =
            (struct iovec){ (void *)(g->determined ? g->buffer + i * 9000 : buffer(g)), MIN(size_of_data(g), 9000ul) };
    return put(vector, sizeof(vector));
}

struct pollfd_layout {
    s32 fd;
    s16 events, revents;
};

static user_addr pollfds(struct generator *g)
{
    struct pollfd_layout fds[4];
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = (struct pollfd_layout){ .fd = (s32)descriptor(g), .events = (s16)random_below(&g->random, 64) };
    return put(fds, sizeof(fds));
}

static user_addr epoll_event(struct generator *g)
{
    struct epoll_event event = { .events = (u32)PICK(&g->random, 1, 4, 5, 0x80000001, 0x40000001, 0x10000001, 0x2011),
                                 .data = 7 };
    return put(&event, sizeof(event));
}

static user_addr sembufs(struct generator *g)
{
    struct sembuf ops[2];
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
        ops[i] = (struct sembuf){ .sem_num = (u16)random_below(&g->random, 4),
                                  .sem_op = (s16)(random_below(&g->random, 5) - 2),
                                  .sem_flg = (s16)PICK(&g->random, IPC_NOWAIT, IPC_NOWAIT | SEM_UNDO) };
    return put(ops, sizeof(ops));
}

// A few names that sockets meet at. *ret_length: bytes of it that count.
static user_addr socket_address(struct generator *g, u64 *ret_length)
{
    u8 address[16] = { AF_UNIX, 0, 0, (u8)('a' + random_below(&g->random, 3)) };

    *ret_length = 4;
    if (random_below(&g->random, 4) == 0) { // 127.0.0.1 and one of three ports
        static const u8 loopback[8] = { AF_INET, 0, 0x9c, 0x40, 127, 0, 0, 1 };
        memcpy(address, loopback, sizeof(loopback));
        address[3] = (u8)(address[3] + random_below(&g->random, 3));
        *ret_length = 16;
    }
    return put(address, sizeof(address));
}

// Never SIGUSR1, by which a thread that sleeps too long is woken (load.c).
static user_addr signal_mask(struct generator *g)
{
    u64 mask = (random_next(&g->random) & random_next(&g->random)) & ~SIGMASK(SIGUSR1) & ~SIGMASK(SIGSEGV);
    return put(&mask, sizeof(mask));
}

static u64 open_flags(struct generator *g)
{
    u64 flags = PICK(&g->random, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR) | O_NONBLOCK;
    flags |= random_below(&g->random, 2) ? O_CREAT : 0;
    flags |= PICK(&g->random, 0, 0, 0, 0, O_TRUNC, O_APPEND, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC, O_PATH);
    if (g->determined && (flags & O_DIRECTORY))
        flags &= ~(u64)O_CREAT; // differs between versions of Linux
    if (!g->determined && random_below(&g->random, 40) == 0)
        flags = O_TMPFILE | O_RDWR;
    return flags;
}

static u64 futex_op(struct generator *g)
{
    return PICK(&g->random, FUTEX_WAIT, FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE,
                FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET, FUTEX_WAKE_OP, FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI) |
           PICK(&g->random, 0, FUTEX_PRIVATE_FLAG);
}

static u64 fcntl_command(struct generator *g)
{
    return PICK(&g->random, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,
                1031 /* SETPIPE_SZ */, 1032 /* GETPIPE_SZ */, 1033 /* ADD_SEALS */);
}

static u64 choice(struct generator *g, char letter)
{
    struct user_random *r = &g->random;
    switch (letter) {
    case 'O':
        return open_flags(g);
    case 'M':
        return PICK(r, 0644, 0755, 0700, 0600);
    case 'F':
        return PICK(r, 0, AT_SYMLINK_NOFOLLOW);
    case 'U':
        return PICK(r, 0, AT_REMOVEDIR);
    case 'R':
        return PICK(r, 0, 0, 0, 1 /* NOREPLACE */, 2 /* EXCHANGE */);
    case 'L':
        return PICK(r, 0, AT_SYMLINK_FOLLOW);
    case 'K':
        return PICK(r, 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
    case 'C':
        return PICK(r, 0, O_CLOEXEC, O_CLOEXEC | O_NONBLOCK, O_NONBLOCK);
    case 'B':
        return g->determined || random_below(r, 2) ? PICK(r, O_NONBLOCK, O_NONBLOCK | O_CLOEXEC) : 0;
    case 'D':
        return PICK(r, F_GETFD, F_SETFD, F_GETFL, F_DUPFD);
    case 'E':
        return PICK(r, O_NONBLOCK, O_CLOEXEC, O_NONBLOCK | 1);
    case 'G':
        return PICK(r, 0, CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_CLOEXEC);
    case 'H':
        return PICK(r, 5, 6, 8); // LOCK_SH | LOCK_NB, LOCK_EX | LOCK_NB, LOCK_UN
    case 'Y':
        return g->determined ? S_IFREG | 0644 : PICK(r, S_IFIFO | 0644, S_IFREG | 0644);
    case 'A':
        return PICK(r, 0, 4, 7);
    case 'X':
        return 0x7ff;
    case 'Z':
        return fcntl_command(g);
    case 'e':
        return PICK(r, 1, 1, 2, 3);
    case 'i':
        return PICK(r, 0x541b /* FIONREAD */, 0x5421 /* FIONBIO */, 0x5401 /* TCGETS */);
    case 'j':
        return PICK(r, PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE);
    case 'J':
        return MAP_FIXED | PICK(r, MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS);
    case 'r':
        return PICK(r, 0, MREMAP_MAYMOVE);
    case 'y':
        return PICK(r, MADV_DONTNEED, MADV_NORMAL, MADV_WILLNEED, MADV_FREE, 23 /* POPULATE_WRITE */);
    case 'S':
        return PICK(r, MS_ASYNC, MS_SYNC, MS_SYNC | MS_INVALIDATE);
    case 'h':
        return futex_op(g);
    case 'c':
        return PICK(r, 0, 1);
    case 'N':
        return PICK(r, WNOHANG, WNOHANG, WNOHANG | WUNTRACED, WNOHANG | WCONTINUED);
    case 'b':
        return random_below(r, 3);
    case 's':
        return random_below(r, g->determined ? 3 : 6);
    case 'u':
        return PICK(r, 0, SIGUSR2, SIGTERM, SIGHUP, SIGCONT, SIGWINCH, 34, 35, SIGCHLD, SIGURG);
    case 'T':
        return random_below(r, 2);
    case 'x':
        return random_below(r, 3);
    case '$':
        return PICK(r, UINT64_MAX, 0);
    case 'I':
        return PICK(r, 0600, 01600 /* IPC_CREAT */, 03600 /* IPC_CREAT | IPC_EXCL */);
    case '#':
        return PICK(r, 0 /* IPC_RMID */, 12 /* GETVAL */, 16 /* SETVAL */, 16, 14 /* GETNCNT */, 11 /* GETPID */);
    case '-':
        return 04000; // IPC_NOWAIT
    case '+':
        return MSG_DONTWAIT | MSG_NOSIGNAL;
    case '&':
        return PICK(r, AF_UNIX, AF_UNIX, AF_INET, AF_NETLINK);
    case '^':
        return PICK(r, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET) | SOCK_NONBLOCK;
    default:
        bench_fail("no such argument letter: %c", letter);
    }
}

static void path_argument(struct generator *g, struct generated_call *call, u64 *arg)
{
    char *path = call->path[0][0] ? call->path[1] : call->path[0];
    random_path(g, path, sizeof(call->path[0]));
    *arg = user_string(path);
}

static u64 out_argument(struct generator *g, struct generated_call *call, size_t size, user_addr at)
{
    call->out = at;
    call->out_size = size;
    return at;
}

static u64 make_argument(struct generator *g, struct generated_call *call, char letter)
{
    struct user_random *r = &g->random;
    switch (letter) {
    case 'f':
        return descriptor(g);
    case 'd':
        return g->determined || random_below(r, 4) ? (u64)AT_FDCWD : descriptor(g);
    case '<':
        return buffer(g);
    case '>':
        return out_argument(g, call, GENERATOR_BUFFER, buffer(g));
    case '@': // some structure
        return out_argument(g, call, 256, user_scratch(512));
    case 'v':
    case 'V':
        return iovec(g);
    case 'n':
        return size_of_data(g);
    case 'm':
        return PICK(r, 1, 64, 4096);
    case 'o':
        return offset(g);
    case 'g':
        return PAGE_SIZE * random_below(r, 4);
    case 'k':
        return descriptor(g) + random_below(r, 3);
    case 'a':
        return g->area + PAGE_SIZE * random_below(r, GENERATOR_AREA / PAGE_SIZE);
    case 'l':
        return PAGE_SIZE * (1 + random_below(r, 8));
    case 'w':
        return g->words + 4 * random_below(r, 4);
    case 'W':
        return timespec(g);
    case 't':
        return itimerspec(g, call->number);
    case 'q':
        return pollfds(g);
    case 'Q':
        return put(&(u64){ random_below(r, 1u << g->descriptors) }, 8);
    case 'P':
        return epoll_event(g);
    case '?':
        return signal_mask(g);
    case '%':
        return sembufs(g);
    case '~':
        return user_string(random_below(r, 2) ? "user.a" : "trusted.b");
    case '_':
        return user_string(random_below(r, 2) ? "/a" : "/b");
    case '!':
        return g->pids[random_below(r, GENERATOR_PIDS)];
    case 'z':
        return random_below(r, 16);
    case '9':
        return UINT32_MAX;
    default:
        return letter >= '0' && letter <= '8' ? (u64)(letter - '0') : choice(g, letter);
    }
}

// Mappings stay in the shared area, so that no call takes the memory a thread runs on.
static void contain(struct generator *g, struct generated_call *call)
{
    u64 *a = call->args, end = g->area + GENERATOR_AREA;
    if (call->number == __NR_mmap || call->number == __NR_munmap || call->number == __NR_mremap ||
        call->number == __NR_mprotect || call->number == __NR_madvise)
        a[1] = MIN(a[1], end - a[0]);
    if (call->number == __NR_mremap) {
        a[2] = MIN(a[2], end - a[0]);
        a[3] = 0;
    }
}

void generate_call(struct generator *g, struct generated_call *call)
{
    const struct template *template = choose(g);

    user_scratch_reset();
    *call = (struct generated_call){ .name = template->name,
                                     .number = template->number,
                                     .compare_result = template->determined };
    for (size_t i = 0; template->args[i]; i++) {
        if (template->args[i] == 'p')
            path_argument(g, call, &call->args[i]);
        else if (template->args[i] == '*') // the address, and its length behind it
            call->args[i] = socket_address(g, &call->args[i + 1]);
        else
            call->args[i] = make_argument(g, call, template->args[i]);
    }
    contain(g, call);
}
