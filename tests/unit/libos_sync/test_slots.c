// SPDX-License-Identifier: BSD-3-Clause
// Thread slots before a host that enters when it is not asked to, or says that it did not when it did.
#include "abi/linux/abi.h"
#include "libos/mem/heap.h"
#include "libos/thread/slots.h"
#include "libos/thread/thread.h"
#include "test.h"
#include "trusted/cpu.h"
#include "trusted/exit.h"
#include "trusted/layout.h"
#include "trusted/log.h"
#include "trusted/ocall.h"
#include "trusted/tcs.h"
#include "trusted/vector.h"

enum { SLOTS = 4 };
void gate_entry(void);
void *malloc(size_t);

static struct tls pages[SLOTS];
const struct enclave_layout enclave_layout = { .slots_init = SLOTS, .slots_max = SLOTS, .stack_size = PAGE_SIZE };
enum log_level log_level = LOG_OFF;

struct tls *tls_of_slot(u64 slot) { return &pages[slot]; }
void gate_entry(void) {}
void *kpages_alloc(size_t count) { return malloc(count * PAGE_SIZE); }
size_t vector_state_size(void) { return 832; }
void vector_restore(const void *area) {}
u64 cpu_tsc(void) { return 1; }
int tcs_create(u64 slot) { return -ENOMEM; }
s64 ocall_yield(void) { return 0; }
void log_printf(enum log_level level, const char *format, ...) {}
int thread_set_fs(u64 base) { return 0; }
_Noreturn void thread_exit(void) { __builtin_trap(); }
_Noreturn void thread_return_to_user(struct user_regs *regs) { __builtin_trap(); }

static void *stopped[5]; // where the end of the enclave goes on
static int abort_reason;

_Noreturn void enclave_abort(enum abort_reason reason)
{
    abort_reason = (int)reason;
    __builtin_longjmp(stopped, 1);
}

_Noreturn void enclave_bug(const char *file, int line, const char *cond) { enclave_abort(ABORT_BUG); }

// ECALL_THREAD as entry.S does it. True if the host was let in.
static bool enter(u64 slot)
{
    u64 starting = SLOT_STARTING;
    return __atomic_compare_exchange_n(&pages[slot].state, &starting, SLOT_RUNNING, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static bool host_enters, entered;
static s64 host_answer;

s64 ocall_thread_start(u64 slot)
{
    entered = host_enters && enter(slot);
    return host_answer;
}

// 0 or -errno of the start; INT32_MAX: the enclave was stopped.
static int start(u64 slot, bool enters, s64 answer)
{
    host_enters = enters;
    host_answer = answer;
    abort_reason = 0;
    if (__builtin_setjmp(stopped))
        return INT32_MAX;
    return slot_start(slot);
}

static u64 claimed(struct thread *thread)
{
    __builtin_memset(pages, 0, sizeof(pages));
    for (u64 i = 0; i < SLOTS; i++)
        pages[i].state = i ? SLOT_FREE : SLOT_RUNNING;
    return slot_claim(thread) ? SLOTS : thread->slot;
}

TEST(a_slot_that_is_being_prepared_lets_nobody_in)
{
    struct thread thread = { 0 };
    u64 slot = claimed(&thread);
    CHECK_EQ(slot, 1);
    CHECK(!enter(slot));
    slot_release_unstarted(slot);
    CHECK_EQ(pages[slot].state, SLOT_FREE);
    CHECK(!enter(slot));
}

TEST(an_honest_start)
{
    struct thread thread = { 0 };
    u64 slot = claimed(&thread);
    CHECK_EQ(start(slot, true, 0), 0);
    CHECK(entered);
    CHECK(!enter(slot)); // once
    slot = claimed(&thread);
    CHECK_EQ(start(slot, false, 0), 0);
    CHECK(enter(slot)); // later
}

TEST(a_refused_start_is_taken_back_and_can_be_tried_again)
{
    struct thread thread = { 0 };
    u64 slot = claimed(&thread);
    CHECK_EQ(start(slot, false, -EAGAIN), -EAGAIN);
    CHECK(!enter(slot));
    CHECK_EQ(pages[slot].state, SLOT_CLAIMED);
    CHECK_EQ(start(slot, true, 0), 0);
    CHECK(entered);
}

TEST(a_host_that_enters_and_says_it_did_not_ends_the_enclave)
{
    struct thread thread = { 0 };
    u64 slot = claimed(&thread);
    CHECK_EQ(start(slot, true, -EAGAIN), INT32_MAX);
    CHECK_EQ(abort_reason, ABORT_HOST_LIE);
    CHECK_EQ(pages[slot].state, SLOT_RUNNING); // not given back
}

TEST(a_running_slot_is_not_given_back)
{
    struct thread thread = { 0 };
    u64 slot = claimed(&thread);
    CHECK_EQ(start(slot, true, 0), 0);
    abort_reason = 0;
    if (!__builtin_setjmp(stopped))
        slot_release_unstarted(slot);
    CHECK_EQ(abort_reason, ABORT_BUG);
}

TEST(all_slots_taken)
{
    struct thread threads[SLOTS] = { 0 };
    CHECK_EQ(claimed(&threads[0]), 1);
    CHECK_EQ(slot_claim(&threads[1]), 0);
    CHECK_EQ(slot_claim(&threads[2]), 0);
    CHECK_EQ(slot_claim(&threads[3]), -EAGAIN);
    slot_release_unstarted(threads[1].slot);
    CHECK_EQ(slot_claim(&threads[3]), 0);
    CHECK_EQ(threads[3].slot, threads[1].slot);
}
