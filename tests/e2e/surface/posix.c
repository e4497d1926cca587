// SPDX-License-Identifier: BSD-3-Clause
// What the C library makes of several calls: shared memory and asynchronous I/O of POSIX, times, names.
#include "surface.h"

#include <aio.h>
#include <langinfo.h>
#include <nl_types.h>
#include <spawn.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

CASE(shared_memory)
{
    shm_unlink("/surface-shm");
    SEE(shm_open("/surface-shm", O_RDWR, 0));
    SEE(shm_open("/", O_RDWR | O_CREAT, 0600));
    SEE(shm_open("/a/b", O_RDWR | O_CREAT, 0600));
    int fd = shm_open("/surface-shm", O_RDWR | O_CREAT | O_EXCL, 0600);
    see_good("shm_open", fd);
    SEE(shm_open("/surface-shm", O_RDWR | O_CREAT | O_EXCL, 0600));
    SEE(ftruncate(fd, 4096));
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(p, "shared");
    char buf[8] = { 0 };
    SEE(pread(fd, buf, 6, 0));
    tell("%s", buf);
    SEE(shm_unlink("/surface-shm"));
    SEE(shm_unlink("/surface-shm"));
}
CASE(asynchronous)
{
    char buf[8] = { 0 };
    file_with("f", "0123456789");
    struct aiocb r = { .aio_fildes = open("f", O_RDWR), .aio_buf = buf, .aio_nbytes = 4, .aio_offset = 3 };
    const struct aiocb *list[] = { &r };
    SEE(aio_read(&r));
    SEE(aio_suspend(list, 1, NULL));
    SEE(aio_error(&r));
    SEE(aio_return(&r));
    tell("%s", buf);
    SEE(aio_cancel(r.aio_fildes, NULL));
    SEE(aio_cancel(-1, NULL));
    r.aio_reqprio = -1;
    SEE(aio_write(&r));
    r.aio_reqprio = 0;
    r.aio_fildes = -1;
    SEE(aio_read(&r));
    aio_suspend(list, 1, NULL);
    SEE(aio_error(&r));
    struct aiocb *one[] = { &r };
    SEE(lio_listio(99, one, 1, NULL));
    SEE(lio_listio(LIO_WAIT, one, -1, NULL));
}
CASE(spawned)
{
    pid_t pid;
    char *argv[] = { "none", NULL };
    tell("%s", strerrorname_np(posix_spawn(&pid, "/none", NULL, NULL, argv, NULL)));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 5, "/none", O_RDONLY, 0);
    tell("%s", strerrorname_np(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, NULL)));
    SEE(waitpid(-1, NULL, WNOHANG));
}
CASE(configuration)
{
    SEE(sysconf(_SC_PAGESIZE));
    SEE(sysconf(_SC_CLK_TCK));
    SEE(sysconf(_SC_ARG_MAX) >= 131072);
    SEE(sysconf(_SC_IOV_MAX));
    SEE(sysconf(_SC_NGROUPS_MAX));
    SEE(sysconf(9999));
    SEE(pathconf(".", _PC_NAME_MAX));
    SEE(pathconf(".", _PC_PATH_MAX));
    SEE(pathconf("none", _PC_NAME_MAX));
    SEE(pathconf(".", 9999));
    SEE(fpathconf(-1, _PC_NAME_MAX));
    int fds[2];
    pipe(fds);
    SEE(fpathconf(fds[0], _PC_PIPE_BUF));
}
CASE(catalogues)
{
    SEE((long)catopen("none", 0));
    SEE(catclose((nl_catd)-1));
    tell("%s", catgets((nl_catd)-1, 1, 1, "fallback"));
    tell("%s", nl_langinfo(CODESET));
}
CASE(temporary_files)
{
    char name[] = "tXXXXXX", wrong[] = "tXXX", folder[] = "dXXXXXX";
    GOOD(mkstemp(name));
    SEE(mkstemp(wrong));
    SEE(mkdtemp(folder) == folder);
    struct stat st;
    stat(name, &st);
    tell("%o", st.st_mode);
    stat(folder, &st);
    tell("%o", st.st_mode);
    FILE *f = tmpfile();
    SEE(f == NULL);
    SEE(fputs("x", f) >= 0);
}
CASE(streams)
{
    FILE *f = fopen("f", "w+");
    SEE(fprintf(f, "hello %d\n", 5));
    SEE(fseek(f, 0, SEEK_SET));
    char line[32];
    tell("%s", fgets(line, 32, f) ? "read" : "nothing");
    SEE(fclose(f));
    SEE(fopen("none", "r") == NULL);
    SEE(fopen("f", "q") == NULL);
    SEE(fdopen(-1, "r") == NULL);
    f = popen("exit 3", "q");
    SEE(f == NULL);
    SEE(rename("f", "g"));
    SEE(remove("g"));
    SEE(remove("g"));
}
