// SPDX-License-Identifier: BSD-3-Clause
// Random load: threads of one process, and processes beside it, make random calls on the same things. The main thread
// only watches: a thread that sleeps for long gets a signal.
#include "base/fmt.h"
#include "base/string.h"
#include "generate.h"
#include "libos/signal/signal.h"
#include "programs.h"

enum { WORKERS_MAX = 16, STACK = KIB(64), CHILDREN_MAX = 6, NUDGE_US = 20000, CHILD_CALLS = 40 };
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

struct worker {
    struct generator generator;
    u32 pids[GENERATOR_PIDS];
    u32 next_pid;
    u32 tid; // of the LibOS
    u64 calls;
    user_addr stack, child_stack, memory;
    bool done;
};

static struct worker workers[WORKERS_MAX];
// Process ids. A place is taken before its child is made: who finds none makes no child, and so every child is woken.
static u32 children[CHILDREN_MAX];
enum { NO_CHILD = 0, COMING_CHILD = UINT32_MAX };
static u64 end_ns;

// A place for a child that is to be made, or NULL.
static u32 *take_place(void)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        u32 none = NO_CHILD;
        if (__atomic_compare_exchange_n(&children[i], &none, COMING_CHILD, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return &children[i];
    }
    return NULL;
}

static user_addr map(size_t size)
{
    long at = os_call(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at > 0 ? (user_addr)at : 0;
}

static void on_signal(int signo, user_addr info, user_addr context) {}

// A page of the shared area that somebody took away comes back.
static void on_fault(int signo, user_addr info, user_addr context)
{
    siginfo_t siginfo;
    user_read(&siginfo, info, sizeof(siginfo));
    os_call(__NR_mmap, ALIGN_DOWN((u64)siginfo.si_addr, PAGE_SIZE), PAGE_SIZE, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void catch_signals(void)
{
    static const int caught[] = { SIGUSR1, SIGUSR2, SIGTERM, SIGHUP, SIGALRM, SIGCHLD, SIGPIPE, SIGXFSZ, 34, 35 };
    for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
        USER_CHECK_EQ(user_sigaction(caught[i], on_signal, caught[i] == SIGHUP ? SA_RESTART : 0), 0);
    USER_CHECK_EQ(user_sigaction(SIGSEGV, on_fault, SA_SIGINFO | SA_NODEFER), 0);
    USER_CHECK_EQ(user_sigaction(SIGBUS, on_fault, SA_SIGINFO | SA_NODEFER), 0);
}

static void random_calls(struct generator *generator, u64 count)
{
    struct generated_call call;
    for (u64 i = 0; i < count; i++) {
        generate_call(generator, &call);
        os(call.number, call.args[0], call.args[1], call.args[2], call.args[3], call.args[4], call.args[5]);
    }
}

// --- processes

struct child_order {
    struct generator generator;
    u64 kind;
    u32 *place; // of children
};

enum { CHILD_ENDS, CHILD_EXECS, CHILD_EXECS_AMONG_THREADS, CHILD_KINDS };

static int second_thread(u64 arg)
{
    struct child_order *order = (struct child_order *)(uintptr_t)arg;
    struct generator generator = order->generator;
    user_addr memory = map(KIB(32));
    if (!memory)
        return 0;
    user_scratch_set(memory, KIB(32));
    generator.random.state ^= 1;
    random_calls(&generator, CHILD_CALLS);
    return 0;
}

static void become_program(struct child_order *order)
{
    char seed[24];
    const char *argv[] = { "worker", seed, NULL };
    fmt_format(seed, sizeof(seed), "%lu", random_next(&order->generator.random) % 1000000);
    user_scratch_reset();
    user_execve("/bin/worker", argv);
}

static int child_body(u64 arg)
{
    struct child_order *shared = (struct child_order *)(uintptr_t)arg, order = *shared;
    __atomic_store_n(order.place, (u32)os_call(__NR_getpid), __ATOMIC_SEQ_CST);
    user_addr memory = map(KIB(96));
    if (!memory)
        return 1;
    user_scratch_set(memory, KIB(32));
    order.generator.buffer = memory + KIB(32);
    if (order.kind == CHILD_EXECS_AMONG_THREADS)
        user_clone(THREAD_FLAGS, second_thread, arg, memory + KIB(96), 0);
    random_calls(&order.generator, CHILD_CALLS / 4);
    if (order.kind != CHILD_ENDS)
        become_program(&order);
    os_call(__NR_exit_group, 3);
    return 0;
}

// The parent sleeps until the child has another address space, as after vfork.
static void run_child(struct worker *worker)
{
    struct child_order order = { .generator = worker->generator,
                                 .kind = random_below(&worker->generator.random, CHILD_KINDS),
                                 .place = take_place() };

    order.generator.random.state = random_next(&worker->generator.random);
    if (!order.place)
        return;
    long pid = user_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, child_body, (u64)(uintptr_t)&order,
                          worker->child_stack + STACK, 0);
    u32 coming = COMING_CHILD; // still: there was no child, or it ended at once
    __atomic_compare_exchange_n(order.place, &coming, NO_CHILD, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    if (pid <= 0)
        return;
    worker->pids[worker->next_pid++ % GENERATOR_PIDS] = (u32)pid;
    if (random_below(&worker->generator.random, 2))
        os_call(__NR_kill, pid, SIGKILL);
}

// --- threads

static bool over(const struct worker *worker)
{
    return bench_now_ns() >= end_ns || (bench_options.operations && worker->calls >= bench_options.operations);
}

static int worker_body(u64 arg)
{
    struct worker *worker = (struct worker *)(uintptr_t)arg;

    user_scratch_set(worker->memory, KIB(64));
    worker->generator.buffer = worker->memory + KIB(64);
    while (!over(worker)) {
        random_calls(&worker->generator, 1);
        if (random_below(&worker->generator.random, 400) == 0)
            run_child(worker);
        __atomic_fetch_add(&worker->calls, 1, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&worker->done, true, __ATOMIC_SEQ_CST);
    return 0;
}

// Before any of them runs: later a mapping may come to lie in a hole of the shared area.
static void make_worker(struct worker *worker)
{
    worker->stack = map(STACK);
    worker->child_stack = map(STACK);
    worker->memory = map(KIB(64) + GENERATOR_BUFFER);
    USER_CHECK(worker->stack && worker->child_stack && worker->memory);
}

static void start_worker(u32 index, user_addr area, user_addr words)
{
    struct worker *worker = &workers[index];

    for (size_t i = 0; i < GENERATOR_PIDS; i++)
        worker->pids[i] = (u32)i + 1;
    worker->generator = (struct generator){
        .random.state = bench_options.seed * 1000 + index,
        .area = area,
        .words = words,
        .pids = worker->pids,
        .descriptors = 24,
    };
    long tid = user_clone(THREAD_FLAGS, worker_body, (u64)(uintptr_t)worker, worker->stack + STACK, 0);
    USER_CHECK(tid > 0);
    worker->tid = (u32)tid;
}

// Children sleep too: all of them are woken. Those that ended are reaped, whoever's they were.
static void nudge_children(void)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        u32 pid = __atomic_load_n(&children[i], __ATOMIC_SEQ_CST);
        if (pid != NO_CHILD && pid != COMING_CHILD && os_call(__NR_kill, pid, SIGUSR1) == -ESRCH)
            __atomic_store_n(&children[i], NO_CHILD, __ATOMIC_SEQ_CST);
    }
    while (os_call(__NR_wait4, -1, 0, WNOHANG) > 0)
        ;
}

// Wakes who made no call since the last look, until all are done.
static void watch_workers(void)
{
    u64 seen[WORKERS_MAX] = { 0 };

    for (bool all = false; !all;) {
        bench_sleep_us(NUDGE_US);
        nudge_children();
        all = true;
        for (u32 i = 0; i < bench_options.threads; i++) {
            if (__atomic_load_n(&workers[i].done, __ATOMIC_SEQ_CST))
                continue;
            all = false;
            u64 calls = __atomic_load_n(&workers[i].calls, __ATOMIC_RELAXED);
            if (calls == seen[i])
                os_call(__NR_tgkill, 1, workers[i].tid, SIGUSR1);
            seen[i] = calls;
        }
    }
}

static void make_folders(void)
{
    static const char *const names[] = { "/w", "/w/a", "/tmp/a", "/host/a" };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        os_call(__NR_mkdir, user_string(names[i]), 0755);
    os_call(__NR_chdir, user_string("/w"));
}

int program_load(int argc, char **argv)
{
    u64 calls = 0;

    user_scratch_set(map(KIB(64)), KIB(64));
    catch_signals();
    make_folders();
    end_ns = bench_now_ns() + bench_options.seconds * 1000000000ull;
    user_addr area = map(GENERATOR_AREA), words = map(PAGE_SIZE);
    for (u32 i = 0; i < 4; i++)
        user_store32(words + 4 * i, i != 2); // what FUTEX_WAIT expects, mostly
    bench_options.threads = MIN(bench_options.threads, (u32)WORKERS_MAX);
    for (u32 i = 0; i < bench_options.threads; i++)
        make_worker(&workers[i]);
    for (u32 i = 0; i < bench_options.threads; i++)
        start_worker(i, area, words);
    watch_workers();
    for (u32 i = 0; i < bench_options.threads; i++)
        calls += workers[i].calls;
    bench_print("# load: seed %lu, %u threads, %lu calls, %lu false answers of the host\n", bench_options.seed,
                bench_options.threads, calls, bench_lies_told());
    return 0;
}

// A process of its own: some calls, then the end.
int program_worker(int argc, char **argv)
{
    static const u32 pids[GENERATOR_PIDS] = { 1, 1, 2, 3, 4, 5, 6, 7 };
    struct generator generator = { .pids = pids, .descriptors = 24 };
    user_addr memory = map(KIB(64) + GENERATOR_BUFFER);

    for (const char *p = argc > 1 ? argv[1] : "0"; *p; p++)
        generator.random.state = generator.random.state * 10 + (u64)(*p - '0');
    generator.area = map(GENERATOR_AREA);
    generator.words = map(PAGE_SIZE);
    if (!memory || !generator.area || !generator.words)
        return 1;
    user_scratch_set(memory, KIB(64));
    generator.buffer = memory + KIB(64);
    catch_signals();
    random_calls(&generator, CHILD_CALLS);
    return 4;
}
