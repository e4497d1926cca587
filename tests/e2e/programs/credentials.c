// SPDX-License-Identifier: BSD-3-Clause
// Users, groups and capabilities, as a program sees them: each line tells what Linux answers.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "told.h"

static const char *self;

static void ids(const char *when)
{
    uid_t r, e, s;
    gid_t a, b, c;
    getresuid(&r, &e, &s);
    getresgid(&a, &b, &c);
    printf("%s: uids %u %u %u fs %d, gids %u %u %u fs %d\n", when, r, e, s, setfsuid(-1), a, b, c, setfsgid(-1));
}

static void caps(const char *when)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { 0 };
    long r = syscall(SYS_capget, &h, d);
    printf("%s: capget %ld, e %d p %d i %x, keep %d, securebits %d\n", when, r, d[0].effective != 0,
           d[0].permitted != 0, d[0].inheritable, prctl(PR_GET_KEEPCAPS), prctl(PR_GET_SECUREBITS));
}

static long set_caps(unsigned effective, unsigned permitted, unsigned inheritable)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { effective, permitted, inheritable }, { 0, 0, 0 } };
    return syscall(SYS_capset, &h, d);
}

static void run(void (*part)(void))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        part();
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (status)
        printf("status %x\n", status);
}

static void changing(void)
{
    ids("root");
    caps("root");
    TELL(setgroups(3, (gid_t[]){ 30, 10, 20 }));
    gid_t groups[8];
    int n = getgroups(8, groups);
    printf("groups %d: %u %u %u\n", n, groups[0], groups[1], groups[2]);
    TELL(getgroups(2, groups));
    TELL(setgroups(70000, groups));
    TELL(syscall(SYS_setgroups, 1, NULL));
    TELL(setgid(33));
    TELL(setuid(33));
    ids("33");
    caps("33");
    TELL(setuid(0));
    TELL(seteuid(0));
    TELL(setreuid(0, -1));
    TELL(setgroups(0, NULL));
    TELL(setgid(0));
    TELL(setuid(33));
    TELL(syscall(SYS_setuid, -1));
    TELL(chroot("/"));
    TELL(set_caps(1, 1, 0));
    TELL(set_caps(0, 0, 0));
}

static void back_and_forth(void)
{
    TELL(setresuid(1, 2, 3));
    ids("1 2 3");
    caps("1 2 3");
    TELL(setresuid(2, 3, 1));
    TELL(setresuid(4, -1, -1));
    TELL(setreuid(1, 3));
    ids("after setreuid");
    TELL(setreuid(-1, 9));
    TELL(setfsuid(7));
    TELL(setfsuid(1));
    ids("fs 1");
}

static void temporarily(void)
{
    TELL(seteuid(5));
    ids("euid 5");
    caps("euid 5");
    TELL(open("/tmp/secret", O_RDONLY));
    TELL(access("/tmp/secret", R_OK));
    TELL(faccessat(AT_FDCWD, "/tmp/secret", R_OK, AT_EACCESS));
    TELL(seteuid(0));
    caps("euid 0");
    TELL(setfsuid(6));
    TELL(open("/tmp/secret", O_RDONLY));
    TELL(setfsuid(0));
    int fd = open("/tmp/secret", O_RDONLY);
    printf("opened %d\n", fd >= 0);
}

static void keeping(void)
{
    TELL(prctl(PR_SET_KEEPCAPS, 1));
    TELL(prctl(PR_SET_KEEPCAPS, 2));
    TELL(setresuid(8, 8, 8));
    caps("kept");
    TELL(set_caps(1 << CAP_SETUID, 1 << CAP_SETUID | 1 << CAP_KILL, 0));
    TELL(setuid(0));
    caps("root again");
    TELL(set_caps(~0u, ~0u, 0));
    TELL(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
    TELL(prctl(PR_CAPBSET_READ, CAP_CHOWN));
    TELL(prctl(PR_CAPBSET_READ, 99));
    TELL(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
}

static void bounding(void)
{
    TELL(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
    TELL(prctl(PR_CAPBSET_READ, CAP_CHOWN));
    TELL(prctl(PR_CAPBSET_DROP, 77));
    TELL(set_caps(1 << CAP_SETPCAP | 1 << CAP_NET_RAW, 1 << CAP_SETPCAP | 1 << CAP_NET_RAW, 1 << CAP_NET_RAW));
    caps("some");
    TELL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
    TELL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    TELL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0));
    TELL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 1, 0));
    TELL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    TELL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0));
    TELL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
    TELL(prctl(PR_SET_SECUREBITS, 0));
    TELL(prctl(PR_SET_SECUREBITS, 0x10000));
    TELL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    TELL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    TELL(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    TELL(open("/tmp/secret", O_RDONLY));
    TELL(chown("/tmp/secret", 1, 1));
}

