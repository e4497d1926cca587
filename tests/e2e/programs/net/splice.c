// SPDX-License-Identifier: BSD-3-Clause
// splice, tee, vmsplice, sendfile: between pipes, files and sockets, also when they are full.
#include "cases.h"

#include <sys/sendfile.h>

static int file_of(const char *path, const char *text)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (write(fd, text, strlen(text)) < 0)
        perror("write");
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void show_text(const char *what, int fd)
{
    char text[200] = { 0 };
    errno = 0;
    long n = read(fd, text, sizeof(text) - 1);
    printf("%s: %ld '%s' %s\n", what, n, text, n < 0 ? strerrorname_np(errno) : "");
}

static void errors(void)
{
    int p[2], q[2], file = file_of("/tmp/net-splice", "0123456789"), pair[2], dir = open("/tmp", O_RDONLY);
    off_t at = 0, bad = -1;
    section("errors");
    SHOW(pipe(p)), SHOW(pipe2(q, O_NONBLOCK));
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    int append = open("/tmp/net-splice", O_WRONLY | O_APPEND);
    SHOW(splice(-1, NULL, p[1], NULL, 5, 0));
    SHOW(splice(p[0], NULL, -1, NULL, 5, 0));
    SHOW(splice(file, NULL, p[1], NULL, 0, 0));
    SHOW(splice(file, NULL, p[1], NULL, 5, 0x100));
    SHOW(splice(file, NULL, p[0], NULL, 5, 0));
    SHOW(splice(p[1], NULL, file, NULL, 5, 0));
    SHOW(splice(file, NULL, file, NULL, 5, 0));
    SHOW(splice(file, NULL, p[1], &at, 5, 0));
    SHOW(splice(p[0], &at, file, NULL, 5, 0));
    SHOW(splice(file, &bad, p[1], NULL, 5, 0));
    SHOW(splice(file, BAD, p[1], NULL, 5, 0));
    SHOW(splice(p[0], NULL, p[1], NULL, 5, 0));
    SHOW(splice(pair[0], &at, p[1], NULL, 5, 0));
    SHOW(splice(dir, NULL, p[1], NULL, 5, 0));
    SHOW(write(p[1], "abc", 3));
    SHOW(splice(p[0], NULL, append, NULL, 3, 0));
    SHOW(splice(q[0], NULL, file, NULL, 3, 0));
    SHOW(tee(file, p[1], 5, 0));
    SHOW(tee(p[0], file, 5, 0));
    SHOW(tee(p[0], p[1], 5, 0));
    SHOW(tee(-1, p[1], 5, 0));
    SHOW(tee(p[1], q[1], 5, 0));
    SHOW(tee(p[0], q[1], 0, 0));
    SHOW(tee(p[0], q[1], 5, 0x100));
    SHOW(tee(q[0], p[1], 5, 0));
    struct iovec iov = { "xyz", 3 };
    SHOW(vmsplice(file, &iov, 1, 0));
    SHOW(vmsplice(-1, &iov, 1, 0));
    SHOW(vmsplice(p[1], &iov, 1, 0x100));
    SHOW(vmsplice(p[1], BAD, 1, 0));
    SHOW(vmsplice(p[1], &iov, 1025, 0));
    SHOW(vmsplice(p[1], &iov, 0, 0));
    iov.iov_base = BAD;
    SHOW(vmsplice(p[1], &iov, 1, 0));
    SHOW(sendfile(file, p[0], NULL, 5));
    SHOW(sendfile(-1, file, NULL, 5));
    SHOW(sendfile(append, file, NULL, 5));
    SHOW(sendfile(p[1], file, &bad, 5));
    SHOW(sendfile(p[1], -1, NULL, 5));
    SHOW(sendfile(p[1], file, BAD, 5));
    SHOW(sendfile(p[1], dir, NULL, 5));
    close_all(p, 2), close_all(q, 2), close_all(pair, 2), close(file), close(append), close(dir);
}

static void moves(void)
{
    int p[2], q[2], file = file_of("/tmp/net-splice", "0123456789"), other = file_of("/tmp/net-other", "..........");
    off_t at = 4;
    section("moves");
    SHOW(pipe(p)), SHOW(pipe2(q, O_NONBLOCK));
    SHOW(splice(file, NULL, p[1], NULL, 3, 0));
    SHOW(splice(file, &at, p[1], NULL, 3, SPLICE_F_MOVE));
    printf("at %d own %d\n", (int)at, (int)lseek(file, 0, SEEK_CUR));
    SHOW(tee(p[0], q[1], 4, 0));
    SHOW(tee(p[0], q[1], 100, 0));
    show_text("copies", q[0]);
    at = 2;
    SHOW(splice(p[0], NULL, other, &at, 4, 0));
    printf("at %d own %d\n", (int)at, (int)lseek(other, 0, SEEK_CUR));
    SHOW(splice(p[0], NULL, other, NULL, 100, SPLICE_F_NONBLOCK));
    SHOW(splice(p[0], NULL, other, NULL, 100, SPLICE_F_NONBLOCK));
    lseek(other, 0, SEEK_SET);
    show_text("other", other);
    lseek(file, 0, SEEK_END);
    SHOW(splice(file, NULL, p[1], NULL, 3, 0));
    SHOW(write(p[1], "hello, world", 12));
    SHOW(splice(p[0], NULL, q[1], NULL, 5, 0));
    SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
    show_text("through two", q[0]);
    struct iovec iov[2] = { { "one", 3 }, { "two", 3 } };
    SHOW(vmsplice(p[1], iov, 2, 0));
    char text[8] = { 0 };
    iov[0] = (struct iovec){ text, 5 };
    SHOW(vmsplice(p[0], iov, 1, 0));
    printf("%s\n", text);
    close(p[1]);
    show_text("rest", p[0]);
    SHOW(splice(p[0], NULL, other, NULL, 3, 0));
    SHOW(tee(p[0], q[1], 3, 0));
    signal(SIGPIPE, SIG_IGN);
    close(q[0]);
    lseek(file, 0, SEEK_SET);
    SHOW(splice(file, NULL, q[1], NULL, 3, 0));
    SHOW(vmsplice(q[1], iov, 1, 0));
    close(p[0]), close(q[1]), close(file), close(other);
}

