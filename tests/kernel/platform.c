// SPDX-License-Identifier: BSD-3-Clause
// The bench's host: the loader's own code for host calls and threads, over a platform that is this process. Faults of
// the user copies are real: mprotect and SIGSEGV.
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "bench.h"
#include "lies.h"
#include "loader/clock.h"
#include "loader/host_signals.h"
#include "loader/messages.h"
#include "loader/ocall_dispatch.h"
#include "loader/runtime.h"
#include "loader/host_poll.h"
#include "loader/threads.h"
#include "platform.h"

void __sanitizer_print_stack_trace(void);

// --- printing and ending

static int messages = STDERR_FILENO;

void platform_keep_messages(void)
{
    messages = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 900);
    if (messages < 0)
        messages = STDERR_FILENO;
}

static void print(const char *prefix, const char *format, va_list args)
{
    char line[512];
    int n = snprintf(line, sizeof(line), "%s", prefix);
    n += vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
    if (write(messages, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line)) < 0)
        return;
}

void bench_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print("", format, args);
    va_end(args);
}

void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print("BENCH: ", format, args);
    va_end(args);
    bench_print("\n");
    __sanitizer_print_stack_trace();
    _exit(BENCH_EXIT_FAULT);
}

u64 bench_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

void bench_yield(void) { sched_yield(); }
void bench_sleep_us(u32 us) { usleep(us); }

// --- faults of the user copies

void machine_copy_begin(void);
void machine_copy_end(void);
void machine_copy_fault(void);
void machine_string_fault(void);
void machine_cmpxchg_fault(void);
void machine_string(void);
void machine_cmpxchg(void);

static uintptr_t address(void (*fn)(void)) { return (uintptr_t)fn; }

// As exception.c sends a fault in usercopy.S on.
static uintptr_t fixup(uintptr_t rip)
{
    if (rip < address(machine_copy_begin) || rip >= address(machine_copy_end))
        return 0;
    if (rip >= address(machine_cmpxchg))
        return address(machine_cmpxchg_fault);
    return rip >= address(machine_string) ? address(machine_string_fault) : address(machine_copy_fault);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    uintptr_t to = fixup((uintptr_t)*rip);
    if (!to)
        bench_fail("signal %d at %#llx, address %p", signo, (unsigned long long)*rip, info->si_addr);
    *rip = (greg_t)to;
}

static void on_interrupt(int signo) {}
int platform_interrupt_signal(void) { return SIGURG; }

static void install_handlers(void)
{
    struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    struct sigaction interrupt = { .sa_handler = on_interrupt };
    sigaction(SIGSEGV, &fault, NULL);
    sigaction(SIGBUS, &fault, NULL);
    sigaction(SIGURG, &interrupt, NULL);
    signal(SIGPIPE, SIG_IGN);
}

// --- entering and leaving

static __thread jmp_buf way_out;
static __thread struct enclave_exit last_exit;
static __thread u64 entered_slot;

void bench_set_gs(u64 base)
{
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, base) != 0)
        bench_fail("arch_prctl");
}

void bench_left(u64 reason, u64 value)
{
    last_exit = (struct enclave_exit){ reason, value };
    longjmp(way_out, 1);
}

static struct enclave_exit enter(void *thread, u64 slot, u64 code, u64 arg, u64 arena, u64 arena_size)
{
    entered_slot = slot;
    if (setjmp(way_out) == 0)
        machine_enter(slot, code, arg, arena, arena_size);
    return last_exit;
}

struct platform_counts platform_counts;

static int attach(void **ret_thread)
{
    *ret_thread = NULL;
    return 0;
}

// The programs are functions of this process and keep its %fs.
static int set_fs(void *thread, u64 base) { return 0; }

s64 bench_host_call(u64 number, struct ocall_frame *frame, const u64 arg[8])
{
    if (bench_options.invent)
        return lies_invent(number, frame, arg);
    s64 result = ocall_dispatch(threads_of_slot(entered_slot), number, arg);
    return bench_options.lies ? lies_tell(number, frame, arg, result) : result;
}