static void versions(void)
{
    struct __user_cap_header_struct h = { 1, 0 };
    struct __user_cap_data_struct d[2] = { 0 };
    TELL(syscall(SYS_capget, &h, NULL));
    printf("version %x\n", h.version);
    h.version = 1;
    TELL(syscall(SYS_capget, &h, d));
    h = (struct __user_cap_header_struct){ _LINUX_CAPABILITY_VERSION_1, 0 };
    TELL(syscall(SYS_capget, &h, d));
    h = (struct __user_cap_header_struct){ _LINUX_CAPABILITY_VERSION_3, -1 };
    TELL(syscall(SYS_capget, &h, d));
    h.pid = 999999;
    TELL(syscall(SYS_capget, &h, d));
    TELL(syscall(SYS_capset, &h, d));
    h.pid = 0;
    TELL(syscall(SYS_capset, &h, NULL));
    TELL(syscall(SYS_capget, NULL, d));
}

static void owner(const char *path)
{
    struct stat st;
    if (lstat(path, &st))
        printf("%s: %s\n", path, strerrorname_np(errno));
    else
        printf("%s: %u %u %o\n", path, st.st_uid, st.st_gid, st.st_mode);
}

static void become(uid_t uid, gid_t gid)
{
    setgroups(1, (gid_t[]){ 100 });
    setresgid(gid, gid, gid);
    setresuid(uid, uid, uid);
}

static void files_of_user(void)
{
    become(33, 33);
    TELL(open("/tmp/secret", O_RDONLY));
    TELL(open("/tmp/secret", O_PATH) >= 0);
    TELL(access("/tmp/secret", F_OK));
    TELL(access("/tmp/secret", R_OK));
    TELL(chmod("/tmp/secret", 0777));
    TELL(chown("/tmp/secret", 33, 33));
    TELL(truncate("/tmp/secret", 0));
    TELL(unlink("/tmp/secret")); // a sticky folder
    TELL(rename("/tmp/secret", "/tmp/other"));
    TELL(mkdir("/bin/x", 0755));
    TELL(open("/bin/x", O_CREAT | O_WRONLY, 0600));
    TELL(symlink("a", "/bin/x"));
    TELL(unlink("/bin/hello"));
    TELL(open("/tmp/closed/file", O_RDONLY));
    TELL(chdir("/tmp/closed"));
    TELL(access("/tmp/closed/none", F_OK));
    TELL(open("/tmp/readable", O_RDONLY) >= 0);
    TELL(open("/tmp/readable", O_RDWR));
    TELL(open("/tmp/readable", O_RDONLY | O_TRUNC));
    TELL(open("/tmp/readable", O_RDONLY | O_NOATIME));
    TELL(open("/tmp/group", O_RDWR));
    TELL(open("/tmp/group100", O_RDWR) >= 0);
    TELL(utimensat(AT_FDCWD, "/tmp/readable", NULL, 0));
    TELL(utimensat(AT_FDCWD, "/tmp/readable", (struct timespec[]){ { 1, 0 }, { 1, 0 } }, 0));
    TELL(utimensat(AT_FDCWD, "/tmp/group100", NULL, 0));
    TELL(utimensat(AT_FDCWD, "/tmp/group100", (struct timespec[]){ { 1, 0 }, { 1, 0 } }, 0));
    TELL(execl("/tmp/readable", "x", NULL));
}

