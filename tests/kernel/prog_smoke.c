// SPDX-License-Identifier: BSD-3-Clause
// The bench itself works: files, faults, signals, threads, processes, execve.
#include "base/string.h"
#include "programs.h"

static user_addr map(size_t size)
{
    long at = os_call(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    USER_CHECK(at > 0);
    return (user_addr)at;
}

static void test_files(void)
{
    char text[6] = { 0 };
    long fd = os_call(__NR_openat, AT_FDCWD, user_string("/tmp/a"), O_CREAT | O_RDWR, 0644);
    USER_CHECK(fd >= 0);
    USER_CHECK_EQ(os_call(__NR_write, fd, user_string("hello"), 5), 5);
    user_addr buf = user_scratch(16);
    USER_CHECK_EQ(os_call(__NR_pread64, fd, buf, 16, 0), 5);
    user_read(text, buf, 5);
    USER_CHECK(strcmp(text, "hello") == 0);
    USER_CHECK_EQ(os_call(__NR_close, fd), 0);
    fd = os_call(__NR_openat, AT_FDCWD, user_string("/host/a"), O_CREAT | O_RDWR, 0644);
    USER_CHECK(fd >= 0);
    USER_CHECK_EQ(os_call(__NR_write, fd, user_string("world"), 5), 5);
    USER_CHECK_EQ(os_call(__NR_write, fd, 1, 16), -EFAULT);
    USER_CHECK_EQ(os_call(__NR_close, fd), 0);
}

static u32 signals_seen;

static void on_signal(int signo, user_addr info, user_addr context)
{
    signals_seen++;
    USER_CHECK(os_call(__NR_getpid) > 0);
}

static user_addr faulting;

static void on_fault(int signo, user_addr info, user_addr context)
{
    siginfo_t siginfo;
    user_read(&siginfo, info, sizeof(siginfo));
    USER_CHECK_EQ(siginfo.si_addr, faulting);
    USER_CHECK_EQ(os_call(__NR_mprotect, faulting, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    signals_seen++;
}

static void test_signals(void)
{
    USER_CHECK_EQ(user_sigaction(SIGUSR1, on_signal, 0), 0);
    USER_CHECK_EQ(os_call(__NR_kill, os_call(__NR_getpid), SIGUSR1), 0);
    USER_CHECK_EQ(signals_seen, 1);
    USER_CHECK_EQ(user_sigaction(SIGSEGV, on_fault, SA_SIGINFO), 0);
    faulting = map(PAGE_SIZE);
    USER_CHECK_EQ(os_call(__NR_mprotect, faulting, PAGE_SIZE, PROT_READ), 0);
    user_write(faulting, "x", 1);
    USER_CHECK_EQ(signals_seen, 2);
}

static int thread_body(u64 word)
{
    user_store32(word, 77);
    os_call(__NR_futex, word, FUTEX_WAKE, 1, 0);
    return 0;
}

static void test_threads(void)
{
    user_addr word = map(PAGE_SIZE), stack = map(KIB(64)), tid = word + 64;
    user_store32(tid, 1);
    long child = user_clone(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                                CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID,
                            thread_body, word, stack + KIB(64), tid);
    USER_CHECK(child > 0);
    while (user_load32(word) != 77)
        os_call(__NR_futex, word, FUTEX_WAIT, 0, 0);
    while (user_load32(tid) != 0)
        os_call(__NR_futex, tid, FUTEX_WAIT, child, 0);
}

static int child_body(u64 arg)
{
    static const char *const argv[] = { "smoke", "child", NULL };
    long stack = os_call(__NR_mmap, 0, KIB(16), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    user_scratch_set((user_addr)stack, KIB(16));
    if (arg)
        user_execve("/bin/smoke", argv);
    return 5;
}

static void test_processes(void)
{
    for (u64 exec = 0; exec < 2; exec++) {
        user_addr stack = map(KIB(64)), status = map(PAGE_SIZE);
        long child = user_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, child_body, exec, stack + KIB(64), 0);
        USER_CHECK(child > 0);
        USER_CHECK_EQ(os_call(__NR_wait4, child, status, 0, 0), child);
        USER_CHECK_EQ(user_load32(status), (exec ? 6 : 5) << 8);
    }
}

int program_smoke(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "child") == 0)
        return 6;
    user_scratch_set(map(KIB(64)), KIB(64));
    test_files();
    test_signals();
    test_threads();
    test_processes();
    return 0;
}
