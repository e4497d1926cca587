// SPDX-License-Identifier: BSD-3-Clause
// Random load: threads of one process, and processes beside it, make random calls on the same things. The main thread
// only watches: a thread that sleeps for long gets a signal.
#include "base/string.h"
#include "libos/signal/signal.h"
#include "load.h"
#include "programs.h"

enum { WORKERS_MAX = 16, NUDGE_US = 20000 };

static struct worker workers[WORKERS_MAX];
static u64 end_ns;

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
        load_calls(&worker->generator, 1);
        if (random_below(&worker->generator.random, 400) == 0)
            load_child(worker);
        __atomic_fetch_add(&worker->calls, 1, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&worker->done, true, __ATOMIC_SEQ_CST);
    return 0;
}

// Before any of them runs: later a mapping may come to lie in a hole of the shared area.
static void make_worker(struct worker *worker)
{
    worker->stack = load_map(LOAD_STACK);
    worker->child_stack = load_map(LOAD_STACK);
    worker->memory = load_map(KIB(64) + GENERATOR_BUFFER);
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
    long tid = user_clone(LOAD_THREAD_FLAGS, worker_body, (u64)(uintptr_t)worker, worker->stack + LOAD_STACK, 0);
    USER_CHECK(tid > 0);
    worker->tid = (u32)tid;
}

// Wakes who made no call since the last look, until all are done.
static void watch_workers(void)
{
    u64 seen[WORKERS_MAX] = { 0 };

    for (bool all = false; !all;) {
        bench_sleep_us(NUDGE_US);
        load_nudge_children();
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

    user_scratch_set(load_map(KIB(64)), KIB(64));
    catch_signals();
    make_folders();
    end_ns = bench_now_ns() + bench_options.seconds * 1000000000ull;
    user_addr area = load_map(GENERATOR_AREA), words = load_map(PAGE_SIZE);
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
    user_addr memory = load_map(KIB(64) + GENERATOR_BUFFER);

    for (const char *p = argc > 1 ? argv[1] : "0"; *p; p++)
        generator.random.state = generator.random.state * 10 + (u64)(*p - '0');
    generator.area = load_map(GENERATOR_AREA);
    generator.words = load_map(PAGE_SIZE);
    if (!memory || !generator.area || !generator.words)
        return 1;
    user_scratch_set(memory, KIB(64));
    generator.buffer = memory + KIB(64);
    catch_signals();
    load_calls(&generator, LOAD_CHILD_CALLS);
    return 4;
}
