// SPDX-License-Identifier: BSD-3-Clause
// POSIX threads as libraries and programs use them: cancellation, mutexes, conditions, barriers, locks, semaphores.
#include "surface.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#define ANSWER(call) tell("%s = %s", #call, strerrorname_np(call) ?: "0")
static struct timespec soon(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += 10000000;
    if (t.tv_nsec >= 1000000000)
        t.tv_sec++, t.tv_nsec -= 1000000000;
    return t;
}
static void *join(pthread_t thread)
{
    void *result = NULL;
    int err = pthread_join(thread, &result);
    if (err)
        tell("join: %s", strerrorname_np(err));
    return result;
}
static pthread_t start(void *(*run)(void *), void *arg)
{
    pthread_t thread = 0;
    int err = pthread_create(&thread, NULL, run, arg);
    if (err)
        tell("create: %s", strerrorname_np(err));
    return thread;
}
static void *sleeps(void *arg)
{
    pause();
    return NULL;
}
CASE(cancelled_in_a_call)
{
    pthread_t t = start(sleeps, NULL);
    usleep(5000);
    ANSWER(pthread_cancel(t));
    tell("cancelled %d", join(t) == PTHREAD_CANCELED);
}
static volatile int cleaned;
static void clean(void *arg) { cleaned = (long)arg; }
static void *with_cleanup(void *arg)
{
    pthread_cleanup_push(clean, (void *)5);
    pause();
    pthread_cleanup_pop(0);
    return NULL;
}
CASE(cancelled_with_cleanup)
{
    cleaned = 0;
    pthread_t t = start(with_cleanup, NULL);
    usleep(5000);
    pthread_cancel(t);
    tell("cancelled %d", join(t) == PTHREAD_CANCELED);
    tell("cleaned %d", cleaned);
}
static void *disabled(void *arg)
{
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    *(volatile int *)arg = 1;
    usleep(20000);
    tell("still there");
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    pthread_testcancel();
    tell("not reached");
    return NULL;
}
CASE(cancelled_later)
{
    volatile int ready = 0;
    pthread_t t = start(disabled, (void *)&ready);
    while (!ready)
        usleep(100);
    pthread_cancel(t);
    tell("cancelled %d", join(t) == PTHREAD_CANCELED);
}
static void *spins(void *arg)
{
    int old;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    *(volatile int *)arg = 1;
    for (;;)
        ;
}
CASE(cancelled_anywhere)
{
    volatile int ready = 0;
    pthread_t t = start(spins, (void *)&ready);
    while (!ready)
        usleep(100);
    pthread_cancel(t);
    tell("cancelled %d", join(t) == PTHREAD_CANCELED);
}
static pthread_mutex_t of_cond = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static void unlock(void *mutex) { tell("unlock %s", strerrorname_np(pthread_mutex_unlock(mutex)) ?: "0"); }
static void *waits(void *arg)
{
    pthread_mutex_lock(&of_cond);
    pthread_cleanup_push(unlock, &of_cond);
    *(volatile int *)arg = 1;
    pthread_cond_wait(&cond, &of_cond);
    pthread_cleanup_pop(1);
    return NULL;
}
CASE(cancelled_at_a_condition)
{
    volatile int ready = 0;
    pthread_t t = start(waits, (void *)&ready);
    while (!ready)
        usleep(100);
    pthread_mutex_lock(&of_cond);
    pthread_mutex_unlock(&of_cond);
    pthread_cancel(t);
    tell("cancelled %d", join(t) == PTHREAD_CANCELED);
}
static pthread_mutex_t mutex_of(int type, int protocol, int robust)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t mutex;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, type);
    pthread_mutexattr_setprotocol(&attr, protocol);
    pthread_mutexattr_setrobust(&attr, robust);
    pthread_mutex_init(&mutex, &attr);
    return mutex;
}
static void *tries(void *mutex) { return (void *)(long)pthread_mutex_trylock(mutex); }
static void *unlocks(void *mutex) { return (void *)(long)pthread_mutex_unlock(mutex); }
static void kinds_of_mutex(int protocol, int robust)
{
    for (int type = PTHREAD_MUTEX_NORMAL; type <= PTHREAD_MUTEX_ERRORCHECK; type++) {
        pthread_mutex_t m = mutex_of(type, protocol, robust);
        struct timespec t = soon(CLOCK_REALTIME);
        tell("type %d", type);
        ANSWER(pthread_mutex_lock(&m));
        ANSWER(pthread_mutex_trylock(&m));
        ANSWER(pthread_mutex_timedlock(&m, &t));
        tell("other tries: %s", strerrorname_np((long)join(start(tries, &m))) ?: "0");
        if (type != PTHREAD_MUTEX_NORMAL || robust)
            tell("other unlocks: %s", strerrorname_np((long)join(start(unlocks, &m))) ?: "0");
        ANSWER(pthread_mutex_unlock(&m));
    }
}
CASE(mutex_kinds) { kinds_of_mutex(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED); }
CASE(mutex_kinds_robust) { kinds_of_mutex(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST); }
CASE(mutex_kinds_inherit) { kinds_of_mutex(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED); }
CASE(mutex_kinds_inherit_robust) { kinds_of_mutex(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_ROBUST); }
CASE(condition_times_out)
{
    pthread_condattr_t attr;
    pthread_cond_t c;
    pthread_condattr_init(&attr);
    pthread_mutex_lock(&of_cond);
    struct timespec t = soon(CLOCK_REALTIME), past = { 1, 0 }, wrong = { 1, 1000000000 };
    ANSWER(pthread_cond_timedwait(&cond, &of_cond, &t));
    ANSWER(pthread_cond_timedwait(&cond, &of_cond, &past));
    ANSWER(pthread_cond_timedwait(&cond, &of_cond, &wrong));
    ANSWER(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
    ANSWER(pthread_condattr_setclock(&attr, CLOCK_PROCESS_CPUTIME_ID));
    ANSWER(pthread_cond_init(&c, &attr));
    t = soon(CLOCK_MONOTONIC);
    ANSWER(pthread_cond_timedwait(&c, &of_cond, &t));
    pthread_mutex_unlock(&of_cond);
}
static pthread_barrier_t barrier;
static void *at_barrier(void *arg) { return (void *)(long)pthread_barrier_wait(&barrier); }
CASE(barriers)
{
    ANSWER(pthread_barrier_init(&barrier, NULL, 0));
    ANSWER(pthread_barrier_init(&barrier, NULL, 3));
    pthread_t a = start(at_barrier, NULL), b = start(at_barrier, NULL);
    int serial = pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    serial += (long)join(a) == PTHREAD_BARRIER_SERIAL_THREAD;
    serial += (long)join(b) == PTHREAD_BARRIER_SERIAL_THREAD;
    tell("serial %d", serial);
    ANSWER(pthread_barrier_destroy(&barrier));
}
static void *reads(void *lock) { return (void *)(long)pthread_rwlock_tryrdlock(lock); }
static void *writes(void *lock) { return (void *)(long)pthread_rwlock_trywrlock(lock); }
CASE(read_write_locks)
{
    pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
    struct timespec t = soon(CLOCK_REALTIME);
    ANSWER(pthread_rwlock_rdlock(&l));
    ANSWER(pthread_rwlock_tryrdlock(&l));
    ANSWER(pthread_rwlock_trywrlock(&l));
    ANSWER(pthread_rwlock_timedwrlock(&l, &t));
    tell("other writes: %s", strerrorname_np((long)join(start(writes, &l))) ?: "0");
    ANSWER(pthread_rwlock_unlock(&l));
    ANSWER(pthread_rwlock_unlock(&l));
    ANSWER(pthread_rwlock_wrlock(&l));
    ANSWER(pthread_rwlock_wrlock(&l));
    tell("other reads: %s", strerrorname_np((long)join(start(reads, &l))) ?: "0");
    ANSWER(pthread_rwlock_unlock(&l));
}
CASE(semaphores)
{
    sem_t s;
    int value;
    struct timespec t = soon(CLOCK_REALTIME), wrong = { 0, -1 };
    SEE(sem_init(&s, 0, -1));
    SEE(sem_init(&s, 0, 1));
    SEE(sem_wait(&s));
    SEE(sem_trywait(&s));
    SEE(sem_timedwait(&s, &t));
    SEE(sem_timedwait(&s, &wrong));
    SEE(sem_post(&s));
    SEE(sem_getvalue(&s, &value));
    tell("%d", value);
    sem_init(&s, 0, SEM_VALUE_MAX);
    SEE(sem_post(&s));
}
static void posts(void)
{
    sem_t *s = sem_open("/surface-semaphore", 0);
    SEE(s == SEM_FAILED);
    SEE(sem_post(s));
}
CASE(semaphores_by_name)
{
    sem_unlink("/surface-semaphore");
    SEE((long)sem_open("/surface-semaphore", 0));
    SEE((long)sem_open("", O_CREAT, 0600, 1));
    SEE((long)sem_open("/a/b", O_CREAT, 0600, 1));
    sem_t *s = sem_open("/surface-semaphore", O_CREAT | O_EXCL, 0600, 0);
    SEE(s == SEM_FAILED);
    SEE((long)sem_open("/surface-semaphore", O_CREAT | O_EXCL, 0600, 0));
    in_child(posts);
    SEE(sem_wait(s));
    SEE(sem_unlink("/surface-semaphore"));
    SEE(sem_unlink("/surface-semaphore"));
    SEE(sem_close(s));
}
static pthread_key_t key;
static volatile int destroyed;
static void destroy(void *value) { destroyed += (long)value; }
static void *keeps(void *arg)
{
    pthread_setspecific(key, (void *)3);
    return NULL;
}
CASE(keys)
{
    destroyed = 0;
    ANSWER(pthread_key_create(&key, destroy));
    join(start(keeps, NULL));
    tell("destroyed %d", destroyed);
    tell("%d", pthread_getspecific(key) == NULL);
    ANSWER(pthread_key_delete(key));
    ANSWER(pthread_key_delete(key));
    ANSWER(pthread_setspecific(key, (void *)1));
}
static void *nothing(void *arg) { return NULL; }
CASE(joins)
{
    pthread_t t = start(nothing, NULL);
    ANSWER(pthread_detach(t));
    t = start(sleeps, NULL);
    ANSWER(pthread_tryjoin_np(t, NULL));
    struct timespec at = soon(CLOCK_REALTIME);
    ANSWER(pthread_timedjoin_np(t, NULL, &at));
    ANSWER(pthread_join(pthread_self(), NULL));
    pthread_cancel(t);
    join(t);
}
CASE(attributes)
{
    pthread_attr_t a;
    size_t size;
    pthread_attr_init(&a);
    ANSWER(pthread_attr_setstacksize(&a, 1));
    ANSWER(pthread_attr_setstacksize(&a, 1 << 20));
    ANSWER(pthread_attr_getstacksize(&a, &size));
    tell("%zu", size);
    ANSWER(pthread_attr_setdetachstate(&a, 99));
    ANSWER(pthread_attr_setschedpolicy(&a, 99));
    ANSWER(pthread_attr_setinheritsched(&a, PTHREAD_EXPLICIT_SCHED));
    struct sched_param p = { 1 };
    ANSWER(pthread_attr_setschedpolicy(&a, SCHED_FIFO));
    ANSWER(pthread_attr_setschedparam(&a, &p));
    pthread_t t;
    ANSWER(pthread_create(&t, &a, sleeps, NULL));
    int policy;
    ANSWER(pthread_getschedparam(t, &policy, &p));
    tell("%d %d", policy, p.sched_priority);
    p.sched_priority = 7;
    ANSWER(pthread_setschedparam(t, SCHED_RR, &p));
    ANSWER(pthread_getschedparam(t, &policy, &p));
    tell("%d %d", policy, p.sched_priority);
    ANSWER(pthread_setschedprio(t, 200));
    pthread_cancel(t);
    join(t);
}
static volatile int got;
static void note(int signo) { got = signo; }
CASE(signals_to_threads)
{
    pthread_t t = start(sleeps, NULL);
    got = 0;
    signal(SIGUSR1, note);
    ANSWER(pthread_kill(t, 0));
    ANSWER(pthread_kill(t, 99));
    usleep(5000);
    ANSWER(pthread_kill(t, SIGUSR1));
    join(t);
    tell("got %d", got);
    signal(SIGUSR1, SIG_DFL);
}
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int times_run;
static void run_once(void) { times_run++; }
CASE(once_only)
{
    pthread_once(&once, run_once);
    pthread_once(&once, run_once);
    tell("%d", times_run);
}
static int before, parent, child;
static void on_before(void) { before++; }
static void on_parent(void) { parent++; }
static void on_child(void) { child++; }
static void tell_forks(void) { tell("child: %d %d %d", before, parent, child); }
CASE(fork_handlers)
{
    static bool registered;
    if (!registered)
        pthread_atfork(on_before, on_parent, on_child);
    registered = true;
    in_child(tell_forks);
    tell("parent: %d %d %d", before, parent, child);
}
