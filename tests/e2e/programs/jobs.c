// Sessions, groups and job control at a pty: many small cases, each printing what it saw.
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;

static void say(const char *what, int result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: ok\n", what);
}

static void told(const char *what, int status)
{
    if (WIFEXITED(status))
        printf("%s: exit %d\n", what, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: killed by %d\n", what, WTERMSIG(status));
    else if (WIFSTOPPED(status))
        printf("%s: stopped by %d\n", what, WSTOPSIG(status));
    else if (WIFCONTINUED(status))
        printf("%s: continued\n", what);
}

static void await(const char *what, pid_t pid, int options)
{
    int status;
    if (waitpid(pid, &status, options) < 0)
        printf("%s: wait: %s\n", what, strerror(errno));
    else
        told(what, status);
}

static void become_leader(void)
{
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    close(master);
}

// Runs body as the leader of a session at a new pair; the parent is at the keys.
static pid_t session(void (*body)(void))
{
    if (openpty(&master, &slave, NULL, NULL, NULL))
        perror("openpty");
    pid_t pid = fork();
    if (!pid) {
        become_leader();
        body();
        _exit(0);
    }
    return pid;
}

static void end_session(const char *what, pid_t pid)
{
    await(what, pid, 0);
    close(master), close(slave);
}

static int ready[2];
static void wait_ready(void)
{
    char c;
    if (read(ready[0], &c, 1) != 1)
        printf("nobody is ready\n");
}
static void now_ready(void)
{
    if (write(ready[1], "r", 1) != 1)
        perror("ready");
}
static void type(const char *keys)
{
    if (write(master, keys, strlen(keys)) < 0)
        perror("type");
}

static void pauses(void)
{
    now_ready();
    for (;;)
        pause();
}

static void keys(void)
{
    static const struct {
        const char *keys, *name;
    } cases[] = { { "\x03", "^C" }, { "\x1c", "^\\" } };
    for (int i = 0; i < 2; i++) {
        pid_t pid = session(pauses);
        wait_ready();
        type(cases[i].keys);
        end_session(cases[i].name, pid);
    }
}

static volatile int got[65];
static void note(int signo) { got[signo]++; }

static void identities_body(void)
{
    char data[10];
    printf("sid %d pgrp %d foreground %d session %d\n", getsid(0) == getpid(), getpgrp() == getpid(),
           tcgetpgrp(slave) == getpid(), tcgetsid(slave) == getpid());
    int tty = open("/dev/tty", O_RDWR);
    say("/dev/tty", tty);
    printf("the same %d isatty %d\n", tcgetpgrp(tty) == getpid(), isatty(tty));
    say("TIOCSCTTY again", ioctl(slave, TIOCSCTTY, 0));
    say("setsid of a leader", setsid());
    say("tcsetpgrp nobody", tcsetpgrp(slave, 999999));
    say("tcsetpgrp negative", tcsetpgrp(slave, -5));
    say("tcsetpgrp of another session", tcsetpgrp(slave, getppid()));
    pid_t child = fork();
    if (!child) {
        say("child opens /dev/tty", open("/dev/tty", O_RDWR));
        say("child TIOCSCTTY", ioctl(slave, TIOCSCTTY, 0));
        say("child setsid", setsid() > 0 ? 0 : -1);
        say("then /dev/tty", open("/dev/tty", O_RDWR));
        say("then TIOCSCTTY, not root's steal", ioctl(slave, TIOCSCTTY, 0));
        _exit(0);
    }
    await("child", child, 0);
    signal(SIGHUP, note), signal(SIGCONT, note);
    say("TIOCNOTTY", ioctl(slave, TIOCNOTTY));
    printf("hup %d cont %d\n", got[SIGHUP], got[SIGCONT]);
    say("/dev/tty now", open("/dev/tty", O_RDWR));
    say("a second pair by open", open(ptsname(posix_openpt(O_RDWR | O_NOCTTY)) ? "/dev/null" : "/", O_RDWR));
}

static void opens_body(void)
{
    // open without O_NOCTTY makes it the terminal
    signal(SIGHUP, SIG_IGN);
    ioctl(slave, TIOCNOTTY);
    int m = posix_openpt(O_RDWR | O_NOCTTY);
    unlockpt(m);
    int s = open(ptsname(m), O_RDWR | O_NOCTTY);
    say("O_NOCTTY, /dev/tty", open("/dev/tty", O_RDWR));
    s = open(ptsname(m), O_RDWR);
    say("open, /dev/tty", open("/dev/tty", O_RDWR));
    printf("foreground %d\n", tcgetpgrp(s) == getpgrp());
}

static void background(int tostop, int ignore, void (*act)(void), const char *what)
{
    struct termios t;
    tcgetattr(slave, &t);
    t.c_lflag = tostop ? t.c_lflag | TOSTOP : t.c_lflag & ~TOSTOP;
    tcsetattr(slave, TCSANOW, &t);
    pid_t child = fork();
    if (!child) {
        setpgid(0, 0);
        if (ignore)
            signal(SIGTTIN, SIG_IGN), signal(SIGTTOU, SIG_IGN);
        act();
        _exit(0);
    }
    setpgid(child, child);
    int status;
    waitpid(child, &status, WUNTRACED);
    told(what, status);
    if (WIFSTOPPED(status)) {
        kill(child, SIGKILL);
        await("  then", child, 0);
    }
}

static void reads(void)
{
    char c;
    say("read", read(slave, &c, 1));
}
static void writes(void) { say("write", write(slave, "x", 1)); }
static void sets(void)
{
    struct termios t;
    tcgetattr(slave, &t);
    say("tcsetattr", tcsetattr(slave, TCSANOW, &t));
}
static void sets_group(void) { say("tcsetpgrp", tcsetpgrp(slave, getpgrp())); }

static void background_body(void)
{
    background(0, 0, reads, "reads");
    background(0, 1, reads, "reads, ignoring");
    background(0, 0, writes, "writes");
    background(1, 0, writes, "writes with TOSTOP");
    background(1, 1, writes, "writes with TOSTOP, ignoring");
    background(0, 0, sets, "sets");
    background(0, 1, sets, "sets, ignoring");
    background(0, 0, sets_group, "takes the foreground");
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(slave, getpgrp());
    background(0, 1, sets_group, "takes the foreground, ignoring");
}

// Who is continued and stopped again before its parent looks was never continued: the job waits for that.
static int seen[2];
static void wait_until_seen(int signo)
{
    char c;
    (void)!read(seen[0], &c, signo != 0);
}

// As a shell does: a job in the foreground is stopped by ^Z, put into the background, continued, brought back.
static void shell_body(void)
{
    signal(SIGTTOU, SIG_IGN);
    (void)!pipe(seen);
    pid_t job = fork();
    if (!job) {
        setpgid(0, 0);
        tcsetpgrp(slave, getpgrp());
        signal(SIGTTOU, SIG_DFL);
        signal(SIGCONT, wait_until_seen);
        char line[20];
        now_ready();
        ssize_t n = read(slave, line, sizeof(line));
        printf("the job read %zd\n", n);
        _exit(7);
    }
    setpgid(job, job);
    tcsetpgrp(slave, job);
    await("^Z", job, WUNTRACED);
    tcsetpgrp(slave, getpgrp());
    kill(-job, SIGCONT);
    await("bg", job, WCONTINUED);
    (void)!write(seen[1], "bg", 2); // one of them for the next time
    await("reads in the background", job, WUNTRACED);
    tcsetpgrp(slave, job);
    kill(-job, SIGCONT);
    await("fg", job, WCONTINUED);
    now_ready();
    await("ends", job, 0);
}

static void shell(void)
{
    pid_t pid = session(shell_body);
    wait_ready();
    usleep(50000);
    type("\x1a");
    wait_ready();
    type("ok\n");
    end_session("shell", pid);
}

static void orphan_body(void)
{
    int p[2];
    char c;
    pipe(p);
    pid_t middle = fork();
    if (!middle) {
        setpgid(0, 0);
        pid_t child = fork();
        if (!child) {
            signal(SIGHUP, note), signal(SIGCONT, note);
            close(p[0]);
            raise(SIGSTOP);
            usleep(100000); // the middle's end is told first
            printf("orphaned: hup %d cont %d\n", got[SIGHUP], got[SIGCONT]);
            raise(SIGTSTP);
            printf("SIGTSTP of an orphan does nothing\n");
            say("read of an orphan", read(slave, &c, 1));
            say("tcsetattr of an orphan", (sets(), 0));
            _exit(0);
        }
        await("the child", child, WUNTRACED);
        _exit(0);
    }
    close(p[1]);
    await("the middle", middle, 0);
    read(p[0], &c, 1);
}

static void hangup_body(void)
{
    char c;
    signal(SIGHUP, note), signal(SIGCONT, note);
    now_ready();
    while (!got[SIGHUP])
        usleep(1000);
    usleep(100000); // the signal comes before the end of the files
    ssize_t n = read(slave, &c, 1);
    printf("hung up: read %zd hup %d cont %d\n", n, got[SIGHUP], got[SIGCONT]);
    say("write", write(slave, "x", 1));
    say("/dev/tty", open("/dev/tty", O_RDWR));
    say("tcgetpgrp", tcgetpgrp(slave));
}

static void hangup(void)
{
    pid_t pid = session(hangup_body);
    wait_ready();
    close(slave), close(master);
    await("hangup", pid, 0);
}

// The leader ends: the foreground group is hung up.
static void leader_body(void)
{
    pid_t job = fork();
    if (!job) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(slave, getpgrp());
        signal(SIGHUP, note);
        sigset_t set, old;
        sigemptyset(&set), sigaddset(&set, SIGHUP);
        sigprocmask(SIG_BLOCK, &set, &old);
        now_ready();
        sigsuspend(&old);
        usleep(100000); // its end is told first
        printf("the leader ended: hup %d\n", got[SIGHUP]);
        say("/dev/tty", open("/dev/tty", O_RDWR));
        now_ready();
        _exit(0);
    }
    wait_ready();
}

