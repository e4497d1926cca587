// SPDX-License-Identifier: BSD-3-Clause
// gate-live PROGRAM [ARG...]: runs a static program as it is, and again with its system calls rewritten to a
// gate that makes them on its behalf. Output and exit status must be the same. A seccomp filter on the
// instruction pointer reports each call that did not come through the gate.
#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <asm/prctl.h>
#include <unistd.h>

#include "live.h"

#define OUTPUT_MAX 65536

struct run {
    char output[OUTPUT_MAX];
    size_t size;
    int status;
    u64 raw_calls;
};

void live_watch(struct live_shared *shared)
{
    u64 low = (u64)live_gate, high = (u64)live_gate_end;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (u32)(low >> 32), 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (u32)low, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (u32)high, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    struct sock_fprog filter = { .len = ARRAY_SIZE(code), .filter = code };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        err(99, "no_new_privs");
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    if (fd < 0)
        _exit(98); // even a message would wait for the parent
    __atomic_store_n(&shared->listener, (s32)fd, __ATOMIC_RELEASE);
}

_Noreturn static void run_rewritten(char **argv, struct live_shared *shared)
{
    struct live_program program;

    live_load(argv, shared, &program);
    shared->entry = (u64)live_gate;
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, shared))
        err(99, "gs");
    live_watch(shared);
    live_start(program.entry, program.stack);
}

// The child's descriptor, once it has installed its filter; -1 if it ended before.
static int take_listener(pid_t pid, struct live_shared *shared)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd = -1;
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };

    while (!shared->listener && poll(&ended, 1, 1) == 0)
        ;
    if (__atomic_load_n(&shared->listener, __ATOMIC_ACQUIRE))
        fd = (int)syscall(SYS_pidfd_getfd, pidfd, shared->listener, 0);
    close(pidfd);
    return fd;
}

static void let_continue(int listener, struct run *run)
{
    struct seccomp_notif call = { 0 };
    struct seccomp_notif_resp answer = { 0 };

    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
        return;
    run->raw_calls++;
    if (getenv("VERBOSE"))
        fprintf(stderr, "# raw call %d at %#llx\n", call.data.nr,
                (unsigned long long)call.data.instruction_pointer - 2);
    answer.id = call.id;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

// Collects output and serves notifications until the output is closed.
static void collect(int out, int listener, struct run *run)
{
    struct pollfd fds[2] = { { .fd = out, .events = POLLIN }, { .fd = listener, .events = POLLIN } };

    while (poll(fds, 2, 20000) > 0) {
        if (fds[1].revents & POLLIN)
            let_continue(listener, run);
        else if (fds[1].revents)
            fds[1].fd = -1;
        if (fds[0].revents) {
            ssize_t got = read(out, run->output + run->size, sizeof(run->output) - run->size);
            if (got <= 0)
                fds[0].fd = -1;
            else
                run->size += (size_t)got;
        }
        if (fds[0].fd < 0 && fds[1].fd < 0)
            return;
    }
    errx(1, "the program did not end");
}

static void run_program(char **argv, struct live_shared *shared, struct run *run)
{
    int out[2];

    if (pipe(out))
        err(99, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        if (shared)
            run_rewritten(argv, shared);
        execv(argv[0], argv);
        _exit(97);
    }
    close(out[1]);
    int listener = shared ? take_listener(pid, shared) : -1;
    collect(out[0], listener, run);
    close(out[0]);
    waitpid(pid, &run->status, 0);
}

int main(int argc, char **argv)
{
    static struct run plain, rewritten;
    struct live_shared *shared = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (argc < 2 || shared == MAP_FAILED)
        return 99;
    run_program(argv + 1, NULL, &plain);
    run_program(argv + 1, shared, &rewritten);
    bool same = plain.status == rewritten.status && plain.size == rewritten.size &&
                !memcmp(plain.output, rewritten.output, plain.size);
    printf("%s: sites pre %u hole %u trap %u, %u touched; calls through the gate %llu, raw %llu; output of %zu "
           "bytes and status %#x %s\n",
           argv[1], shared->kinds[GATE_PRE], shared->kinds[GATE_HOLE], shared->kinds[GATE_TRAP], shared->patched,
           (unsigned long long)shared->gate_calls, (unsigned long long)rewritten.raw_calls, rewritten.size,
           (unsigned)rewritten.status, same ? "as without" : "DIFFER");
    if (!same)
        printf("--- plain: status %#x\n%.*s\n--- rewritten:\n%.*s\n", (unsigned)plain.status, (int)plain.size,
               plain.output, (int)rewritten.size, rewritten.output);
    return !same || plain.size == 0 || shared->gate_calls == 0;
}
