// SPDX-License-Identifier: BSD-3-Clause
// Many threads over few TCSs, a busy TCS, threads that end while they are inside, two processes with an enclave each,
// fork and exec beside enclaves. TAP.
#include "loader.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TCSS = 16, WORKERS = 64, ROUNDS = 30 };

static struct enclave enclave;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t returned = PTHREAD_COND_INITIALIZER;
static u32 pool[TCSS], in_pool, inside, most_inside;
static u64 busy_refusals, other_faults;

static u32 take(void)
{
    pthread_mutex_lock(&lock);
    while (!in_pool)
        pthread_cond_wait(&returned, &lock);
    u32 tcs = pool[--in_pool];
    if (++inside > most_inside)
        most_inside = inside;
    pthread_mutex_unlock(&lock);
    return tcs;
}

static void put_back(u32 tcs)
{
    pthread_mutex_lock(&lock);
    pool[in_pool++] = tcs;
    inside--;
    pthread_cond_signal(&returned);
    pthread_mutex_unlock(&lock);
}

static void *pooled(void *argument)
{
    struct enclave_run run;
    for (int i = 0; i < ROUNDS; i++) {
        u32 tcs = take();
        enclave_call(tcs_of(&enclave, tcs), ENCLU_EENTER, OP_ADD, enclave.base + DATA, 1, 0, &run);
        if (run.function != ENCLU_EEXIT)
            __atomic_fetch_add(&other_faults, 1, __ATOMIC_RELAXED);
        put_back(tcs);
    }
    return argument;
}

// No pool: any TCS, until one lets this thread in. Each visit waits inside a while.
static void *crowding(void *argument)
{
    struct enclave_run run;
    u64 tcs = (u64)(uintptr_t)argument;
    for (int visits = 0; visits < ROUNDS / 3; tcs += 7) {
        enclave_call(tcs_of(&enclave, (u32)(tcs % TCSS)), ENCLU_EENTER, OP_ADD, enclave.base + DATA + 64, 1, 0, &run);
        if (run.function == ENCLU_EEXIT)
            visits++;
        else if (run.function == ENCLU_EENTER && run.vector == 13)
            __atomic_fetch_add(&busy_refusals, 1, __ATOMIC_RELAXED);
        else
            __atomic_fetch_add(&other_faults, 1, __ATOMIC_RELAXED), visits++;
    }
    return NULL;
}

static void run_all(void *(*work)(void *))
{
    pthread_t thread[WORKERS];
    for (u64 i = 0; i < WORKERS; i++)
        pthread_create(&thread[i], NULL, work, (void *)i);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(thread[i], NULL);
}

struct spinner {
    u64 tcs;
    volatile u32 inside, go;
    u64 answer;
    pthread_t thread;
};

static void *spin(void *argument)
{
    struct spinner *s = argument;
    struct enclave_run run;
    s->answer =
        enclave_call(s->tcs, ENCLU_EENTER, OP_SPIN, (u64)(uintptr_t)&s->go, (u64)(uintptr_t)&s->inside, 0, &run);
    return NULL;
}

static void start(struct spinner *s, u32 tcs)
{
    *s = (struct spinner){ .tcs = tcs_of(&enclave, tcs) };
    pthread_create(&s->thread, NULL, spin, s);
    while (!s->inside)
        usleep(100);
}

static void busy(void)
{
    struct spinner s;
    struct enclave_run run;
    start(&s, 0);
    enclave_call(s.tcs, ENCLU_EENTER, OP_LOAD, enclave.base + DATA, 0, 0, &run);
    check(run.function == ENCLU_EENTER && run.vector == 13, "EENTER of a busy TCS is #GP (leaf %u, vector %u)",
          run.function, run.vector);
    enclave_call(s.tcs, ENCLU_ERESUME, 0, 0, 0, 0, &run);
    check(run.function == ENCLU_ERESUME && run.vector == 13, "ERESUME of a busy TCS is #GP");
    s.go = 77;
    pthread_join(s.thread, NULL);
    check(s.answer == 77, "the thread inside did not notice");
    enclave_call(tcs_of(&enclave, 1), ENCLU_ERESUME, 0, 0, 0, 0, &run);
    check(run.function == ENCLU_ERESUME && run.vector == 13, "ERESUME with CSSA 0 is #GP");
    enclave_call(enclave.base + DATA, ENCLU_EENTER, 0, 0, 0, 0, &run);
    check(run.function == ENCLU_EENTER && run.vector == 14 && run.error == 0x8005,
          "EENTER of a page that is no TCS is #PF (%u, %#x)", run.vector, run.error);
    enclave_call(tcs_of(&enclave, 0) + 8, ENCLU_EENTER, 0, 0, 0, 0, &run);
    check(run.vector == 13, "EENTER of an unaligned TCS is #GP");
    check(fault_of(&enclave, OP_NESTED, 0, 0, 0, NULL, NULL) == 13, "EENTER inside is #GP");
}