static void leader(void)
{
    pid_t pid = session(leader_body);
    await("leader", pid, 0);
    wait_ready();
    close(slave), close(master);
}

static void size_body(void)
{
    signal(SIGWINCH, note);
    sigset_t set, old;
    sigemptyset(&set), sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, &old);
    now_ready();
    sigsuspend(&old);
    struct winsize size;
    ioctl(slave, TIOCGWINSZ, &size);
    printf("winch %d: %d %d\n", got[SIGWINCH], size.ws_row, size.ws_col);
}

static void size(void)
{
    struct winsize size = { 5, 6, 0, 0 };
    pid_t pid = session(size_body);
    wait_ready();
    ioctl(master, TIOCSWINSZ, &size);
    end_session("size", pid);
}

static void info(const char *what, pid_t pid, int options)
{
    siginfo_t si;
    memset(&si, 0x55, sizeof(si));
    int r = waitid(P_PID, pid, &si, options);
    if (r < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: signo %d code %d status %d pid %d\n", what, si.si_signo, si.si_code, si.si_status,
               si.si_pid == pid);
}

static void waits(void)
{
    pid_t pid = fork();
    if (!pid)
        for (;;)
            pause();
    setpgid(pid, pid); // no orphaned group: its parent is in the session
    info("nothing", pid, WEXITED | WSTOPPED | WCONTINUED | WNOHANG);
    kill(pid, SIGSTOP);
    info("stop, kept", pid, WSTOPPED | WNOWAIT);
    info("stop", pid, WSTOPPED);
    info("stop once", pid, WSTOPPED | WNOHANG);
    kill(pid, SIGSTOP);
    info("a stopped one is not stopped", pid, WSTOPPED | WNOHANG);
    kill(pid, SIGCONT);
    info("continued, kept", pid, WCONTINUED | WNOWAIT);
    info("continued", pid, WCONTINUED);
    info("continued once", pid, WCONTINUED | WNOHANG);
    kill(pid, SIGCONT);
    info("a running one is not continued", pid, WCONTINUED | WNOHANG);
    kill(pid, SIGTSTP);
    usleep(50000);
    kill(pid, SIGSTOP);
    info("stopped", pid, WSTOPPED);
    kill(pid, SIGTERM);
    info("SIGTERM waits", pid, WEXITED | WNOHANG);
    kill(pid, SIGCONT);
    info("end, kept", pid, WEXITED | WNOWAIT);
    info("end", pid, WEXITED);
    info("no more", pid, WEXITED);
    pid = fork();
    if (!pid)
        for (;;)
            pause();
    kill(pid, SIGSTOP);
    info("stop", pid, WSTOPPED);
    kill(pid, SIGKILL);
    info("killed while stopped", pid, WEXITED);
    say("no options", waitid(P_ALL, 0, NULL, 0));
    say("bad type", waitid(17, 0, NULL, WEXITED));
    say("bad options", waitid(P_ALL, 0, NULL, WEXITED | 0x100));
    say("no child", waitid(P_ALL, 0, NULL, WEXITED));
    say("setpgid of nobody", setpgid(999999, 0));
    say("setpgid negative", setpgid(0, -1));
    say("setpgid to nobody's", setpgid(0, 999999));
    say("getsid of nobody", getsid(999999));
    say("getpgid of nobody", getpgid(999999));
}

static void run(void (*body)(void), const char *what)
{
    printf("-- %s\n", what);
    end_session(what, session(body));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGINT, SIG_DFL), signal(SIGQUIT, SIG_DFL);
    pipe(ready);
    pid_t child = fork(); // which is not pid 1, to whom orphans come
    if (child) {
        int status;
        waitpid(child, &status, 0);
        return status != 0;
    }
    setsid();
    say("no terminal", open("/dev/tty", O_RDWR));
    keys();
    run(identities_body, "identities");
    run(opens_body, "opens");
    run(background_body, "background");
    printf("-- shell\n");
    shell();
    run(orphan_body, "orphans");
    printf("-- hangup\n");
    hangup();
    printf("-- leader\n");
    leader();
    printf("-- size\n");
    size();
    printf("-- waits\n");
    waits();
    return 0;
}
