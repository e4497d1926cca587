// SPDX-License-Identifier: BSD-3-Clause
#include "base/string.h"
#include "fake.h"
#include "libos/syscall/prototypes.h"

// The sleep of the one thread: what other threads do meanwhile.
static void (*meanwhile)(void);
static int sleeps;

void waiter_init(struct waiter *waiter) { *waiter = (struct waiter){ .slot = fake_thread.wake }; }

int waiter_sleep(struct waiter *waiter, s64 deadline)
{
    if (meanwhile)
        meanwhile();
    if (++sleeps > 3)
        return deadline == WAIT_FOREVER ? -EINTR : -ETIMEDOUT;
    return 0;
}

struct mutex process_lock = MUTEX_INIT(LOCK_PROCESS);
struct thread *process_find_thread(u32 tid) { return tid == fake_thread.tid ? &fake_thread : NULL; }

static u32 wake_op_word(u32 op, u32 arg, u32 compare, u32 than) { return op << 28 | compare << 24 | arg << 12 | than; }
static u32 *cell(int i) { return (u32 *)fake_user + i; }
static long result;

static long wait_on(int i, u32 value, void (*event)(void))
{
    sleeps = 0;
    meanwhile = event;
    return sys_futex(cell(i), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static void wake_first(void) { result = sleeps ? result : sys_futex(cell(0), FUTEX_WAKE, 1, NULL, NULL, 0); }

static void requeue_then_wake(void)
{
    if (sleeps == 0)
        result = sys_futex(cell(0), FUTEX_CMP_REQUEUE, 0, (void *)(uintptr_t)5, cell(1), 7);
    else if (sleeps == 1)
        result = result * 100 + sys_futex(cell(0), FUTEX_WAKE, 1, NULL, NULL, 0) * 10 +
                 sys_futex(cell(1), FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void requeue_to_itself(void)
{
    if (sleeps == 0)
        result = sys_futex(cell(0), FUTEX_REQUEUE, 0, (void *)(uintptr_t)INT32_MAX, cell(0), 0);
}

static void wake_op_second(void)
{
    // cell 2 += 3, was 4: more than 3, so cell 0 (the second address's test) wakes as well.
    if (sleeps == 0)
        result = sys_futex(cell(3), FUTEX_WAKE_OP, 1, (void *)(uintptr_t)1, cell(0),
                           wake_op_word(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_GT, 3));
}

TEST(wait_and_wake)
{
    fake_reset();
    *cell(0) = 7;
    CHECK_EQ(wait_on(0, 6, NULL), -EAGAIN);
    CHECK_EQ(wait_on(0, 7, wake_first), 0);
    CHECK_EQ(result, 1);
    CHECK_EQ(wait_on(0, 7, NULL), -ERESTARTSYS);
    CHECK_EQ(sys_futex(cell(0), FUTEX_WAKE, 1, NULL, NULL, 0), 0); // the interrupted one is gone
    CHECK_EQ(sys_futex((u32 *)((u8 *)cell(0) + 1), FUTEX_WAIT, 7, NULL, NULL, 0), -EINVAL);
    CHECK_EQ(sys_futex((u32 *)(uintptr_t)16, FUTEX_WAIT, 7, NULL, NULL, 0), -EFAULT);
    CHECK_EQ(sys_futex(cell(0), FUTEX_WAIT_BITSET, 7, NULL, NULL, 0), -EINVAL);
    CHECK_EQ(sys_futex(cell(0), 99, 0, NULL, NULL, 0), -ENOSYS);
}

TEST(requeue)
{
    fake_reset();
    *cell(0) = 7;
    CHECK_EQ(wait_on(0, 7, requeue_then_wake), 0);
    CHECK_EQ(result, 101); // moved 1; nobody on the old address; 1 woken on the new one
    CHECK_EQ(sys_futex(cell(0), FUTEX_CMP_REQUEUE, 0, (void *)(uintptr_t)5, cell(1), 8), -EAGAIN);
    CHECK_EQ(sys_futex(cell(0), FUTEX_REQUEUE, UINT32_MAX, (void *)(uintptr_t)5, cell(1), 0), -EINVAL);
    CHECK_EQ(wait_on(0, 7, requeue_to_itself), -ERESTARTSYS); // ends
}

TEST(wake_op)
{
    fake_reset();
    *cell(0) = 4;
    CHECK_EQ(wait_on(0, 4, wake_op_second), 0);
    CHECK_EQ(result, 1);
    CHECK_EQ(*cell(0), 7);
    *cell(0) = 0xf0;
    CHECK_EQ(sys_futex(cell(3), FUTEX_WAKE_OP, 1, NULL, cell(0), wake_op_word(FUTEX_OP_ANDN, 0x30, FUTEX_OP_CMP_EQ, 0)),
             0);
    CHECK_EQ(*cell(0), 0xc0);
    CHECK_EQ(sys_futex(cell(3), FUTEX_WAKE_OP, 1, NULL, cell(0),
                       wake_op_word(FUTEX_OP_OPARG_SHIFT | FUTEX_OP_OR, 4, FUTEX_OP_CMP_EQ, 0)),
             0);
    CHECK_EQ(*cell(0), 0xd0);
    CHECK_EQ(sys_futex(cell(3), FUTEX_WAKE_OP, 1, NULL, cell(0), 0x70000000u), -ENOSYS);
}

TEST(robust_list)
{
    struct robust_list_head *head = (struct robust_list_head *)(fake_user + 4096);
    struct robust_list *lock = (struct robust_list *)(fake_user + 8192);

    fake_reset();
    fake_thread.tid = 42;
    *head = (struct robust_list_head){ .list.next = lock, .futex_offset = 16 };
    lock->next = lock; // a hostile list that never comes back to its head
    u32 *value = (u32 *)(fake_user + 8192 + 16);
    *value = 42 | FUTEX_WAITERS;
    CHECK_EQ(sys_set_robust_list(head, sizeof(*head)), 0);
    robust_list_exit(&fake_thread);
    CHECK_EQ(*value, FUTEX_WAITERS | FUTEX_OWNER_DIED);
    *value = 43; // somebody else's
    robust_list_exit(&fake_thread);
    CHECK_EQ(*value, 43);
    CHECK_EQ(sys_set_robust_list(head, 8), -EINVAL);
}
