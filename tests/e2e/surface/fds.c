// SPDX-License-Identifier: BSD-3-Clause
// Every call that takes a descriptor, with descriptors of all kinds.
#include "surface.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static const char *const kinds[] = { "none",    "closed",      "file to read", "file to write", "path",
                                     "folder",  "reading end", "writing end",  "socket",        "datagram",
                                     "eventfd", "epoll",       "timerfd",      "signalfd",      "inotify",
                                     "null",    "zero",        "memfd",        "fifo",          "appending" };
static int make(int kind)
{
    int fds[2];
    sigset_t set;
    sigemptyset(&set);
    switch (kind) {
    case 0:
        return -1;
    case 1:
        return 999;
    case 2:
        return open("f", O_RDONLY | O_NONBLOCK);
    case 3:
        return open("f", O_WRONLY | O_NONBLOCK);
    case 4:
        return open("f", O_PATH);
    case 5:
        return open(".", O_RDONLY | O_DIRECTORY);
    case 6:
        return pipe2(fds, O_NONBLOCK), fds[0];
    case 7:
        return pipe2(fds, O_NONBLOCK), fds[1];
    case 8:
        return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), fds[0];
    case 9:
        return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    case 10:
        return eventfd(0, EFD_NONBLOCK);
    case 11:
        return epoll_create1(0);
    case 12:
        return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    case 13:
        return signalfd(-1, &set, SFD_NONBLOCK);
    case 14:
        return inotify_init1(IN_NONBLOCK);
    case 15:
        return open("/dev/null", O_RDWR);
    case 16:
        return open("/dev/zero", O_RDONLY);
    case 17:
        return memfd_create("m", 0);
    case 18:
        return mkfifo("p", 0600), open("p", O_RDWR | O_NONBLOCK);
    default:
        return open("f", O_RDWR | O_APPEND);
    }
}
static void with_fds(long (*call)(int fd))
{
    file_with("f", "0123456789");
    signal(SIGPIPE, SIG_IGN);
    for (int kind = 0; kind < (int)(sizeof(kinds) / sizeof(*kinds)); kind++) {
        int fd = make(kind);
        errno = 0;
        long r = call(fd);
        tell("%s: %ld %s", kinds[kind], r > 1000 ? 1000 : r, r == -1 ? strerrorname_np(errno) : "");
        for (int i = 3; i < 40; i++)
            close(i);
    }
    signal(SIGPIPE, SIG_DFL);
}
#define FDS(name, call)                              \
    static long name##_call(int fd) { return call; } \
    CASE(name) { with_fds(name##_call); }

static char buf[64];
static struct iovec v = { buf, 4 };
static struct stat st;
static struct epoll_event event = { EPOLLIN };
static long mapped(int fd, int prot, int flags)
{
    char *p = mmap(NULL, 4096, prot, flags, fd, 0);
    return p == MAP_FAILED ? -1 : munmap(p, 4096);
}
static long is_good(long r) { return r < 0 ? r : 0; }
static int other(void) { return open("f", O_RDWR); }
static int pipe_in(void)
{
    int fds[2];
    pipe2(fds, O_NONBLOCK);
    return fds[1];
}
static int full_pipe(void)
{
    int fds[2];
    pipe2(fds, O_NONBLOCK);
    write(fds[1], "data", 4);
    return fds[0];
}

FDS(read_some, is_good(read(fd, buf, 4)))
FDS(read_nothing, read(fd, buf, 0))
FDS(read_badly, read(fd, bad, 4) < 0 && errno == EFAULT ? -1 : 0)
FDS(write_some, write(fd, "abcdefgh", 8))
FDS(write_nothing, write(fd, "", 0))
FDS(pread_some, is_good(pread(fd, buf, 4, 0)))
FDS(pread_negative, pread(fd, buf, 4, -1))
FDS(pwrite_some, pwrite(fd, "abcd", 4, 0))
FDS(readv_some, is_good(readv(fd, &v, 1)))
FDS(writev_some, writev(fd, &(struct iovec){ "abcdefgh", 8 }, 1))
FDS(preadv_some, is_good(preadv(fd, &v, 1, 0)))
FDS(pwritev_some, pwritev(fd, &v, 1, 0))
FDS(preadv2_here, is_good(syscall(SYS_preadv2, fd, &v, 1, -1, -1, 0)))
FDS(lseek_start, lseek(fd, 0, SEEK_SET))
FDS(lseek_end, is_good(lseek(fd, 0, SEEK_END)))
FDS(lseek_negative, lseek(fd, -1, SEEK_SET))
FDS(lseek_data, lseek(fd, 0, SEEK_DATA))
FDS(lseek_wrong, lseek(fd, 0, 99))
FDS(fstat_file, fstat(fd, &st))
FDS(fstat_kind, fstat(fd, &st) ? -1 : (tell("%o", st.st_mode &S_IFMT), 0))
FDS(fstatfs_file, syscall(SYS_fstatfs, fd, (char[256]){ 0 }))
FDS(ftruncate_file, ftruncate(fd, 3))
FDS(ftruncate_negative, ftruncate(fd, -1))
FDS(fallocate_file, fallocate(fd, 0, 0, 20))
FDS(fsync_file, fsync(fd))
FDS(fdatasync_file, fdatasync(fd))
FDS(syncfs_file, syncfs(fd))
FDS(sync_range, sync_file_range(fd, 0, 0, 0))
FDS(fadvise_file, syscall(SYS_fadvise64, fd, 0, 0, POSIX_FADV_NORMAL))
FDS(readahead_file, readahead(fd, 0, 4096))
// With the mode it has: the device is the host's when this runs there.
FDS(fchmod_file, fchmod(fd, fstat(fd, &st) ? 0600 : st.st_mode & 07777))
FDS(fchown_file, fchown(fd, -1, -1))
FDS(fchdir_folder, fchdir(fd))
FDS(futimens_file, futimens(fd, NULL))
FDS(getdents_folder, is_good(syscall(SYS_getdents64, fd, (char[2048]){ 0 }, 2048)))
FDS(flock_shared, flock(fd, LOCK_SH | LOCK_NB))
FDS(lock_to_read, fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_RDLCK }))
FDS(lock_to_write, fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_WRLCK }))
FDS(lock_asked, fcntl(fd, F_GETLK, &(struct flock){ .l_type = F_RDLCK }))
FDS(duplicate, is_good(dup(fd)))
FDS(flags_of_file, fcntl(fd, F_GETFL))
FDS(flags_set, fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND))
FDS(flags_of_descriptor, fcntl(fd, F_GETFD))
FDS(pipe_size, fcntl(fd, F_GETPIPE_SZ) > 0 ? 0 : -1)
FDS(seals, fcntl(fd, F_GET_SEALS))
FDS(seals_added, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW))
FDS(unknown_fcntl, fcntl(fd, 9999))
FDS(unknown_ioctl, ioctl(fd, 0x12345678, buf))
FDS(bytes_to_read, ioctl(fd, FIONREAD, buf))
FDS(nonblocking_set, ioctl(fd, FIONBIO, buf))
FDS(terminal_size, ioctl(fd, TIOCGWINSZ, buf))
FDS(epoll_add, epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &event))
FDS(epoll_in, epoll_ctl(fd, EPOLL_CTL_ADD, eventfd(0, 0), &event))
FDS(epoll_wait_in, epoll_wait(fd, &event, 1, 0))
FDS(map_to_read, mapped(fd, PROT_READ, MAP_PRIVATE))
FDS(map_shared, mapped(fd, PROT_READ | PROT_WRITE, MAP_SHARED))
FDS(sendfile_from, sendfile(pipe_in(), fd, NULL, 4))
FDS(sendfile_to, sendfile(fd, other(), NULL, 4))
FDS(splice_from, splice(fd, NULL, pipe_in(), NULL, 4, SPLICE_F_NONBLOCK))
FDS(splice_to, splice(full_pipe(), NULL, fd, NULL, 4, SPLICE_F_NONBLOCK))
FDS(tee_from, tee(fd, pipe_in(), 4, SPLICE_F_NONBLOCK))
FDS(tee_to, tee(full_pipe(), fd, 4, SPLICE_F_NONBLOCK))
FDS(vmsplice_to, vmsplice(fd, &v, 1, SPLICE_F_NONBLOCK))
FDS(copy_from, copy_file_range(fd, NULL, open("o", O_CREAT | O_RDWR, 0600), NULL, 4, 0))
FDS(copy_to, copy_file_range(open("f", O_RDONLY), NULL, fd, NULL, 4, 0))
FDS(fsetxattr_file, fsetxattr(fd, "user.a", "b", 1, 0))
FDS(fgetxattr_file, fgetxattr(fd, "user.a", buf, 8))
FDS(flistxattr_file, is_good(flistxattr(fd, buf, 64)))
FDS(open_below, is_good(openat(fd, "f", O_RDONLY)))
FDS(stat_below, fstatat(fd, "f", &st, 0))
FDS(stat_itself, fstatat(fd, "", &st, AT_EMPTY_PATH))
FDS(link_itself, linkat(fd, "", AT_FDCWD, "l", AT_EMPTY_PATH))
FDS(make_below, mkdirat(fd, "d", 0700))
FDS(send_some, send(fd, "abcd", 4, MSG_DONTWAIT))
FDS(receive_some, recv(fd, buf, 4, MSG_DONTWAIT))
FDS(listen_at, listen(fd, 1))
FDS(shut_down, shutdown(fd, SHUT_RDWR))
FDS(option_type, getsockopt(fd, SOL_SOCKET, SO_TYPE, buf, &(socklen_t){ 4 }))
FDS(timer_set, timerfd_settime(fd, 0, &(struct itimerspec){ 0 }, NULL))
FDS(watch_below, is_good(inotify_add_watch(fd, "f", IN_OPEN)))
FDS(signals_changed, is_good(signalfd(fd, &(sigset_t){ 0 }, 0)))
FDS(polled, poll(&(struct pollfd){ fd, POLLIN | POLLOUT | POLLPRI }, 1, 0))
FDS(polled_for, ({
        struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP };
        poll(&p, 1, 0);
        p.revents;
    }))
FDS(closed_twice, close(fd) ? -1 : close(fd))
FDS(pidfd_signal, syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0))
FDS(queue_attributes, syscall(SYS_mq_getsetattr, fd, NULL, buf))
