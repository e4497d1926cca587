// SPDX-License-Identifier: BSD-3-Clause
// futex(2): plain words, locks with owners, many at once.
#include "surface.h"

#include <linux/futex.h>
#include <pthread.h>

static long futex(void *addr, int op, unsigned value, const void *timeout, void *addr2, unsigned value3)
{
    return syscall(SYS_futex, addr, op, value, timeout, addr2, value3);
}
static unsigned word, word2;
static const struct timespec soon = { 0, 20000000 }, past = { 1, 0 }, wrong = { 0, 1000000000 }, negative = { -1, 0 };

CASE(wait_errors)
{
    word = 1;
    SEE(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0));
    SEE(futex(&word, FUTEX_WAIT, 1, &soon, NULL, 0));
    SEE(futex(&word, FUTEX_WAIT, 1, &wrong, NULL, 0));
    SEE(futex(&word, FUTEX_WAIT, 1, &negative, NULL, 0));
    SEE(futex(&word, FUTEX_WAIT, 1, bad, NULL, 0));
    SEE(futex((char *)&word + 1, FUTEX_WAIT, 1, &soon, NULL, 0));
    SEE(futex(bad, FUTEX_WAIT, 1, &soon, NULL, 0));
    SEE(futex(NULL, FUTEX_WAIT, 1, &soon, NULL, 0));
    SEE(futex((void *)-4, FUTEX_WAIT, 1, &soon, NULL, 0));
    SEE(futex(&word, FUTEX_WAIT_BITSET, 1, &past, NULL, 0));
    SEE(futex(&word, FUTEX_WAIT_BITSET, 1, &past, NULL, -1));
    SEE(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, &past, NULL, -1));
    SEE(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, &soon, NULL, 0));
    SEE(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
    SEE(futex(&word, 99, 1, NULL, NULL, 0));
    SEE(futex(&word, FUTEX_FD, 1, NULL, NULL, 0));
}
CASE(wake_errors)
{
    SEE(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
    SEE(futex((char *)&word + 2, FUTEX_WAKE, 1, NULL, NULL, 0));
    SEE(futex(bad, FUTEX_WAKE, 1, NULL, NULL, 0));
    SEE(futex(bad, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SEE(futex((void *)-4, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SEE(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
    SEE(futex(&word, FUTEX_WAKE, -1, NULL, NULL, 0));
}
CASE(requeue_errors)
{
    word = 5;
    SEE(futex(&word, FUTEX_REQUEUE, 1, (void *)1, &word2, 0));
    SEE(futex(&word, FUTEX_REQUEUE, -1, (void *)1, &word2, 0));
    SEE(futex(&word, FUTEX_REQUEUE, 1, (void *)-1, &word2, 0));
    SEE(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word2, 4));
    SEE(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word2, 5));
    SEE(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, bad, 5));
    SEE(futex(bad, FUTEX_CMP_REQUEUE, 1, (void *)1, &word2, 5));
    SEE(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, (char *)&word2 + 1, 5));
}
CASE(wake_op)
{
    word2 = 10;
    SEE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 10)));
    tell("%u", word2);
    SEE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_GT, 0)));
    tell("%u", word2);
    SEE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, FUTEX_OP(FUTEX_OP_SET | 8, 4, FUTEX_OP_CMP_LT, 0)));
    tell("%u", word2);
    SEE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, FUTEX_OP(7, 4, FUTEX_OP_CMP_LT, 0)));
    SEE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, FUTEX_OP(FUTEX_OP_XOR, 3, 9, 0)));
    tell("%u", word2);
    SEE(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, bad, FUTEX_OP(FUTEX_OP_SET, 4, FUTEX_OP_CMP_LT, 0)));
}
static void *waits(void *arg) { return (void *)(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0) ? (long)errno : 0); }
static void *waits_bit(void *bit)
{
    return (void *)(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, (long)bit) ? (long)errno : 0);
}
static long wake_until(long wanted, int op, unsigned count, unsigned bits)
{
    long sum = 0;
    for (int i = 0; i < 2000 && sum < wanted; i++) {
        sum += futex(&word, op, count, NULL, NULL, bits);
        usleep(1000);
    }
    return sum;
}
CASE(wake_counts)
{
    pthread_t t[3];
    word = 0;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, waits, NULL);
    tell("%ld", wake_until(1, FUTEX_WAKE, 0, 0));
    tell("%ld", wake_until(1, FUTEX_WAKE, 1, 0));
    tell("%ld", wake_until(1, FUTEX_WAKE, INT_MAX, 0));
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
}
CASE(wake_bits)
{
    pthread_t a, b;
    word = 0;
    pthread_create(&a, NULL, waits_bit, (void *)1);
    pthread_create(&b, NULL, waits_bit, (void *)2);
    tell("%ld", wake_until(1, FUTEX_WAKE_BITSET, 9, 2));
    pthread_join(b, NULL);
    SEE(futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 4));
    tell("%ld", wake_until(1, FUTEX_WAKE, 9, 0));
    pthread_join(a, NULL);
}
CASE(requeue_moves)
{
    pthread_t t[3];
    word = 0;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, waits, NULL);
    long moved = 0;
    while (moved < 3)
        moved += futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)2, &word2, 0);
    tell("moved %ld", moved);
    SEE(futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0));
    SEE(futex(&word2, FUTEX_CMP_REQUEUE, 1, (void *)1, &word, 0));
    SEE(futex(&word2, FUTEX_WAKE, 9, NULL, NULL, 0));
    SEE(futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0));
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
}

