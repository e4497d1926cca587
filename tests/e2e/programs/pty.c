// Terminals: many small cases, each printing what it saw; the output natively and inside is the same.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int master, slave;

static void show(const char *what, const char *data, ssize_t n)
{
    printf("%s:", what);
    if (n < 0)
        printf(" %s", strerror(errno));
    for (ssize_t i = 0; i < n; i++)
        if (data[i] >= 32 && data[i] < 127 && data[i] != '\\')
            putchar(data[i]);
        else
            printf("\\%02x", (unsigned char)data[i]);
    printf(" (%zd)\n", n);
}

static void open_pair(void)
{
    if (openpty(&master, &slave, NULL, NULL, NULL))
        perror("openpty");
    fcntl(master, F_SETFL, O_NONBLOCK);
}

static void close_pair(void) { close(master), close(slave); }

// Linux passes keys and output on with a delay of its own.
static void settle(void) { usleep(20000); }

static void see(const char *what, int fd)
{
    char data[8192];
    settle();
    show(what, data, read(fd, data, sizeof(data)));
}

static void type(const char *keys)
{
    if (write(master, keys, strlen(keys)) < 0)
        perror("type");
}

static void set(tcflag_t i_on, tcflag_t i_off, tcflag_t o_on, tcflag_t o_off, tcflag_t l_on, tcflag_t l_off)
{
    struct termios t;
    tcgetattr(slave, &t);
    t.c_iflag = (t.c_iflag | i_on) & ~i_off;
    t.c_oflag = (t.c_oflag | o_on) & ~o_off;
    t.c_lflag = (t.c_lflag | l_on) & ~l_off;
    if (tcsetattr(slave, TCSANOW, &t))
        perror("tcsetattr");
}

static void line(const char *name, const char *keys, tcflag_t i_on, tcflag_t i_off, tcflag_t l_on, tcflag_t l_off)
{
    open_pair();
    set(i_on, i_off, 0, 0, l_on, l_off);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    type(keys);
    printf("-- %s\n", name);
    see("echo", master);
    see("line", slave);
    see("next", slave);
    int waits;
    ioctl(slave, FIONREAD, &waits);
    printf("waiting %d\n", waits);
    close_pair();
}