static void own_files(void)
{
    become(33, 33);
    umask(0);
    close(open("/tmp/mine", O_CREAT | O_WRONLY, 04755));
    owner("/tmp/mine");
    TELL(chmod("/tmp/mine", 06755));
    owner("/tmp/mine");
    TELL(chown("/tmp/mine", -1, 100));
    owner("/tmp/mine");
    TELL(chown("/tmp/mine", -1, 5));
    TELL(chown("/tmp/mine", 34, -1));
    TELL(chown("/tmp/mine", 33, 33));
    TELL(chmod("/tmp/mine", 06755));
    int fd = open("/tmp/mine", O_WRONLY);
    owner("/tmp/mine");
    TELL(write(fd, "x", 1));
    owner("/tmp/mine");
    TELL(chmod("/tmp/mine", 06755));
    TELL(ftruncate(fd, 0));
    owner("/tmp/mine");
    TELL(fchmod(fd, 04711));
    close(fd);
    TELL(open("/tmp/mine", O_WRONLY | O_TRUNC) >= 0);
    owner("/tmp/mine");
    TELL(mkdir("/tmp/shared/sub", 0777));
    owner("/tmp/shared/sub");
    close(open("/tmp/shared/file", O_CREAT | O_WRONLY, 0666));
    owner("/tmp/shared/file");
    close(open("/tmp/shared/set", O_CREAT | O_WRONLY, 02775));
    owner("/tmp/shared/set");
    symlink("x", "/tmp/shared/link");
    owner("/tmp/shared/link");
    TELL(chmod("/tmp/mine", 0));
    TELL(open("/tmp/mine", O_RDONLY));
    TELL(mkdir("/tmp/dir", 0500));
    TELL(open("/tmp/dir/x", O_CREAT | O_WRONLY, 0600));
    TELL(mkdir("/tmp/from", 0700));
    TELL(chmod("/tmp/from", 0500));
    TELL(rename("/tmp/from", "/tmp/shared/from")); // its ".." would change
    TELL(rename("/tmp/from", "/tmp/from2"));
    TELL(unlink("/tmp/mine"));
    fd = memfd_create("m", 0);
    struct stat st;
    fstat(fd, &st);
    printf("memfd %u %u\n", st.st_uid, st.st_gid);
    int sock = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = { AF_UNIX, "/bin/sock" };
    TELL(bind(sock, (struct sockaddr *)&name, sizeof(name)));
    strcpy(name.sun_path, "/tmp/closed-socket");
    TELL(connect(sock, (struct sockaddr *)&name, sizeof(name)));
}

static pid_t victim;

// The system call's answer is 20 less the value, never negative as getpriority(3)'s may be.
static int nice_is_told(int which, id_t who) { return syscall(SYS_getpriority, which, who) < 0 ? -1 : 0; }

static void as_stranger(void)
{
    struct rlimit64 limit;
    become(33, 33);
    TELL(kill(victim, 0));
    TELL(kill(victim, SIGTERM));
    TELL(kill(victim, SIGCONT)); // of the same session
    TELL(kill(getppid(), SIGUSR1));
    TELL(syscall(SYS_tgkill, victim, victim, SIGTERM));
    TELL(setpriority(PRIO_PROCESS, victim, 5));
    TELL(setpriority(PRIO_PROCESS, 0, 5));
    TELL(setpriority(PRIO_PROCESS, 0, 1));
    TELL(nice_is_told(PRIO_PROCESS, victim));
    TELL(nice_is_told(PRIO_USER, 40));
    TELL(getpriority(PRIO_USER, 999));
    TELL(prlimit64(victim, RLIMIT_NOFILE, NULL, &limit));
    TELL(prlimit64(0, RLIMIT_NPROC, NULL, &limit));
    limit = (struct rlimit64){ 5, 10 };
    TELL(prlimit64(0, RLIMIT_CORE, &limit, NULL));
    limit.rlim_max = 11;
    TELL(prlimit64(0, RLIMIT_CORE, &limit, NULL));
}

static void as_owner(void)
{
    setresuid(-1, 40, -1);
    TELL(kill(victim, 0));
    TELL(kill(victim, SIGURG));
}

static void with_capability(void)
{
    setresuid(33, 0, 0);
    TELL(kill(getppid(), SIGUSR1));
}

