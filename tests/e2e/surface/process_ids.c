// SPDX-License-Identifier: BSD-3-Clause
// Users, groups, capabilities, sessions and process groups.
#include "surface.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static void ids(const char *after)
{
    uid_t r, e, s;
    gid_t g, h, i;
    getresuid(&r, &e, &s);
    getresgid(&g, &h, &i);
    tell("%s: uid %d %d %d gid %d %d %d", after, r, e, s, g, h, i);
}
static void root_changes(void)
{
    SEE(setuid(-1));
    SEE(setgid(-1));
    SEE(setreuid(-1, 1000));
    ids("setreuid -1 1000");
    SEE(setreuid(-1, 0));
    SEE(setregid(5, -1));
    ids("setregid 5 -1");
    SEE(setresuid(1, 2, 0));
    ids("setresuid 1 2 0");
    SEE(setresuid(3, -1, -1));
    SEE(setresuid(-1, 0, -1));
    SEE(setresuid(0, 0, 0));
    SEE(setuid(7));
    ids("setuid 7");
    SEE(setuid(0));
    SEE(seteuid(0));
    SEE(setreuid(7, 7));
    SEE(setregid(9, 9));
}
CASE(root_and_back) { tell("%s", status_text(in_child(root_changes))); }
static void nobody_changes(void)
{
    ids("nobody");
    SEE(setuid(0));
    SEE(setuid(65534));
    SEE(setgid(0));
    SEE(setreuid(-1, 0));
    SEE(setreuid(0, -1));
    SEE(setreuid(-1, -1));
    SEE(setregid(0, -1));
    SEE(setregid(-1, 0));
    SEE(setresuid(-1, -1, 0));
    SEE(setresgid(0, -1, -1));
    SEE(setresgid(-1, -1, -1));
    SEE(setgroups(0, NULL));
    SEE(initgroups("root", 0));
    SEE(setfsuid(0));
    SEE(setfsuid(-1));
    SEE(setfsgid(0));
    SEE(setfsgid(-1));
    SEE(chroot("."));
    SEE(sethostname("x", 1));
    SEE(syscall(SYS_setdomainname, "x", 1));
    SEE(syscall(SYS_mount, "none", ".", "tmpfs", 0, NULL));
    SEE(syscall(SYS_umount2, ".", 0));
    SEE(syscall(SYS_mknod, "n", S_IFCHR | 0600, 0x103));
    SEE(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
    SEE(syscall(SYS_swapon, "f", 0));
    SEE(syscall(SYS_swapoff, "f"));
    SEE(syscall(SYS_acct, NULL));
    SEE(syscall(SYS_pivot_root, ".", "."));
    SEE(syscall(SYS_iopl, 3));
    SEE(syscall(SYS_ioperm, 0, 1, 1));
    SEE(syscall(SYS_vhangup));
}
CASE(nobody_may_not) { tell("%s", status_text(as_nobody(nobody_changes))); }
static void filesystem_ids(void)
{
    SEE(setfsuid(1000));
    SEE(setfsuid(-1));
    SEE(setfsgid(1000));
    SEE(setfsgid(-1));
    file_with("f", "x");
    struct stat st;
    stat("f", &st);
    tell("%d %d", st.st_uid, st.st_gid);
    SEE(setresuid(0, 5, 0));
    SEE(setfsuid(-1));
}
CASE(filesystem_users)
{
    chmod(".", 0777);
    in_child(filesystem_ids);
}
static void group_lists(void)
{
    gid_t list[8] = { 1, 2, 3, 2 }, got[8] = { 0 };
    SEE(setgroups(4, list));
    SEE(getgroups(0, NULL));
    SEE(getgroups(3, got));
    SEE(getgroups(8, got));
    tell("%d %d %d %d", got[0], got[1], got[2], got[3]);
    SEE(syscall(SYS_getgroups, -1, got));
    SEE(syscall(SYS_getgroups, 8, bad));
    SEE(syscall(SYS_setgroups, 65537, list));
    SEE(syscall(SYS_setgroups, -1, list));
    SEE(syscall(SYS_setgroups, 1, bad));
    list[0] = -1;
    SEE(syscall(SYS_setgroups, 1, list));
    SEE(setgroups(0, NULL));
    SEE(getgroups(8, got));
}
CASE(groups) { in_child(group_lists); }
CASE(getres_faults)
{
    int n;
    SEE(syscall(SYS_getresuid, bad, &n, &n));
    SEE(syscall(SYS_getresuid, &n, bad, &n));
    SEE(syscall(SYS_getresuid, &n, &n, bad));
    SEE(syscall(SYS_getresgid, bad, &n, &n));
    SEE(syscall(SYS_getresgid, &n, &n, bad));
}
static long capget(int version, int pid, struct __user_cap_data_struct *data)
{
    struct __user_cap_header_struct header = { version, pid };
    long r = syscall(SYS_capget, &header, data);
    if (r && errno == EINVAL)
        tell("version %x", header.version);
    return r;
}
CASE(capget_arguments)
{
    struct __user_cap_data_struct data[2];
    SEE(capget(_LINUX_CAPABILITY_VERSION_3, 0, data));
    SEE(capget(_LINUX_CAPABILITY_VERSION_2, 0, data));
    SEE(capget(_LINUX_CAPABILITY_VERSION_1, 0, data));
    SEE(capget(_LINUX_CAPABILITY_VERSION_3, getpid(), data));
    SEE(capget(_LINUX_CAPABILITY_VERSION_3, getppid(), data));
    SEE(capget(_LINUX_CAPABILITY_VERSION_3, -1, data));
    SEE(capget(_LINUX_CAPABILITY_VERSION_3, 999999, data));
    SEE(capget(0, 0, data));
    SEE(capget(0, 0, NULL));
    SEE(capget(_LINUX_CAPABILITY_VERSION_3, 0, (void *)bad));
    SEE(capget(_LINUX_CAPABILITY_VERSION_3, 0, NULL));
    SEE(syscall(SYS_capget, bad, data));
    SEE(syscall(SYS_capset, bad, data));
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    SEE(syscall(SYS_capset, &h, bad));
    h.pid = 1;
    capget(_LINUX_CAPABILITY_VERSION_3, 0, data);
    SEE(syscall(SYS_capset, &h, data));
    h.version = 0;
    SEE(syscall(SYS_capset, &h, data));
}
static long set_caps(uint32_t effective, uint32_t permitted, uint32_t inheritable)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { effective, permitted, inheritable } };
    return syscall(SYS_capset, &h, d);
}
static void drop(void)
{
    SEE(set_caps(1 << CAP_CHOWN, 1 << CAP_CHOWN | 1 << CAP_KILL, 0));
    SEE(set_caps(1 << CAP_KILL, 1 << CAP_CHOWN, 0));
    SEE(set_caps(0, 1 << CAP_CHOWN | 1 << CAP_KILL, 0));
    SEE(set_caps(1 << CAP_KILL, 1 << CAP_KILL | 1 << CAP_CHOWN, 0));
    SEE(set_caps(0, 1 << CAP_SETUID, 0));
    SEE(set_caps(0, 1 << CAP_KILL, 1 << CAP_KILL));
    SEE(set_caps(0, 1 << CAP_KILL, 1 << CAP_SETUID));
    SEE(setuid(5));
    SEE(chroot("."));
    struct __user_cap_data_struct d[2];
    capget(_LINUX_CAPABILITY_VERSION_3, 0, d);
    tell("%x %x %x", d[0].effective, d[0].permitted, d[0].inheritable);
    SEE(prctl(PR_CAPBSET_READ, CAP_KILL));
    SEE(prctl(PR_CAPBSET_DROP, CAP_KILL));
}
CASE(capabilities_dropped) { tell("%s", status_text(in_child(drop))); }
static void kept(void)
{
    struct __user_cap_data_struct d[2];
    SEE(prctl(PR_SET_KEEPCAPS, 1));
    SEE(setresuid(1000, 1000, 1000));
    capget(_LINUX_CAPABILITY_VERSION_3, 0, d);
    tell("%d %d", d[0].effective != 0, d[0].permitted != 0);
    SEE(prctl(PR_GET_KEEPCAPS));
}
CASE(capabilities_kept) { in_child(kept); }
static void sessions(void)
{
    SEE(setsid() == getpid());
    SEE(setsid());
    SEE(getsid(0) == getpid());
    SEE(setpgid(0, 0));
    SEE(setpgid(getpid(), getppid()));
}
CASE(sessions_begin)
{
    in_child(sessions);
    SEE(getsid(999999));
    SEE(getsid(-1));
    SEE(getsid(getppid()) == getsid(0));
    SEE(getpgid(999999));
    SEE(getpgid(-1));
    SEE(getpgid(getppid()) == getpgrp());
}
static void pgid_rules(void)
{
    SEE(setpgid(-1, 0));
    SEE(setpgid(0, -1));
    SEE(setpgid(999999, 0));
    SEE(setpgid(getppid(), 0));
    SEE(setpgid(0, 999999));
    SEE(setpgid(0, 0));
    SEE(getpgrp() == getpid());
    SEE(setpgid(0, getpgid(getppid())));
    pid_t pid = fork();
    if (!pid) {
        setsid();
        pause();
    }
    while (getsid(pid) != pid)
        usleep(1000);
    SEE(setpgid(pid, 0));
    SEE(setpgid(0, pid));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
CASE(groups_of_processes) { in_child(pgid_rules); }
