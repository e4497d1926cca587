// SPDX-License-Identifier: BSD-3-Clause
// splice(2), tee(2), vmsplice(2), sendfile(2), copy_file_range(2): arguments and ends.
#include "surface.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int fds[2], file;
static void prepare(void)
{
    pipe2(fds, O_NONBLOCK);
    file_with("f", "0123456789");
    file = open("f", O_RDWR);
}
CASE(splice_arguments)
{
    off_t at = 0, negative = -1;
    int more[2];
    prepare();
    pipe(more);
    SEE(splice(file, NULL, file, NULL, 4, 0));
    SEE(splice(-1, NULL, fds[1], NULL, 4, 0));
    SEE(splice(file, NULL, -1, NULL, 4, 0));
    SEE(splice(file, NULL, fds[0], NULL, 4, 0));
    SEE(splice(fds[1], NULL, file, NULL, 4, 0));
    SEE(splice(file, NULL, fds[1], NULL, 4, 0x100));
    SEE(splice(fds[0], &at, file, NULL, 4, 0));
    SEE(splice(file, NULL, fds[1], &at, 4, 0));
    SEE(splice(file, &negative, fds[1], NULL, 4, 0));
    SEE(splice(file, (void *)bad, fds[1], NULL, 4, 0));
    SEE(splice(file, NULL, fds[1], NULL, 0, 0));
    SEE(splice(open("f", O_WRONLY), NULL, fds[1], NULL, 4, 0));
    SEE(splice(fds[0], NULL, open("f", O_RDONLY), NULL, 4, 0));
    SEE(splice(fds[0], NULL, fds[1], NULL, 4, 0));
    SEE(splice(fds[0], NULL, more[1], NULL, 4, SPLICE_F_NONBLOCK));
    SEE(splice(open("f", O_RDWR | O_APPEND), NULL, fds[1], NULL, 2, 0));
    SEE(splice(fds[0], NULL, open("f", O_RDWR | O_APPEND), NULL, 2, 0));
    SEE(splice(open(".", O_RDONLY), NULL, fds[1], NULL, 4, 0));
}
CASE(splice_moves)
{
    off_t at = 3;
    char buf[16] = { 0 };
    prepare();
    SEE(splice(file, &at, fds[1], NULL, 4, 0));
    tell("at %d position %d", (int)at, (int)lseek(file, 0, SEEK_CUR));
    SEE(splice(file, NULL, fds[1], NULL, 2, 0));
    tell("position %d", (int)lseek(file, 0, SEEK_CUR));
    SEE(read(fds[0], buf, 16));
    tell("%s", buf);
    at = 100;
    SEE(splice(file, &at, fds[1], NULL, 4, 0));
    write(fds[1], "abc", 3);
    at = 8;
    SEE(splice(fds[0], NULL, file, &at, 16, 0));
    tell("at %d %s", (int)at, contents("f"));
    SEE(splice(fds[0], NULL, file, &at, 16, 0));
    close(fds[1]);
    SEE(splice(fds[0], NULL, file, &at, 16, 0));
}
CASE(splice_sockets)
{
    int s[2];
    char buf[16] = { 0 };
    prepare();
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(fds[1], "hello", 5);
    SEE(splice(fds[0], NULL, s[0], NULL, 16, 0));
    SEE(splice(s[1], NULL, fds[1], NULL, 16, 0));
    SEE(read(fds[0], buf, 16));
    tell("%s", buf);
    SEE(splice(s[1], NULL, fds[1], NULL, 16, SPLICE_F_NONBLOCK));
    close(s[1]);
    write(fds[1], "x", 1);
    signal(SIGPIPE, SIG_IGN);
    SEE(splice(fds[0], NULL, s[0], NULL, 16, 0));
    signal(SIGPIPE, SIG_DFL);
}
CASE(tee_arguments)
{
    int more[2];
    char buf[16] = { 0 };
    prepare();
    pipe2(more, O_NONBLOCK);
    SEE(tee(-1, more[1], 4, 0));
    SEE(tee(file, more[1], 4, 0));
    SEE(tee(fds[0], file, 4, 0));
    SEE(tee(fds[0], fds[1], 4, 0));
    SEE(tee(fds[1], more[1], 4, 0));
    SEE(tee(fds[0], more[0], 4, 0));
    SEE(tee(fds[0], more[1], 4, 0x100));
    SEE(tee(fds[0], more[1], 0, 0));
    SEE(tee(fds[0], more[1], 4, SPLICE_F_NONBLOCK));
    write(fds[1], "hello", 5);
    SEE(tee(fds[0], more[1], 3, 0));
    SEE(read(more[0], buf, 16));
    SEE(read(fds[0], buf, 16));
    tell("%s", buf);
}
CASE(vmsplice_arguments)
{
    char text[] = "hello", buf[16] = { 0 };
    struct iovec v = { text, 5 }, wrong = { bad, 5 }, into = { buf, 16 };
    prepare();
    SEE(vmsplice(-1, &v, 1, 0));
    SEE(vmsplice(file, &v, 1, 0));
    SEE(vmsplice(fds[1], &v, 1, 0x100));
    SEE(vmsplice(fds[1], &v, 0, 0));
    SEE(vmsplice(fds[1], &v, 1025, 0));
    SEE(vmsplice(fds[1], (void *)bad, 1, 0));
    SEE(vmsplice(fds[1], &wrong, 1, 0));
    SEE(vmsplice(fds[1], &v, 1, 0));
    SEE(vmsplice(fds[0], &into, 1, 0));
    tell("%s", buf);
}
CASE(sendfile_arguments)
{
    off_t at = 2, negative = -1;
    prepare();
    int out = open("o", O_CREAT | O_RDWR, 0600), s[2];
    SEE(sendfile(-1, file, NULL, 4));
    SEE(sendfile(out, -1, NULL, 4));
    SEE(sendfile(out, file, (void *)bad, 4));
    SEE(sendfile(out, file, &negative, 4));
    SEE(sendfile(out, file, NULL, -1));
    SEE(sendfile(open("f", O_RDONLY), file, &at, 4));
    SEE(sendfile(out, open("f", O_WRONLY), &at, 4));
    SEE(sendfile(out, fds[0], NULL, 4));
    SEE(sendfile(out, fds[0], &at, 4));
    SEE(sendfile(out, open(".", O_RDONLY), NULL, 4));
    SEE(sendfile(open("f", O_RDWR | O_APPEND), file, &at, 4));
    SEE(sendfile(out, file, &at, 3));
    tell("%d %d", (int)at, (int)lseek(file, 0, SEEK_CUR));
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    SEE(sendfile(out, s[0], NULL, 4));
    SEE(sendfile(s[0], file, &at, 3));
    SEE(sendfile(out, file, &at, 0));
    at = 1000;
    SEE(sendfile(out, file, &at, 4));
}
CASE(copy_arguments)
{
    off_t in = 0, out = 5;
    prepare();
    int o = open("o", O_CREAT | O_RDWR, 0600);
    SEE(copy_file_range(file, &in, o, &out, 4, 1));
    SEE(copy_file_range(file, &in, file, &out, 6, 0));
    in = 0, out = 20;
    SEE(copy_file_range(file, &in, file, &out, 5, 0));
    in = -1;
    SEE(copy_file_range(file, &in, o, NULL, 4, 0));
    SEE(copy_file_range(file, (void *)bad, o, NULL, 4, 0));
    in = 0;
    SEE(copy_file_range(fds[0], NULL, o, NULL, 4, 0));
    SEE(copy_file_range(file, &in, fds[1], NULL, 4, 0));
    SEE(copy_file_range(file, &in, open("o", O_RDONLY), NULL, 4, 0));
    SEE(copy_file_range(open("f", O_WRONLY), &in, o, NULL, 4, 0));
    SEE(copy_file_range(file, &in, open("o", O_RDWR | O_APPEND), NULL, 4, 0));
    SEE(copy_file_range(open(".", O_RDONLY), &in, o, NULL, 4, 0));
    SEE(copy_file_range(file, &in, o, NULL, 0, 0));
    in = LONG_MAX - 1;
    SEE(copy_file_range(file, &in, o, NULL, 4, 0));
    in = 0, out = LONG_MAX;
    SEE(copy_file_range(file, &in, o, &out, 4, 0));
}