static void others(void)
{
    int ready[2];
    char c;
    siginfo_t info;
    sigset_t set;
    pipe(ready);
    victim = fork();
    if (!victim) {
        setresuid(40, 41, 40);
        write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    read(ready[0], &c, 1);
    run(as_stranger);
    run(as_owner);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    run(with_capability);
    sigwaitinfo(&set, &info);
    printf("sender %d\n", info.si_uid);
    kill(victim, SIGKILL);
    waitid(P_PID, victim, &info, WEXITED);
    printf("child %d\n", info.si_uid);
}

static void dumpable(void)
{
    printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    setuid(33);
    int sig = -1;
    prctl(PR_GET_PDEATHSIG, &sig);
    printf("dumpable %d, death signal %d\n", prctl(PR_GET_DUMPABLE), sig);
}

static void show_exec(void)
{
    ids("exec");
    caps("exec");
    printf("aux %lu %lu %lu %lu secure %lu, dumpable %d\n", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID),
           getauxval(AT_EGID), getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
}

static void exec_plain(void)
{
    become(33, 33);
    execl(self, self, "exec", NULL);
}

static void exec_setuid(void)
{
    become(33, 33);
    execl("/tmp/setuid", "setuid", "exec", NULL);
    perror("exec");
}

static void exec_setgid(void)
{
    become(33, 33);
    execl("/tmp/setgid", "setgid", "exec", NULL);
}

static void exec_no_new_privs(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    become(33, 33);
    execl("/tmp/setuid", "setuid", "exec", NULL);
}

static void exec_euid(void)
{
    setresuid(33, 0, 0);
    execl(self, self, "exec", NULL);
}

static void exec_keep(void)
{
    prctl(PR_SET_KEEPCAPS, 1);
    setresuid(8, 8, 8);
    execl(self, self, "exec", NULL);
}

static void exec_ambient(void)
{
    prctl(PR_SET_KEEPCAPS, 1);
    setresuid(8, 8, 8);
    set_caps(1 << CAP_NET_RAW, 1 << CAP_NET_RAW, 1 << CAP_NET_RAW);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
    execl(self, self, "exec", NULL);
}

static void copy_program(const char *to, mode_t mode, uid_t uid, gid_t gid)
{
    char buf[65536];
    int in = open(self, O_RDONLY), out = open(to, O_CREAT | O_WRONLY | O_TRUNC, 0755);
    for (ssize_t n; (n = read(in, buf, sizeof(buf))) > 0;)
        write(out, buf, n);
    fchown(out, uid, gid);
    fchmod(out, mode);
    close(in);
    close(out);
}

static void make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    close(open(path, O_CREAT | O_WRONLY, 0600));
    chown(path, uid, gid);
    chmod(path, mode);
}

int main(int argc, char **argv)
{
    self = argv[0];
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1) {
        show_exec();
        return 0;
    }
    umask(022);
    chmod("/tmp", 01777);
    make("/tmp/secret", 0600, 0, 0);
    make("/tmp/readable", 0644, 0, 0);
    make("/tmp/group", 0660, 0, 50);
    make("/tmp/group100", 0660, 0, 100);
    mkdir("/tmp/closed", 0700);
    make("/tmp/closed/file", 0644, 0, 0);
    mkdir("/tmp/shared", 0);
    chown("/tmp/shared", 0, 50);
    chmod("/tmp/shared", 02777);
    owner("/tmp/shared");
    int sock = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = { AF_UNIX, "/tmp/closed-socket" };
    bind(sock, (struct sockaddr *)&name, sizeof(name));
    chmod("/tmp/closed-socket", 0700);
    listen(sock, 1);
    copy_program("/tmp/setuid", 04755, 44, 44);
    copy_program("/tmp/setgid", 02755, 44, 45);
    owner("/tmp/setuid");
    owner("/tmp/setgid");
    chown("/tmp/setuid", -1, 46); // clears the bit
    owner("/tmp/setuid");
    chmod("/tmp/setuid", 04755);

    void (*parts[])(void) = { changing,      back_and_forth,    temporarily, keeping,   bounding,    versions,
                              files_of_user, own_files,         others,      dumpable,  exec_plain,  exec_setuid,
                              exec_setgid,   exec_no_new_privs, exec_euid,   exec_keep, exec_ambient };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        printf("-- %zu\n", i);
        run(parts[i]);
    }
    return 0;
}
