// SPDX-License-Identifier: BSD-3-Clause
// inotify: which events come of what, in which order.
#include "cases.h"

#include <dirent.h>
#include <sys/inotify.h>
#include <sys/xattr.h>

static int notify;

static const char *name_of_event(uint32_t bit)
{
    static const char *const names[] = {
        "ACCESS",     "MODIFY",   "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN",
        "MOVED_FROM", "MOVED_TO", "CREATE", "DELETE",      "DELETE_SELF",   "MOVE_SELF"
    };
    for (int i = 0; i < 12; i++)
        if (bit == 1u << i)
            return names[i];
    return bit == IN_IGNORED ? "IGNORED" : bit == IN_ISDIR ? "ISDIR" : bit == IN_Q_OVERFLOW ? "OVERFLOW" : "?";
}

// All that is there. Cookies are numbered as they come.
static void events(const char *what)
{
    _Alignas(8) char buffer[65536];
    uint32_t cookies[8];
    int known = 0;
    printf("%s:\n", what);
    long n = read(notify, buffer, sizeof(buffer));
    for (long at = 0; at < n;) {
        struct inotify_event *e = (void *)(buffer + at);
        printf("   %d", e->wd);
        for (int i = 0; i < 32; i++)
            if (e->mask & 1u << i)
                printf(" %s", name_of_event(1u << i));
        int c = 0;
        while (e->cookie && c < known && cookies[c] != e->cookie)
            c++;
        if (e->cookie && c == known && known < 8)
            cookies[known++] = e->cookie;
        printf(" %s", e->len ? e->name : "-");
        if (e->cookie)
            printf(" cookie %d", c);
        printf(" len %u\n", e->len);
        at += (long)sizeof(*e) + e->len;
    }
    if (n < 0 && errno != EAGAIN)
        printf("   %s\n", strerrorname_np(errno));
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (write(fd, text, strlen(text)) < 0)
        perror("write");
    close(fd);
}

