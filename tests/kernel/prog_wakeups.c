// SPDX-License-Identifier: BSD-3-Clause
// Pairs of threads that wait for each other without a time limit, in every way there is. A wake-up that is lost, once,
// stops a pair for ever, and the watch of the bench tells.
#include "base/string.h"
#include "programs.h"

#include <linux/eventpoll.h>

enum { STACK = KIB(64), PAIRS = 5 };
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

struct pair {
    long to[2], from[2]; // pipes, or in [0] event counters
    long epoll;
    user_addr words; // a page of futex words
    u64 rounds;
};

static struct pair pairs[PAIRS];
static u64 end_ns;
static u32 running;

static user_addr map(size_t size)
{
    long at = os_call(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    USER_CHECK(at > 0);
    return (user_addr)at;
}

static bool over(void) { return bench_now_ns() >= end_ns; }

static void thread_scratch(void) { user_scratch_set(map(KIB(4)), KIB(4)); }

static void send_byte(long fd, u8 byte)
{
    user_addr at = user_scratch(8);
    u64 value = byte;
    user_write(at, &value, 8);
    USER_CHECK_EQ(os_call(__NR_write, fd, at, 1), 1);
    user_scratch_reset();
}

static u8 receive_byte(long fd)
{
    user_addr at = user_scratch(8);
    u8 byte = 0;
    USER_CHECK_EQ(os_call(__NR_read, fd, at, 1), 1);
    user_read(&byte, at, 1);
    user_scratch_reset();
    return byte;
}

// --- pipes, the one with epoll in front of it

static void await(const struct pair *pair)
{
    struct epoll_event event;
    if (pair->epoll < 0)
        return;
    user_addr at = user_scratch(sizeof(event));
    USER_CHECK_EQ(os_call(__NR_epoll_pwait, pair->epoll, at, 1, -1, 0, 8), 1);
    user_scratch_reset();
}

static int echo_pipe(u64 arg)
{
    struct pair *pair = (struct pair *)(uintptr_t)arg;
    u8 byte;

    thread_scratch();
    do {
        byte = receive_byte(pair->to[0]);
        send_byte(pair->from[1], byte);
    } while (byte);
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int ask_pipe(u64 arg)
{
    struct pair *pair = (struct pair *)(uintptr_t)arg;

    thread_scratch();
    for (bool last = false; !last;) {
        last = over();
        send_byte(pair->to[1], !last);
        await(pair);
        USER_CHECK_EQ(receive_byte(pair->from[0]), !last);
        __atomic_fetch_add(&pair->rounds, 1, __ATOMIC_RELAXED);
    }
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    return 0;
}

// --- event counters

static void signal_event(long fd, u64 value)
{
    user_addr at = user_scratch(8);
    user_write(at, &value, 8);
    USER_CHECK_EQ(os_call(__NR_write, fd, at, 8), 8);
    user_scratch_reset();
}

static u64 take_event(long fd)
{
    user_addr at = user_scratch(8);
    u64 value = 0;
    USER_CHECK_EQ(os_call(__NR_read, fd, at, 8), 8);
    user_read(&value, at, 8);
    user_scratch_reset();
    return value;
}

static int echo_event(u64 arg)
{
    struct pair *pair = (struct pair *)(uintptr_t)arg;
    u64 value;

    thread_scratch();
    do {
        value = take_event(pair->to[0]);
        signal_event(pair->from[0], value);
    } while (value == 1);
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int ask_event(u64 arg)
{
    struct pair *pair = (struct pair *)(uintptr_t)arg;

    thread_scratch();
    for (bool last = false; !last;) {
        last = over();
        signal_event(pair->to[0], last ? 2 : 1);
        USER_CHECK_EQ(take_event(pair->from[0]), last ? 2 : 1);
        __atomic_fetch_add(&pair->rounds, 1, __ATOMIC_RELAXED);
    }
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    return 0;
}

// --- a mutex and a turn of futex words, as a C library makes them

static void lock(user_addr word)
{
    while (user_exchange32(word, 2) != 0)
        os_call(__NR_futex, word, FUTEX_WAIT, 2, 0);
}

static void unlock(user_addr word)
{
    if (user_exchange32(word, 0) == 2)
        os_call(__NR_futex, word, FUTEX_WAKE, 1);
}

static void take_turns(struct pair *pair, u32 mine)
{
    user_addr mutex = pair->words, turn = pair->words + 64;

    for (bool last = false; !last;) {
        u32 now = user_load32(turn);
        if (now == 2)
            break;
        if (now != mine) {
            os_call(__NR_futex, turn, FUTEX_WAIT, now, 0);
            continue;
        }
        lock(mutex);
        last = over();
        user_store32(turn, last ? 2 : !mine);
        unlock(mutex);
        os_call(__NR_futex, turn, FUTEX_WAKE, INT32_MAX);
        __atomic_fetch_add(&pair->rounds, mine, __ATOMIC_RELAXED);
    }
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
}

static int turn_zero(u64 arg)
{
    take_turns((struct pair *)(uintptr_t)arg, 0);
    return 0;
}

static int turn_one(u64 arg)
{
    take_turns((struct pair *)(uintptr_t)arg, 1);
    return 0;
}

// --- processes: vfork's wait, wait4's wait

static int child(u64 arg) { return (int)arg; }

static int make_children(u64 arg)
{
    struct pair *pair = (struct pair *)(uintptr_t)arg;
    user_addr stack = map(STACK), status = map(PAGE_SIZE);

    thread_scratch();
    while (!over()) {
        u64 vfork = pair->rounds % 2 ? CLONE_VFORK : 0;
        long pid = user_clone(CLONE_VM | vfork | SIGCHLD, child, 7, stack + STACK, 0);
        USER_CHECK(pid > 0);
        USER_CHECK_EQ(os_call(__NR_wait4, pid, status, 0, 0), pid);
        USER_CHECK_EQ(user_load32(status), 7 << 8);
        __atomic_fetch_add(&pair->rounds, 1, __ATOMIC_RELAXED);
    }
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void start(int (*fn)(u64), struct pair *pair)
{
    __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
    USER_CHECK(user_clone(THREAD_FLAGS, fn, (u64)(uintptr_t)pair, map(STACK) + STACK, 0) > 0);
}

static void open_pipe(long ret_ends[2])
{
    int ends[2];
    user_addr at = user_scratch(8);
    USER_CHECK_EQ(os_call(__NR_pipe2, at, 0), 0);
    user_read(ends, at, 8);
    ret_ends[0] = ends[0];
    ret_ends[1] = ends[1];
}

static void watch_with_epoll(struct pair *pair)
{
    struct epoll_event event = { .events = EPOLLIN };
    user_addr at = user_scratch(sizeof(event));

    user_write(at, &event, sizeof(event));
    pair->epoll = os_call(__NR_epoll_create1, 0);
    USER_CHECK(pair->epoll >= 0);
    USER_CHECK_EQ(os_call(__NR_epoll_ctl, pair->epoll, EPOLL_CTL_ADD, pair->from[0], at), 0);
}

int program_wakeups(int argc, char **argv)
{
    user_scratch_set(map(KIB(64)), KIB(64));
    end_ns = bench_now_ns() + bench_options.seconds * 1000000000ull;
    for (size_t i = 0; i < 2; i++) {
        pairs[i].epoll = -1;
        open_pipe(pairs[i].to);
        open_pipe(pairs[i].from);
    }
    watch_with_epoll(&pairs[1]);
    pairs[2].to[0] = os_call(__NR_eventfd2, 0, 0);
    pairs[2].from[0] = os_call(__NR_eventfd2, 0, 0);
    pairs[3].words = map(PAGE_SIZE);
    start(echo_pipe, &pairs[0]);
    start(ask_pipe, &pairs[0]);
    start(echo_pipe, &pairs[1]);
    start(ask_pipe, &pairs[1]);
    start(echo_event, &pairs[2]);
    start(ask_event, &pairs[2]);
    start(turn_zero, &pairs[3]);
    start(turn_one, &pairs[3]);
    start(make_children, &pairs[4]);
    while (__atomic_load_n(&running, __ATOMIC_SEQ_CST))
        bench_sleep_us(1000);
    bench_print("# wakeups: pipe %lu, epoll %lu, event %lu, futex %lu, process %lu rounds\n", pairs[0].rounds,
                pairs[1].rounds, pairs[2].rounds, pairs[3].rounds, pairs[4].rounds);
    for (size_t i = 0; i < PAIRS; i++)
        USER_CHECK(pairs[i].rounds > 0);
    return 0;
}