// --- locks with owners
static unsigned lock;
CASE(pi_alone)
{
    lock = 0;
    SEE(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    tell("mine %d", lock == (unsigned)gettid());
    SEE(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SEE(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
    SEE(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    tell("%u", lock);
    SEE(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SEE(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
    SEE(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SEE(futex(bad, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SEE(futex(bad, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SEE(futex((char *)&lock + 1, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    lock = 0x3ffffff0; // nobody's tid
    SEE(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SEE(futex(&lock, FUTEX_LOCK_PI, 0, &wrong, NULL, 0));
    lock = 0;
    SEE(futex(&lock, FUTEX_LOCK_PI2, 0, NULL, NULL, 0));
    SEE(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}
static void *locks(void *arg)
{
    long result = futex(&lock, FUTEX_LOCK_PI, 0, arg, NULL, 0);
    long error = errno;
    if (!result && futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0))
        return (void *)-1;
    return (void *)(result ? error : 0);
}
CASE(pi_hand_over)
{
    pthread_t t;
    void *result;
    lock = 0;
    futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    pthread_create(&t, NULL, locks, NULL);
    while (!(*(volatile unsigned *)&lock & FUTEX_WAITERS))
        usleep(1000);
    usleep(20000);
    SEE(futex(&lock, FUTEX_WAKE, 1, NULL, NULL, 0));
    SEE(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    pthread_join(t, &result);
    tell("%ld, lock %u", (long)result, lock);
    futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= 1000000000)
        until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_create(&t, NULL, locks, &until);
    pthread_join(t, &result);
    tell("%s", strerrorname_np((long)result));
    SEE(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}
static void *dies_with_it(void *arg)
{
    futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    while (!(*(volatile unsigned *)&lock & FUTEX_WAITERS))
        usleep(1000);
    usleep(20000);
    return NULL;
}
CASE(pi_owner_dies)
{
    pthread_t t;
    lock = 0;
    pthread_create(&t, NULL, dies_with_it, NULL);
    while (!*(volatile unsigned *)&lock)
        usleep(1000);
    SEE(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    tell("died %d, mine %d", !!(lock & FUTEX_OWNER_DIED), (lock & FUTEX_TID_MASK) == (unsigned)gettid());
    SEE(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    pthread_join(t, NULL);
}
static pthread_mutex_t mutex;
static long shared_count;
static void *counts(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        shared_count++;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}
CASE(pi_mutex)
{
    pthread_mutexattr_t attr;
    pthread_t t[4];
    pthread_mutexattr_init(&attr);
    SEE(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
    SEE(pthread_mutex_init(&mutex, &attr));
    shared_count = 0;
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, counts, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    tell("%ld", shared_count);
    SEE(pthread_mutex_destroy(&mutex));
}
static void *dies_with_mutex(void *arg)
{
    pthread_mutex_lock(&mutex);
    return NULL;
}
static void robust(int protocol)
{
    pthread_mutexattr_t attr;
    pthread_t t;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setprotocol(&attr, protocol);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    SEE(pthread_mutex_init(&mutex, &attr));
    pthread_create(&t, NULL, dies_with_mutex, NULL);
    pthread_join(t, NULL);
    tell("lock: %s", strerrorname_np(pthread_mutex_lock(&mutex)));
    SEE(pthread_mutex_consistent(&mutex));
    SEE(pthread_mutex_unlock(&mutex));
    SEE(pthread_mutex_lock(&mutex));
    SEE(pthread_mutex_unlock(&mutex));
    SEE(pthread_mutex_destroy(&mutex));
}
CASE(robust_mutex) { robust(PTHREAD_PRIO_NONE); }
CASE(robust_pi_mutex) { robust(PTHREAD_PRIO_INHERIT); }
static void *waits_requeue(void *arg)
{
    long result = futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0), error = errno;
    if (!result)
        futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return (void *)(result ? error : 0);
}
CASE(requeue_pi)
{
    pthread_t t[2];
    void *result;
    word = lock = 0;
    futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, waits_requeue, NULL);
    SEE(futex(&word, FUTEX_CMP_REQUEUE_PI, 2, (void *)9, &lock, 0));
    SEE(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &word, 0));
    SEE(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &lock, 1));
    long moved = 0;
    while (moved < 2)
        moved += futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &lock, 0);
    tell("moved %ld", moved);
    SEE(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    for (int i = 0; i < 2; i++) {
        pthread_join(t[i], &result);
        tell("%ld", (long)result);
    }
    SEE(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, &past, &lock, 0));
    SEE(futex(&word, FUTEX_WAIT_REQUEUE_PI, 1, &past, &lock, 0));
    SEE(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, &past, &word, 0));
}

// --- futex_waitv
struct waitv {
    uint64_t value, addr;
    uint32_t flags, reserved;
};
static long waitv(struct waitv *list, unsigned count, unsigned flags, const void *timeout, int clock)
{
    return syscall(449, list, count, flags, timeout, clock);
}
static void *wakes_second(void *arg)
{
    while (futex(&word2, FUTEX_WAKE, 1, NULL, NULL, 0) == 0)
        usleep(1000);
    return NULL;
}
CASE(many_words)
{
    struct waitv list[2] = { { 0, (uintptr_t)&word, 2, 0 }, { 0, (uintptr_t)&word2, 2, 0 } };
    pthread_t t;
    word = word2 = 0;
    SEE(waitv(list, 2, 0, &past, CLOCK_MONOTONIC));
    SEE(waitv(list, 2, 0, &past, CLOCK_REALTIME));
    SEE(waitv(list, 2, 0, &past, CLOCK_BOOTTIME));
    SEE(waitv(list, 2, 0, &wrong, CLOCK_MONOTONIC));
    SEE(waitv(list, 0, 0, &past, CLOCK_MONOTONIC));
    SEE(waitv(list, 129, 0, &past, CLOCK_MONOTONIC));
    SEE(waitv(list, 2, 1, &past, CLOCK_MONOTONIC));
    SEE(waitv((void *)bad, 2, 0, &past, CLOCK_MONOTONIC));
    SEE(waitv(NULL, 2, 0, &past, CLOCK_MONOTONIC));
    list[1].flags = 0;
    SEE(waitv(list, 2, 0, &past, CLOCK_MONOTONIC));
    list[1].flags = 2;
    list[1].reserved = 1;
    SEE(waitv(list, 2, 0, &past, CLOCK_MONOTONIC));
    list[1].reserved = 0;
    list[1].value = 7;
    SEE(waitv(list, 2, 0, NULL, CLOCK_MONOTONIC));
    list[1].value = 0;
    list[1].addr = (uintptr_t)bad;
    SEE(waitv(list, 2, 0, &past, CLOCK_MONOTONIC));
    list[1].addr = (uintptr_t)&word2;
    pthread_create(&t, NULL, wakes_second, NULL);
    SEE(waitv(list, 2, 0, NULL, CLOCK_MONOTONIC));
    pthread_join(t, NULL);
}
CASE(robust_list_calls)
{
    char head[24];
    void *got;
    size_t len = 0;
    SEE(syscall(SYS_set_robust_list, head, 23));
    SEE(syscall(SYS_get_robust_list, 0, &got, &len));
    tell("%zu", len);
    SEE(syscall(SYS_get_robust_list, 0, bad, &len));
    SEE(syscall(SYS_get_robust_list, 0, &got, bad));
    SEE(syscall(SYS_get_robust_list, 999999, &got, &len));
}