static void errors(void)
{
    section("errors");
    SHOW(inotify_init1(0x40));
    SHOW(inotify_add_watch(-1, "/tmp", IN_OPEN));
    SHOW(inotify_add_watch(notify, "/tmp/none", IN_OPEN));
    SHOW(inotify_add_watch(notify, BAD, IN_OPEN));
    SHOW(inotify_add_watch(notify, "/tmp", 0));
    SHOW(inotify_add_watch(0, "/tmp", IN_OPEN));
    SHOW(inotify_add_watch(notify, "/tmp", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
    SHOW(inotify_add_watch(notify, "/tmp/w/file", IN_ONLYDIR | IN_OPEN));
    SHOW(inotify_rm_watch(notify, 99));
    SHOW(inotify_rm_watch(-1, 1));
    SHOW(inotify_rm_watch(0, 1));
    char c;
    SHOW(read(notify, &c, 1));
    SHOW(write(notify, &c, 1));
    SHOW(lseek(notify, 0, SEEK_SET));
    printf("flags %#x %#x\n", fcntl(notify, F_GETFL), fcntl(notify, F_GETFD));
}

static void of_files(void)
{
    section("a file");
    put("/tmp/w/file", "0");
    SHOW(inotify_add_watch(notify, "/tmp/w/file", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(notify, "/tmp/w/file", IN_ALL_EVENTS | IN_MASK_CREATE));
    put("/tmp/w/file", "12345");
    events("appended");
    int fd = open("/tmp/w/file", O_RDWR), n = -1;
    char text[16];
    SHOW(read(fd, text, 3));
    SHOW(read(fd, text, 3));
    SHOW(ioctl(notify, FIONREAD, &n));
    printf("pending %d\n", n);
    events("read twice");
    SHOW(pread(fd, text, 1, 100));
    SHOW(pwrite(fd, text, 1, 0));
    SHOW(ftruncate(fd, 2));
    SHOW(fchmod(fd, 0600));
    SHOW(close(fd));
    events("changed");
    SHOW(truncate("/tmp/w/file", 1));
    SHOW(chmod("/tmp/w/file", 0644));
    SHOW(chown("/tmp/w/file", 0, 0));
    SHOW(utimensat(AT_FDCWD, "/tmp/w/file", NULL, 0));
    events("by path");
    fd = open("/tmp/w/file", O_WRONLY | O_TRUNC);
    close(fd);
    events("truncated");
    struct stat st;
    SHOW(stat("/tmp/w/file", &st));
    SHOW(access("/tmp/w/file", R_OK));
    events("looked at");
    SHOW(link("/tmp/w/file", "/tmp/w/second"));
    events("linked");
    SHOW(rename("/tmp/w/second", "/tmp/w/third"));
    events("renamed");
    SHOW(unlink("/tmp/w/third"));
    events("unlinked");
    SHOW(unlink("/tmp/w/file"));
    events("gone");
    put("/tmp/w/open", "x");
    SHOW(inotify_add_watch(notify, "/tmp/w/open", IN_ALL_EVENTS));
    fd = open("/tmp/w/open", O_RDWR);
    SHOW(unlink("/tmp/w/open"));
    events("unlinked while open");
    SHOW(write(fd, "y", 1));
    close(fd);
    events("closed");
}

static void of_folders(void)
{
    section("a folder");
    int wd = inotify_add_watch(notify, "/tmp/w", IN_ALL_EVENTS);
    printf("watch %d\n", wd);
    put("/tmp/w/one", "1");
    events("made");
    put("/tmp/w/one", "2");
    int fd = open("/tmp/w/one", O_RDONLY);
    char c;
    SHOW(read(fd, &c, 1));
    close(fd);
    events("used");
    SHOW(chmod("/tmp/w/one", 0600));
    SHOW(truncate("/tmp/w/one", 0));
    events("changed");
    SHOW(mkdir("/tmp/w/sub", 0755));
    SHOW(symlink("one", "/tmp/w/link"));
    SHOW(mkfifo("/tmp/w/fifo", 0600));
    SHOW(link("/tmp/w/one", "/tmp/w/a-name-that-is-longer-than-sixteen"));
    events("more");
    DIR *dir = opendir("/tmp/w");
    while (readdir(dir))
        ;
    closedir(dir);
    events("listed");
    SHOW(rename("/tmp/w/one", "/tmp/w/two"));
    events("moved");
    SHOW(rename("/tmp/w/two", "/tmp/w/sub/two"));
    events("moved away");
    SHOW(rename("/tmp/w/sub/two", "/tmp/w/two"));
    events("moved in");
    SHOW(rename("/tmp/w/two", "/tmp/w/link"));
    events("replaced");
    SHOW(rename("/tmp/w/sub", "/tmp/w/bus"));
    events("folder moved");
    SHOW(rmdir("/tmp/w/bus"));
    SHOW(unlink("/tmp/w/link"));
    SHOW(unlink("/tmp/w/fifo"));
    SHOW(unlink("/tmp/w/a-name-that-is-longer-than-sixteen"));
    events("removed");
    SHOW(inotify_add_watch(notify, "/tmp/w", IN_CREATE));
    put("/tmp/w/x", "1");
    SHOW(inotify_add_watch(notify, "/tmp/w", IN_DELETE | IN_MASK_ADD));
    unlink("/tmp/w/x");
    put("/tmp/w/y", "1");
    events("only made, and removed");
    SHOW(inotify_rm_watch(notify, wd));
    events("no watch");
    SHOW(inotify_add_watch(notify, "/tmp/w", IN_CREATE | IN_ONESHOT));
    put("/tmp/w/z", "1");
    put("/tmp/w/zz", "1");
    events("once");
    unlink("/tmp/w/y"), unlink("/tmp/w/z"), unlink("/tmp/w/zz");
    SHOW(mkdir("/tmp/w/d", 0755));
    SHOW(inotify_add_watch(notify, "/tmp/w/d", IN_ALL_EVENTS));
    SHOW(rename("/tmp/w/d", "/tmp/w/e"));
    SHOW(chmod("/tmp/w/e", 0700));
    SHOW(rmdir("/tmp/w/e"));
    events("a folder itself");
}

static void *make_later(void *unused)
{
    usleep(50000);
    put("/tmp/w/late", "x");
    return NULL;
}

static void waiting(void)
{
    pthread_t thread;
    int epoll = epoll_create1(0);
    struct epoll_event event = { EPOLLIN, { 0 } }, got;
    section("waiting");
    SHOW(inotify_add_watch(notify, "/tmp/w", IN_CREATE));
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, notify, &event));
    SHOW(epoll_wait(epoll, &got, 1, 0));
    pthread_create(&thread, NULL, make_later, NULL);
    SHOW(epoll_wait(epoll, &got, 1, 5000));
    pthread_join(thread, NULL);
    events("late");
    unlink("/tmp/w/late");
    fcntl(notify, F_SETFL, 0);
    pthread_create(&thread, NULL, make_later, NULL);
    events("blocked");
    pthread_join(thread, NULL);
    show_poll("empty", notify, POLLIN, 0);
    int other = inotify_init();
    SHOW(inotify_add_watch(other, "/tmp/w", IN_DELETE));
    unlink("/tmp/w/late");
    char text[64];
    SHOW(read(other, text, 16));
    SHOW(read(other, text, 64));
    SHOW(close(other));
    close(epoll);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    mkdir("/tmp/w", 0755);
    put("/tmp/w/file", "0");
    notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    errors();
    of_files();
    of_folders();
    waiting();
    close(notify);
    unlink("/tmp/w/file");
    rmdir("/tmp/w");
    return 0;
}