static void full(void)
{
    int p[2], q[2], file = open("/tmp/net-big", O_RDWR | O_CREAT | O_TRUNC, 0644), n;
    char *data = malloc(300000), *back = malloc(300000);
    off_t at = 0;
    section("full pipes");
    for (int i = 0; i < 300000; i++)
        data[i] = (char)(i * 7 % 251);
    SHOW(write(file, data, 300000));
    SHOW(pipe2(p, O_NONBLOCK)), SHOW(pipe2(q, O_NONBLOCK));
    SHOW(sendfile(p[1], file, &at, 300000));
    printf("at %d\n", (int)at);
    SHOW(sendfile(p[1], file, &at, 300000));
    SHOW(splice(file, &at, p[1], NULL, 100, 0));
    printf("at %d\n", (int)at);
    SHOW(write(q[1], data, 65536 - 4096));
    SHOW(splice(p[0], NULL, q[1], NULL, 65536, 0));
    SHOW(splice(p[0], NULL, q[1], NULL, 65536, 0));
    SHOW(ioctl(p[0], FIONREAD, &n));
    printf("left %d\n", n);
    SHOW(read(q[0], back, 65536 - 4096));
    SHOW(read(q[0], back, 4096));
    SHOW(read(p[0], back + 4096, 65536));
    printf("whole: %d\n", !memcmp(data, back, 65536));
    SHOW(write(q[1], data, 65536));
    SHOW(write(p[1], data, 100));
    SHOW(tee(p[0], q[1], 100, 0));
    struct iovec iov = { data, 100 };
    SHOW(vmsplice(q[1], &iov, 1, SPLICE_F_NONBLOCK));
    int pair[2], small = 4096;
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    while (write(pair[0], data, 4096) > 0)
        ;
    SHOW(splice(p[0], NULL, pair[0], NULL, 100, 0));
    SHOW(read(p[0], back, 200));
    while (read(pair[1], back, 65536) > 0)
        ;
    SHOW(write(p[1], "to the socket", 13));
    SHOW(splice(p[0], NULL, pair[0], NULL, 100, 0));
    SHOW(splice(pair[1], NULL, p[1], NULL, 100, 0));
    show_text("back", p[0]);
    SHOW(splice(pair[1], NULL, p[1], NULL, 100, 0));
    at = 299990;
    SHOW(sendfile(pair[0], file, &at, 100));
    SHOW(read(pair[1], back, 100));
    printf("end: %d %d\n", !memcmp(data + 299990, back, 10), small);
    close_all(p, 2), close_all(q, 2), close_all(pair, 2), close(file);
    free(data), free(back);
}

static void *reader(void *fd)
{
    char text[64];
    usleep(30000);
    long n, all = 0;
    while ((n = read(*(int *)fd, text, sizeof(text))) > 0)
        all += n;
    return (void *)all;
}

static void waiting(void)
{
    int p[2], fds[3];
    pthread_t thread;
    void *got;
    section("waiting");
    SHOW(pipe(p));
    char *data = calloc(1, 65536);
    SHOW(write(p[1], data, 65536));
    pthread_create(&thread, NULL, reader, &p[0]);
    int file = file_of("/tmp/net-splice", "0123456789");
    SHOW(splice(file, NULL, p[1], NULL, 10, 0));
    close(p[1]);
    pthread_join(thread, &got);
    printf("read %ld\n", (long)got);
    close(p[0]);
    connected(fds);
    SHOW(pipe(p));
    SHOW(write(p[1], "tcp", 3));
    SHOW(splice(p[0], NULL, fds[1], NULL, 3, SPLICE_F_MORE));
    SHOW(splice(fds[2], NULL, p[1], NULL, 10, 0));
    show_text("tcp", p[0]);
    shutdown(fds[1], SHUT_WR);
    SHOW(splice(fds[2], NULL, p[1], NULL, 10, 0));
    close_all(fds, 3), close_all(p, 2), close(file);
    free(data);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    errors();
    moves();
    full();
    waiting();
    unlink("/tmp/net-splice"), unlink("/tmp/net-other"), unlink("/tmp/net-big");
    return 0;
}
