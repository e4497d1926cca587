// SPDX-License-Identifier: BSD-3-Clause
// The random load's processes: some share the memory until they end or become another program, some are forks.
#include "base/fmt.h"
#include "load.h"
#include "programs.h"

enum { CHILDREN_MAX = 6 };

struct child_order {
    struct generator generator;
    u64 kind;
    user_addr mark; // of a fork: a word that parent and child change, each for itself
    u32 marked;     // what is there when it is made
};

// A place is taken before its child is made: who finds none makes no child, and so every child is woken.
static struct place {
    u32 pid; // atomic
    struct child_order order;
} children[CHILDREN_MAX];
enum { NO_CHILD = 0 };
#define COMING_CHILD 0x80000000u // and up: numbers of those that are to come

// A place for a child that is to be made, or NULL. *ret_coming: what is in it until the child says its id.
static struct place *take_place(u32 *ret_coming)
{
    static u32 last;

    *ret_coming = COMING_CHILD | __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        u32 none = NO_CHILD;
        if (__atomic_compare_exchange_n(&children[i].pid, &none, *ret_coming, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return &children[i];
    }
    return NULL;
}

static void tell_pid(struct place *place)
{
    __atomic_store_n(&place->pid, (u32)os_call(__NR_getpid), __ATOMIC_SEQ_CST);
}

user_addr load_map(size_t size)
{
    long at = os_call(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at > 0 ? (user_addr)at : 0;
}

void load_calls(struct generator *generator, u64 count)
{
    struct generated_call call;
    for (u64 i = 0; i < count; i++) {
        generate_call(generator, &call);
        os(call.number, call.args[0], call.args[1], call.args[2], call.args[3], call.args[4], call.args[5]);
    }
}

enum { CHILD_ENDS, CHILD_EXECS, CHILD_EXECS_AMONG_THREADS, CHILD_KINDS };
enum { FORK_OF = 6 }; // one of so many is a fork

static int second_thread(u64 arg)
{
    struct child_order *order = (struct child_order *)(uintptr_t)arg;
    struct generator generator = order->generator;
    user_addr memory = load_map(KIB(32));
    if (!memory)
        return 0;
    user_scratch_set(memory, KIB(32));
    generator.random.state ^= 1;
    load_calls(&generator, LOAD_CHILD_CALLS);
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
    struct place *place = (struct place *)(uintptr_t)arg;
    struct child_order order = place->order;

    tell_pid(place);
    user_addr memory = load_map(KIB(96));
    if (!memory)
        return 1;
    user_scratch_set(memory, KIB(32));
    order.generator.buffer = memory + KIB(32);
    if (order.kind == CHILD_EXECS_AMONG_THREADS)
        user_clone(LOAD_THREAD_FLAGS, second_thread, (u64)(uintptr_t)&place->order, memory + KIB(96), 0);
    load_calls(&order.generator, LOAD_CHILD_CALLS / 4);
    if (order.mark)
        USER_CHECK_EQ(user_load32(order.mark), ~order.marked);
    if (order.kind != CHILD_ENDS)
        become_program(&order);
    os_call(__NR_exit_group, 3);
    return 0;
}

// Beside its parent, in memory that looks the same and is another.
static int fork_body(u64 arg)
{
    struct child_order *order = &((struct place *)(uintptr_t)arg)->order;

    USER_CHECK_EQ(user_exchange32(order->mark, ~order->marked), order->marked);
    return child_body(arg);
}

// The parent goes on at once; its memory stays as it was.
static long make_fork(struct worker *worker, struct place *place)
{
    place->order.mark = worker->stack;
    place->order.marked = worker->marked;
    long pid = user_clone(SIGCHLD, fork_body, (u64)(uintptr_t)place, worker->child_stack + LOAD_STACK, 0);
    USER_CHECK_EQ(user_exchange32(worker->stack, worker->marked + 1), worker->marked);
    worker->marked++;
    return pid;
}

void load_child(struct worker *worker)
{
    struct user_random *random = &worker->generator.random;
    u32 coming;
    struct place *place = take_place(&coming);
    long pid;

    if (!place)
        return;
    place->order = (struct child_order){ .generator = worker->generator, .kind = random_below(random, CHILD_KINDS) };
    place->order.generator.random.state = random_next(random);
    bool forks = random_below(random, FORK_OF) == 0;
    if (forks)
        pid = make_fork(worker, place);
    else // the parent sleeps until the child has another address space, as after vfork
        pid = user_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, child_body, (u64)(uintptr_t)place,
                         worker->child_stack + LOAD_STACK, 0);
    if (pid <= 0 || !forks) // still coming: there was no child, or it ended before it ran
        __atomic_compare_exchange_n(&place->pid, &coming, NO_CHILD, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    if (pid <= 0)
        return;
    worker->pids[worker->next_pid++ % GENERATOR_PIDS] = (u32)pid;
    if (!forks && random_below(random, 2))
        os_call(__NR_kill, pid, SIGKILL);
}

void load_nudge_children(void)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        u32 pid = __atomic_load_n(&children[i].pid, __ATOMIC_SEQ_CST);
        if (pid != NO_CHILD && pid < COMING_CHILD && os_call(__NR_kill, pid, SIGUSR1) == -ESRCH)
            __atomic_store_n(&children[i].pid, NO_CHILD, __ATOMIC_SEQ_CST);
    }
    while (os_call(__NR_wait4, -1, 0, WNOHANG) > 0)
        ;
}