static void lines(void)
{
    struct termios t;
    open_pair();
    tcgetattr(slave, &t);
    printf("settings %o %o %o %o line %d speed %d %d keys", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_line,
           (int)cfgetispeed(&t), (int)cfgetospeed(&t));
    for (int i = 0; i < 19; i++)
        printf(" %d", t.c_cc[i]);
    printf("\n");
    close_pair();
    line("plain", "hello\n", 0, 0, 0, 0);
    line("CR is NL", "a\rb\r", 0, 0, 0, 0);
    line("no ICRNL", "a\rb\n", 0, ICRNL, 0, 0);
    line("IGNCR INLCR", "a\rb\nc\n", IGNCR | INLCR, 0, 0, 0);
    line("not yet a line", "abc", 0, 0, 0, 0);
    line("erase", "abc\x7f\x7fX\n", 0, 0, 0, 0);
    line("erase all and more", "ab\x7f\x7f\x7f\x7fX\n", 0, 0, 0, 0);
    line("erase control", "a\001b\x7f\x7f\x7fX\n", 0, 0, 0, 0);
    line("erase tabs", "ab\tc\x7f\x7f\x7f\tX\t\x7f\n", 0, 0, 0, 0);
    line("erase utf8", "a\xc3\xa4z\x7f\x7fX\n", IUTF8, 0, 0, 0);
    line("erase utf8 as bytes", "a\xc3\xa4z\x7f\x7fX\n", 0, IUTF8, 0, 0);
    line("kill", "abc def\x15X\n", 0, 0, 0, 0);
    line("kill without ECHOKE", "abc def\x15X\n", 0, 0, 0, ECHOKE);
    line("kill without ECHOK", "abc def\x15X\n", 0, 0, 0, ECHOKE | ECHOK);
    line("kill without echo", "abc def\x15X\n", 0, 0, 0, ECHO);
    line("werase", "one two_2  \x17X \x17\x17\x17Y\n", 0, 0, 0, 0);
    line("werase punctuation", "one,two.. \x17X\n", 0, 0, 0, 0);
    line("ECHOPRT", "abcd\x7f\x7fX\x15Y\n", 0, 0, ECHOPRT, 0);
    line("ECHOPRT to the start", "ab\x7f\x7fX\n", 0, 0, ECHOPRT, 0);
    line("no ECHOE", "abc\x7fX\n", 0, 0, 0, ECHOE);
    line("no ECHOCTL", "a\001b\x7f\x7f\n", 0, 0, 0, ECHOCTL);
    line("reprint",
         "ab\001c\x12"
         "d\n",
         0, 0, 0, 0);
    line("literal",
         "a\x16\x7f"
         "b\x16\x03\x16\nX\n",
         0, 0, 0, 0);
    line("no IEXTEN",
         "a\x16"
         "b\x17\n",
         0, 0, 0, IEXTEN);
    line("end of file", "\x04", 0, 0, 0, 0);
    line("end of file behind text",
         "abc\x04"
         "def\n",
         0, 0, 0, 0);
    line("two ends",
         "\x04\x04"
         "x\n",
         0, 0, 0, 0);
    line("several lines", "one\ntwo\nthree", 0, 0, 0, 0);
    line("no echo", "secret\n", 0, 0, 0, ECHO);
    line("ECHONL", "secret\n", 0, 0, ECHONL, ECHO);
    line("ISTRIP", "\xe1\xe2\n", ISTRIP, 0, 0, 0);
    line("IUCLC", "ABC\n", IUCLC, 0, 0, 0);
    line("PARMRK",
         "a\xff"
         "b\n",
         PARMRK, 0, 0, 0);
    line("raw", "ab\r\n\x03\x04\x7f\x11\x13", 0, ICRNL | IXON, 0, ICANON | ISIG | ECHO | IEXTEN);
    line("raw with echo", "ab\r\n\x04\x7f", 0, 0, 0, ICANON);
    line("interrupt without a session", "abc\x03X\n", 0, 0, 0, 0);
    line("interrupt NOFLSH", "abc\x03X\n", 0, 0, NOFLSH, 0);
    line("interrupt without ISIG", "abc\x03X\n", 0, 0, 0, ISIG);
    line("nul", "a\n", 0, 0, 0, 0);
}

static void parts(void)
{
    char data[64];
    printf("-- a line in parts\n");
    open_pair();
    type("0123456789\nab\x04");
    settle();
    for (int i = 0; i < 3; i++)
        show("four", data, read(slave, data, 4));
    show("two", data, read(slave, data, 2));
    type("xy\x04z\n");
    settle();
    show("two", data, read(slave, data, 2));
    show("rest", data, read(slave, data, 10));
    close_pair();
    printf("-- a long line\n");
    open_pair();
    set(0, 0, 0, 0, 0, ECHO);
    char big[6000];
    memset(big, 'x', sizeof(big));
    ssize_t written = write(master, big, sizeof(big));
    settle();
    type("\n");
    settle();
    ssize_t n = read(slave, big, sizeof(big));
    printf("written %zd read %zd last %d\n", written, n, big[n - 1]);
    close_pair();
    printf("-- lines to raw and back\n");
    open_pair();
    type("half");
    settle();
    set(0, 0, 0, 0, 0, ICANON);
    see("raw", slave);
    type("more");
    settle();
    set(0, 0, 0, 0, ICANON, 0);
    see("canonical", slave);
    close_pair();
}

static void out(const char *name, const char *text, tcflag_t on, tcflag_t off)
{
    open_pair();
    set(0, 0, on, off, 0, 0);
    if (write(slave, text, strlen(text)) < 0)
        perror("write");
    see(name, master);
    close_pair();
}