static void quit(int sig)
{
    (void)sig;
    pthread_exit(NULL);
}

// A thread is sent a signal while it waits inside and ends in the handler: its TCS is idle again with one frame used.
static void quit_inside(void)
{
    struct spinner s;
    struct enclave_run run;
    signal(SIGUSR1, quit);
    for (u32 i = 2; i < 6; i++) {
        start(&s, i);
        pthread_kill(s.thread, SIGUSR1);
        pthread_join(s.thread, NULL);
    }
    bool usable = true;
    for (u32 i = 2; i < 6; i++)
        usable &=
            enclave_call(tcs_of(&enclave, i), ENCLU_EENTER, OP_STORE, enclave.base + DATA + 128, i, 0, &run) == i &&
            run.function == ENCLU_EEXIT;
    check(usable, "the TCS of a thread that ended inside can be entered at CSSA 1");
    unwind(tcs_of(&enclave, 2));
    enclave_call(tcs_of(&enclave, 2), ENCLU_ERESUME, 0, 0, 0, 0, &run);
    check(run.vector == 13, "another thread resumes what it left, once");
}

// Both at CSSA 1 already: an exception there uses the second frame, then no frame is left.
static void frames_run_out(void)
{
    struct enclave_run run;
    u64 tcs = tcs_of(&enclave, 7);
    for (int i = 0; i < 2; i++)
        enclave_call(tcs, ENCLU_EENTER, OP_FAULT, EVENT_UD, 0, 0, &run);
    check(run.function == ENCLU_ERESUME && run.vector == 6, "an exception at CSSA 1");
    enclave_call(tcs, ENCLU_EENTER, OP_LOAD, enclave.base + DATA, 0, 0, &run);
    check(run.function == ENCLU_EENTER && run.vector == 13, "EENTER with no SSA frame left is #GP");
}

