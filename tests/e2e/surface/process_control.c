// SPDX-License-Identifier: BSD-3-Clause
// prctl(2), limits, personality, and what describes the system.
#include "surface.h"

#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

CASE(names)
{
    char name[17] = { 0 };
    SEE(prctl(PR_SET_NAME, "a-name-longer-than-fifteen"));
    SEE(prctl(PR_GET_NAME, name));
    tell("%s", name);
    SEE(prctl(PR_SET_NAME, bad));
    SEE(prctl(PR_GET_NAME, bad));
    SEE(prctl(PR_SET_NAME, ""));
    SEE(prctl(PR_GET_NAME, name));
    tell("[%s]", name);
    prctl(PR_SET_NAME, "surface");
}
CASE(unknown_options)
{
    SEE(prctl(-1, 0, 0, 0, 0));
    SEE(prctl(0, 0, 0, 0, 0));
    SEE(prctl(9999, 0, 0, 0, 0));
}
CASE(death_signal)
{
    int signo = 77;
    SEE(prctl(PR_GET_PDEATHSIG, &signo));
    tell("%d", signo);
    SEE(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    SEE(prctl(PR_GET_PDEATHSIG, &signo));
    tell("%d", signo);
    SEE(prctl(PR_SET_PDEATHSIG, 65));
    SEE(prctl(PR_SET_PDEATHSIG, -1));
    SEE(prctl(PR_SET_PDEATHSIG, 0));
    SEE(prctl(PR_GET_PDEATHSIG, bad));
}
CASE(dumpable)
{
    SEE(prctl(PR_GET_DUMPABLE));
    SEE(prctl(PR_SET_DUMPABLE, 2));
    SEE(prctl(PR_SET_DUMPABLE, -1));
    SEE(prctl(PR_SET_DUMPABLE, 0));
    SEE(prctl(PR_GET_DUMPABLE));
    SEE(prctl(PR_SET_DUMPABLE, 1));
}
static void no_new(void)
{
    SEE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SEE(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SEE(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SEE(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    SEE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SEE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SEE(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}
CASE(no_new_privileges) { in_child(no_new); }
static void flags(void)
{
    int value = -1;
    SEE(prctl(PR_SET_CHILD_SUBREAPER, 1));
    SEE(prctl(PR_GET_CHILD_SUBREAPER, &value));
    tell("%d", value);
    SEE(prctl(PR_GET_CHILD_SUBREAPER, bad));
    SEE(prctl(PR_SET_KEEPCAPS, 2));
    SEE(prctl(PR_SET_KEEPCAPS, 1));
    SEE(prctl(PR_GET_KEEPCAPS));
    SEE(prctl(PR_SET_TIMERSLACK, 5000));
    SEE(prctl(PR_GET_TIMERSLACK));
    SEE(prctl(PR_SET_TIMERSLACK, 0));
    SEE(prctl(PR_GET_TIMERSLACK));
    SEE(prctl(PR_GET_TIMING));
    SEE(prctl(PR_SET_TIMING, 0));
    SEE(prctl(PR_SET_TIMING, 1));
    SEE(prctl(PR_GET_SECUREBITS));
    SEE(prctl(PR_SET_SECUREBITS, 1 << 20));
    SEE(prctl(PR_GET_TSC, &value));
    tell("%d", value);
    SEE(prctl(PR_GET_ENDIAN, &value));
    SEE(prctl(PR_GET_FPEMU, &value));
    SEE(prctl(PR_GET_UNALIGN, &value));
    SEE(prctl(PR_GET_SECCOMP));
    SEE(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
    SEE(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    SEE(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
    SEE(prctl(PR_MCE_KILL, 9, 0, 0, 0));
    SEE(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 0, 0));
    SEE(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0));
    SEE(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 1, 0, 0));
    SEE(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    SEE(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0));
    SEE(prctl(PR_CAPBSET_READ, 0));
    SEE(prctl(PR_CAPBSET_READ, 99));
    SEE(prctl(PR_CAPBSET_DROP, 99));
    SEE(prctl(PR_GET_TID_ADDRESS, bad));
    SEE(prctl(PR_TASK_PERF_EVENTS_DISABLE));
}
CASE(flags_kept) { in_child(flags); }
CASE(limits_arguments)
{
    struct rlimit l = { 0 }, wrong = { 10, 5 };
    SEE(syscall(SYS_getrlimit, 16, &l));
    SEE(syscall(SYS_getrlimit, -1, &l));
    SEE(syscall(SYS_getrlimit, RLIMIT_NOFILE, bad));
    SEE(syscall(SYS_setrlimit, RLIMIT_NOFILE, bad));
    SEE(syscall(SYS_setrlimit, 16, &l));
    SEE(syscall(SYS_setrlimit, RLIMIT_CPU, &wrong));
    SEE(syscall(SYS_prlimit64, 0, 16, NULL, &l));
    SEE(syscall(SYS_prlimit64, 0, RLIMIT_CPU, &wrong, NULL));
    SEE(syscall(SYS_prlimit64, -1, RLIMIT_CPU, NULL, &l));
    SEE(syscall(SYS_prlimit64, 999999, RLIMIT_CPU, NULL, &l));
    SEE(syscall(SYS_prlimit64, 0, RLIMIT_CPU, bad, NULL));
    SEE(syscall(SYS_prlimit64, 0, RLIMIT_CPU, NULL, bad));
    SEE(syscall(SYS_prlimit64, 0, RLIMIT_CPU, NULL, NULL));
    SEE(syscall(SYS_prlimit64, getppid(), RLIMIT_CPU, NULL, &l));
    struct rlimit many = { 1 << 30, 1 << 30 };
    SEE(setrlimit(RLIMIT_NOFILE, &many));
}
static void nobody_limits(void)
{
    struct rlimit l, up;
    getrlimit(RLIMIT_NOFILE, &l);
    up = l;
    up.rlim_max++;
    SEE(setrlimit(RLIMIT_NOFILE, &up));
    SEE(syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE, NULL, &l));
    l.rlim_cur = l.rlim_max;
    SEE(setrlimit(RLIMIT_NOFILE, &l));
    l.rlim_cur = l.rlim_max = 20;
    SEE(setrlimit(RLIMIT_NOFILE, &l));
    l.rlim_max = 21;
    SEE(setrlimit(RLIMIT_NOFILE, &l));
}
CASE(limits_as_nobody) { as_nobody(nobody_limits); }
static void big_file(void)
{
    struct rlimit l = { 10, 10 };
    SEE(setrlimit(RLIMIT_FSIZE, &l));
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    SEE(write(fd, "0123456789abcdef", 16));
    SEE(write(fd, "x", 1));
    SEE(ftruncate(fd, 11));
    SEE(truncate("f", 11));
    SEE(fallocate(fd, 0, 0, 11));
    SEE(pwrite(fd, "x", 1, 9));
    SEE(pwrite(fd, "xy", 2, 9));
    signal(SIGXFSZ, SIG_DFL);
    write(fd, "x", 1);
}
CASE(limit_of_files) { tell("%s", status_text(in_child(big_file))); }
static void burn(void)
{
    struct rlimit l = { 1, 2 };
    setrlimit(RLIMIT_CPU, &l);
    l.rlim_cur = 0;
    SEE(setrlimit(RLIMIT_CPU, &l));
}
CASE(limit_of_cpu_set) { in_child(burn); }
static void little_memory(void)
{
    struct rlimit l = { 0, 0 };
    SEE(setrlimit(RLIMIT_AS, &l));
    SEE((long)mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SEE((long)mremap(bad, 4096, 1 << 20, MREMAP_MAYMOVE));
    SEE((long)sbrk(1 << 20));
}
CASE(limit_of_addresses) { in_child(little_memory); }
CASE(personalities)
{
    int old = personality(0xffffffff);
    tell("%x", old);
    SEE(personality(ADDR_NO_RANDOMIZE));
    SEE(personality(0xffffffff));
    SEE(personality(0));
}
CASE(uname_and_info)
{
    struct utsname u;
    SEE(uname(&u));
    tell("%s %s", u.sysname, u.machine);
    SEE(syscall(SYS_uname, bad));
    SEE(syscall(SYS_sysinfo, bad));
    struct sysinfo s;
    SEE(sysinfo(&s));
    tell("%d %d %d", s.uptime > 0, s.totalram > 0, s.procs > 0);
    SEE(syscall(SYS_sethostname, "x", -1));
    SEE(syscall(SYS_sethostname, "x", 65));
    SEE(syscall(SYS_sethostname, bad, 5));
    SEE(syscall(SYS_setdomainname, "x", -1));
    SEE(syscall(SYS_setdomainname, "x", 65));
    SEE(syscall(SYS_setdomainname, bad, 5));
}
CASE(random_bytes)
{
    char buf[600];
    SEE(syscall(SYS_getrandom, buf, 600, 0));
    SEE(syscall(SYS_getrandom, buf, 10, 8));
    SEE(syscall(SYS_getrandom, buf, 10, 1 | 2 | 4));
    SEE(syscall(SYS_getrandom, buf, 10, 2 | 4));
    SEE(syscall(SYS_getrandom, buf, 10, 1));
    SEE(syscall(SYS_getrandom, bad, 10, 0));
    SEE(syscall(SYS_getrandom, buf, 0, 0));
    SEE(syscall(SYS_getrandom, bad, 0, 0));
}
CASE(architecture)
{
    unsigned long base = 0;
    SEE(syscall(SYS_arch_prctl, 0x1003, &base));
    tell("%d", base != 0);
    SEE(syscall(SYS_arch_prctl, 0x1003, bad));
    SEE(syscall(SYS_arch_prctl, 0x9999, 0));
    SEE(syscall(SYS_arch_prctl, 0x1002, 1ul << 63));
}
CASE(not_there)
{
    SEE(syscall(SYS_create_module, "x", 1));
    SEE(syscall(SYS_get_kernel_syms, NULL));
    SEE(syscall(SYS_query_module, NULL, 0, NULL, 0, NULL));
    SEE(syscall(SYS_nfsservctl, 0, NULL, NULL));
    SEE(syscall(SYS_getpmsg));
    SEE(syscall(SYS_putpmsg));
    SEE(syscall(SYS_afs_syscall));
    SEE(syscall(SYS_tuxcall));
    SEE(syscall(SYS_security));
    SEE(syscall(SYS_epoll_ctl_old));
    SEE(syscall(SYS_epoll_wait_old));
    SEE(syscall(SYS_vserver));
    SEE(syscall(SYS__sysctl, NULL));
    SEE(syscall(9999));
    SEE(syscall(-1));
    SEE(syscall(512));
}