static void output(void)
{
    printf("-- output\n");
    out("plain", "a\nb\n", 0, 0);
    out("no OPOST", "a\nb\n", 0, OPOST);
    out("no ONLCR", "a\nb\n", 0, ONLCR);
    out("OCRNL", "a\rb\n", OCRNL, 0);
    out("ONOCR", "\rab\r\rc\n", ONOCR, 0);
    out("ONLRET", "ab\n\tc\n", ONLRET, ONLCR);
    out("XTABS", "a\tbc\b\td\n\te\n", XTABS, 0);
    out("OLCUC", "aBc\n", OLCUC, 0);
    open_pair();
    fcntl(slave, F_SETFL, O_NONBLOCK);
    type("\x13");
    settle();
    ssize_t n = write(slave, "held\n", 5);
    show("stopped", "", n);
    see("nothing", master);
    type("\x11");
    settle();
    n = write(slave, "goes\n", 5);
    show("started", "", n);
    see("something", master);
    tcflow(slave, TCOOFF);
    show("TCOOFF", "", write(slave, "x", 1));
    tcflow(slave, TCOON);
    show("TCOON", "", write(slave, "x", 1));
    see("after", master);
    tcflow(slave, TCIOFF), tcflow(slave, TCION);
    see("TCIOFF, TCION", master);
    type("gone\n");
    settle();
    tcflush(slave, TCIFLUSH);
    see("flushed", slave);
    see("echo stays", master);
    printf("bad tcflush %d %s\n", tcflush(slave, 9), strerror(errno));
    close_pair();
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void raw_read(int min, int time, const char *first, const char *then)
{
    struct termios t;
    char data[100];
    open_pair();
    tcgetattr(slave, &t);
    cfmakeraw(&t);
    t.c_cc[VMIN] = min, t.c_cc[VTIME] = time;
    tcsetattr(slave, TCSANOW, &t);
    type(first);
    settle();
    pid_t child = fork();
    if (!child) {
        if (*then)
            usleep(150000), type(then);
        _exit(0);
    }
    double begin = now();
    ssize_t n = read(slave, data, sizeof(data));
    double took = now() - begin;
    printf("min %d time %d at least %d ms ", min, time, took >= 0.2 ? 200 : took >= 0.1 ? 100 : 0);
    show("read", data, n);
    waitpid(child, NULL, 0);
    close_pair();
}

static void raw_reads(void)
{
    printf("-- raw reads\n");
    raw_read(1, 0, "abc", "");
    raw_read(1, 0, "", "late");
    raw_read(3, 0, "a", "bcd");
    raw_read(0, 0, "", "");
    raw_read(0, 0, "abc", "");
    raw_read(0, 2, "", "");
    raw_read(5, 2, "abc", "");
}

static void names(void)
{
    struct stat st;
    int number, lock, fd;
    struct winsize size = { 10, 20, 30, 40 };
    printf("-- names\n");
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    ioctl(master, TIOCGPTN, &number);
    ioctl(master, TIOCGPTLCK, &lock);
    printf("number is %d, locked %d\n", number >= 0, lock);
    char path[64];
    snprintf(path, sizeof(path), "/dev/pts/%d", number);
    printf("ptsname %d\n", strcmp(path, ptsname(master)));
    fd = open(path, O_RDWR | O_NOCTTY);
    printf("locked: %d %s\n", fd >= 0, strerror(errno));
    lock = 0;
    ioctl(master, TIOCSPTLCK, &lock);
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    printf("peer %d ttyname %d isatty %d %d\n", slave >= 0, strcmp(ttyname(slave), path), isatty(slave),
           isatty(master));
    fstat(slave, &st);
    printf("mode %o major %d minor %d links %d\n", st.st_mode & S_IFMT, (int)(st.st_rdev >> 8),
           (int)(st.st_rdev & 255) == number, (int)st.st_nlink);
    printf("chmod %d", chmod(path, 0600));
    stat(path, &st);
    printf(" %o\n", st.st_mode);
    ioctl(master, TIOCGWINSZ, &size);
    printf("size %d %d\n", size.ws_row, size.ws_col);
    size.ws_row = 7;
    ioctl(slave, TIOCSWINSZ, &size);
    ioctl(master, TIOCGWINSZ, &size);
    printf("size %d %d\n", size.ws_row, size.ws_col);
    printf("tcgetpgrp %d", tcgetpgrp(slave));
    printf(" %s\n", strerror(errno));
    printf("tcgetsid %d", tcgetsid(slave));
    printf(" %s\n", strerror(errno));
    printf("TIOCSCTTY %d", ioctl(slave, TIOCSCTTY, 0));
    printf(" %s\n", strerror(errno));
    printf("TIOCNOTTY %d", ioctl(slave, TIOCNOTTY));
    printf(" %s\n", strerror(errno));
    printf("unknown %d", ioctl(slave, 0x5499, 0));
    printf(" %s\n", strerror(errno));
    printf("GPTN of a slave %d", ioctl(slave, TIOCGPTN, &number));
    printf(" %s\n", strerror(errno));
    printf("lseek %d", (int)lseek(slave, 0, SEEK_SET));
    printf(" %s\n", strerror(errno));
    close(master);
    printf("gone: %d", open(path, O_RDWR));
    printf(" %s\n", strerror(errno));
    char byte;
    printf("read %zd\n", read(slave, &byte, 1));
    printf("write %zd", write(slave, "x", 1));
    printf(" %s\n", strerror(errno));
    printf("isatty %d", isatty(slave));
    printf(" %s\n", strerror(errno));
    struct pollfd p = { slave, POLLIN | POLLOUT, 0 };
    printf("poll %d %x\n", poll(&p, 1, 0), p.revents);
    close(slave);
}

static void polls(void)
{
    open_pair();
    struct pollfd p[2] = { { master, POLLIN | POLLOUT, 0 }, { slave, POLLIN | POLLOUT, 0 } };
    printf("-- poll\n");
    poll(p, 2, 0);
    printf("new %x %x\n", p[0].revents, p[1].revents);
    type("abc");
    settle();
    poll(p, 2, 0);
    printf("half a line %x %x\n", p[0].revents, p[1].revents);
    type("\n");
    settle();
    poll(p, 2, 0);
    printf("a line %x %x\n", p[0].revents, p[1].revents);
    char data[100];
    show("echo", data, read(master, data, sizeof(data)));
    close(slave);
    settle();
    poll(p, 1, 0);
    printf("closed %x\n", p[0].revents);
    show("read", data, read(master, data, sizeof(data)));
    close(master);
    open_pair();
    if (write(slave, "last words", 10) != 10)
        perror("write");
    close(slave);
    settle();
    show("what was left", data, read(master, data, sizeof(data)));
    show("then", data, read(master, data, sizeof(data)));
    close(master);
}

static void packets(void)
{
    int on = 1;
    open_pair();
    printf("-- packets\n");
    ioctl(master, TIOCPKT, &on);
    if (write(slave, "out", 3) != 3)
        perror("write");
    see("data", master);
    tcflush(slave, TCOFLUSH);
    see("flush", master);
    tcflow(slave, TCOOFF);
    see("stop", master);
    tcflow(slave, TCOON);
    see("start", master);
    set(0, IXON, 0, 0, 0, 0);
    see("no flow", master);
    set(IXON, 0, 0, 0, 0, 0);
    see("flow", master);
    see("nothing", master);
    close_pair();
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    pid_t child = fork(); // which is no leader of a session
    if (child) {
        int status;
        waitpid(child, &status, 0);
        return status != 0;
    }
    lines();
    parts();
    output();
    raw_reads();
    names();
    polls();
    packets();
    return 0;
}