u64 bench_lies_told(void) { return __atomic_load_n(&lies_told, __ATOMIC_RELAXED); }

static __thread jmp_buf refusal;
static __thread bool may_refuse;

bool bench_may_refuse(void) { return may_refuse; }
void bench_refuse(void) { longjmp(refusal, 1); }

bool bench_refused(void (*fn)(struct user_random *random), struct user_random *random)
{
    bool refused = setjmp(refusal) != 0;
    may_refuse = !refused;
    if (!refused)
        fn(random);
    may_refuse = false;
    return refused;
}

s64 bench_native_call(long number, const u64 args[6])
{
    long result = syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
    return result < 0 ? -errno : result;
}

// --- memory: as in simulation

static bool is_user_range(u64 addr, u64 len)
{
    return addr >= BENCH_USER_START && len <= BENCH_USER_SIZE && addr - BENCH_USER_START <= BENCH_USER_SIZE - len;
}

static int mem_protect(u64 addr, u64 len, u32 prot)
{
    if (!is_user_range(addr, len))
        return -EINVAL;
    return mprotect((void *)addr, len, (int)(prot & 7)) == 0 ? 0 : -errno;
}

static int mem_discard(u64 addr, u64 len)
{
    if (!is_user_range(addr, len))
        return -EINVAL;
    return madvise((void *)addr, len, MADV_DONTNEED) == 0 ? 0 : -errno;
}

static int mem_commit(u64 addr, u64 len) { return mem_protect(addr, len, PROT_READ | PROT_WRITE); }

static int mem_move(u64 addr, u64 len, u64 from, u32 prot)
{
    int err = is_user_range(addr, len) && is_user_range(from, len) ? mem_protect(from, len, prot) : -EINVAL;
    if (err)
        return err;
    if (mremap((void *)from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)addr) == MAP_FAILED)
        return -errno;
    void *hole = mmap((void *)from, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    return hole == MAP_FAILED ? -errno : 0;
}

static const struct platform_ops platform_bench = {
    .name = "bench",
    .attach_thread = attach,
    .enter = enter,
    .set_fs = set_fs,
    .mem_protect = mem_protect,
    .mem_discard = mem_discard,
    .mem_commit = mem_commit,
    .mem_move = mem_move,
};

static void reserve(u64 addr, u64 len, int prot)
{
    void *at = mmap((void *)addr, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (at != (void *)addr)
        bench_fail("the range at %#lx is not free: %s", addr, strerror(errno));
}

int platform_run(const char *const *argv)
{
    static struct host_start_args args;
    static char text[512];
    size_t used = 0;

    for (size_t i = 0; argv[i]; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", argv[i]) + 1;
    args = (struct host_start_args){
        .argv = (u64)(uintptr_t)text,
        .argv_size = used,
        .envp = (u64)(uintptr_t) "",
        .shared_page = (u64)(uintptr_t)&loader_page,
        .log_level = getenv("BENCH_LOG") ? strtoull(getenv("BENCH_LOG"), NULL, 10) : 0,
        .stdio_flags = 3, // the error output is the bench's own
    };
    clock_init();
    reserve(BENCH_USER_START, BENCH_USER_SIZE, PROT_NONE);
    reserve(BENCH_SLOTS_START, MIB(16), PROT_READ | PROT_WRITE);
    int null = open("/dev/null", O_RDWR);
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0)
        bench_fail("/dev/null");
    install_handlers();
    machine_init();
    if (threads_init(&platform_bench, BENCH_SLOTS) || host_poll_init())
        bench_fail("threads");
    messages_set_program(argv[0]);
    runtime_init(&platform_bench);
    if (host_signals_init())
        bench_fail("signals");
    clock_sync();
    return threads_run_first((u64)(uintptr_t)&args);
}