static int status_of(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

// The process ends while 4 of its threads are inside, in each way a process can end.
static void end_with_threads_inside(const char *how, int want)
{
    pid_t child = fork();
    if (child == 0) {
        struct spinner s[4];
        if (!enclave_build(&enclave, &(struct enclave_config){ .threads = 4 }))
            _exit(99);
        for (u32 i = 0; i < 4; i++)
            start(&s[i], i);
        if (!strcmp(how, "exit_group"))
            _exit(7);
        if (!strcmp(how, "SIGKILL"))
            kill(getpid(), SIGKILL);
        if (!strcmp(how, "SIGSEGV"))
            __asm__ volatile("movq %rax, 8");
        if (!strcmp(how, "exec"))
            execl("/bin/sh", "sh", "-c", "exit 9", (char *)NULL);
        _exit(98);
    }
    int status = status_of(child);
    check(status == want, "a process ends by %s with 4 threads inside: status %#x", how, status);
}

// Two processes, an enclave each, at once: they alternate over pipes and count in their own enclaves.
static void two_processes(void)
{
    int to[2], from[2];
    if (pipe(to) || pipe(from))
        abort();
    pid_t child = fork();
    struct enclave own;
    if (!enclave_build(&own, &(struct enclave_config){ .tag = child ? 1 : 2 })) {
        if (!child)
            _exit(1);
        check(false, "an enclave beside one in another process");
        return;
    }
    int in = child ? from[0] : to[0], out = child ? to[1] : from[1];
    u64 count = 0, step = child ? 1 : 1000;
    bool ok = true;
    if (child && write(out, &count, 8) != 8)
        abort();
    for (int i = 0; i < 50; i++) {
        if (read(in, &count, 8) != 8)
            break;
        ok &= ask(&own, OP_ADD, own.base + DATA + 8, step, 0) == (u64)i * step;
        count += step;
        if (write(out, &count, 8) != 8)
            break;
    }
    if (!child)
        _exit(ok ? 0 : 1);
    bool other = status_of(child) == 0;
    check(ok && other && ask(&own, OP_LOAD, own.base + DATA + 8, 0, 0) == 50, "two processes, each with its enclave");
    check(count == 50 * 1001 - 1000 || count == 50 * 1001, "they took turns: %lu", count);
    enclave_destroy(&own);
}

// fork shares the enclave (its pages are not copied); the child may enter it (Linux: the mapping is shared).
static void forked(void)
{
    (void)ask(&enclave, OP_STORE, enclave.base + DATA + 256, 5, 0);
    pid_t child = fork();
    if (child == 0) {
        struct enclave_run run;
        u64 before = enclave_call(tcs_of(&enclave, 8), ENCLU_EENTER, OP_ADD, enclave.base + DATA + 256, 1, 0, &run);
        _exit(run.function == ENCLU_EEXIT && before == 5 ? 0 : 1);
    }
    check(status_of(child) == 0, "a forked child enters the same enclave");
    check(ask(&enclave, OP_LOAD, enclave.base + DATA + 256, 0, 0) == 6, "the parent sees what the child wrote");
    struct spinner s;
    start(&s, 9);
    int status = system("exit 3");
    child = fork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    int executed = status_of(child);
    s.go = 1;
    pthread_join(s.thread, NULL);
    check(WEXITSTATUS(status) == 3 && executed == 0 && s.answer == 1,
          "system(), fork and exec while another thread is inside");
}

// For processes.py: says `ready` with 4 threads inside, and so until it is killed. Two: a child does the same.
static int wait_inside(bool two)
{
    int ready[2];
    struct spinner s[4];
    u8 byte;
    if (pipe(ready))
        return 1;
    bool child = two && fork() == 0;
    if (!enclave_build(&enclave, &(struct enclave_config){ .threads = 4 }))
        return 1;
    for (u32 i = 0; i < 4; i++)
        start(&s[i], i);
    if (child && write(ready[1], "", 1) != 1)
        return 1;
    if (!child && (!two || read(ready[0], &byte, 1) == 1))
        printf("ready\n");
    for (;;)
        pause();
}

// Enclaves are built, entered by threads and left behind, as fast as it goes.
static int churn(void)
{
    EVP_PKEY *key = new_key();
    printf("ready\n");
    for (;;) {
        struct spinner s[2];
        if (!enclave_build(&enclave, &(struct enclave_config){ .threads = 2, .key = key }))
            return 1;
        for (u32 i = 0; i < 2; i++)
            start(&s[i], i);
        for (u32 i = 0; i < 2; i++) {
            s[i].go = 1;
            pthread_join(s[i].thread, NULL);
        }
        enclave_destroy(&enclave);
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1)
        return !strcmp(argv[1], "churn") ? churn() : wait_inside(!strcmp(argv[1], "wait-two"));
    bool built = enclave_build(&enclave, &(struct enclave_config){ .threads = TCSS });
    check(built, "an enclave with %d TCSs", TCSS);
    if (!built)
        return 1;
    for (in_pool = 0; in_pool < TCSS; in_pool++)
        pool[in_pool] = in_pool;
    run_all(pooled);
    u64 sum = ask(&enclave, OP_LOAD, enclave.base + DATA, 0, 0);
    check(sum == WORKERS * ROUNDS && !other_faults && in_pool == TCSS, "%d threads, a pool of %d TCSs: %lu visits",
          WORKERS, TCSS, sum);
    check(most_inside == TCSS, "all TCSs were in use at once (%u)", most_inside);
    run_all(crowding);
    sum = ask(&enclave, OP_LOAD, enclave.base + DATA + 64, 0, 0);
    check(sum == WORKERS * (ROUNDS / 3) && !other_faults, "%d threads at random TCSs: %lu visits, %lu times busy",
          WORKERS, sum, busy_refusals);
    busy();
    quit_inside();
    frames_run_out();
    forked();
    two_processes();
    end_with_threads_inside("exit_group", 7 << 8);
    end_with_threads_inside("SIGKILL", SIGKILL);
    end_with_threads_inside("SIGSEGV", SIGSEGV);
    end_with_threads_inside("exec", 9 << 8);
    return done();
}
