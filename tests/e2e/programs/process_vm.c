// SPDX-License-Identifier: BSD-3-Clause
// process_vm_readv and process_vm_writev between relatives and strangers, and personality.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void told(const char *what, long result)
{
    printf("%s: %ld %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
}

static char shared_name[4096 * 3] = "before fork";

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    char *area = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mprotect(area + 3 * 4096, 4096, PROT_NONE);
    strcpy(area, "parent");
    strcpy(common, "common");
    int ready[2], go[2];
    char buf[3 * 4096] = "", c;
    pipe(ready);
    pipe(go);
    pid_t pid = fork();
    if (!pid) {
        strcpy(area, "child");
        strcpy(area + 4096 - 3, "across the border");
        strcpy(shared_name, "of the child");
        write(ready[1], "x", 1);
        read(go[0], &c, 1);
        printf("child sees: %s, %s, %s\n", area, shared_name, common);
        fflush(stdout);
        _exit(0);
    }
    read(ready[0], &c, 1);
    struct iovec local = { buf, 64 }, remote = { area, 64 };
    told("read", process_vm_readv(pid, &local, 1, &remote, 1, 0));
    printf("%s, own %s\n", buf, area);
    remote.iov_base = area + 4096 - 3;
    told("read across", process_vm_readv(pid, &local, 1, &remote, 1, 0));
    printf("%s\n", buf);
    remote.iov_base = shared_name;
    told("read data", process_vm_readv(pid, &local, 1, &remote, 1, 0));
    printf("%s, own %s\n", buf, shared_name);
    remote.iov_base = common;
    told("read shared", process_vm_readv(pid, &local, 1, &remote, 1, 0));
    printf("%s\n", buf);
    remote.iov_base = area + 2 * 4096;
    told("read untouched", process_vm_readv(pid, &local, 1, &remote, 1, 0));
    printf("%d\n", buf[0]);
    struct iovec pieces[2] = { { buf, 3 }, { buf + 10, 20 } },
                 parts[3] = { { area, 2 }, { area + 2, 4 }, { shared_name, 8 } };
    told("pieces", process_vm_readv(pid, pieces, 2, parts, 3, 0));
    printf("%.3s %.11s\n", buf, buf + 10);
    remote = (struct iovec){ area + 3 * 4096 - 4, 8 };
    told("into what is protected", process_vm_readv(pid, &local, 1, &remote, 1, 0));
    remote.iov_base = area + 3 * 4096;
    told("protected", process_vm_readv(pid, &local, 1, &remote, 1, 0));
    remote.iov_base = NULL;
    told("nothing there", process_vm_readv(pid, &local, 1, &remote, 1, 0));
    told("flags", process_vm_readv(pid, &local, 1, &remote, 1, 1));
    told("nobody", process_vm_readv(999999, &local, 1, &remote, 1, 0));
    told("no pieces", process_vm_readv(pid, &local, 0, &remote, 1, 0));
    told("too many", process_vm_readv(pid, &local, 1025, &remote, 1, 0));
    local = (struct iovec){ "written from outside", 21 };
    remote = (struct iovec){ area, 21 };
    told("write", process_vm_writev(pid, &local, 1, &remote, 1, 0));
    remote.iov_base = shared_name;
    told("write data", process_vm_writev(pid, &local, 1, &remote, 1, 0));
    remote.iov_base = common;
    told("write shared", process_vm_writev(pid, &local, 1, &remote, 1, 0));
    remote.iov_base = (void *)told;
    told("write code", process_vm_writev(pid, &local, 1, &remote, 1, 0));
    printf("own: %s, %s, %s\n", area, shared_name, common);
    pid_t stranger = fork();
    if (!stranger) {
        setuid(33);
        local.iov_base = buf;
        remote.iov_base = area;
        told("a stranger", process_vm_readv(pid, &local, 1, &remote, 1, 0));
        fflush(stdout);
        _exit(0);
    }
    waitpid(stranger, NULL, 0);
    write(go[1], "x", 1);
    waitpid(pid, NULL, 0);
    local = (struct iovec){ buf, 7 };
    remote = (struct iovec){ area, 7 };
    told("own memory", process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
    printf("%s\n", buf);
    told("personality", personality(0xffffffff));
    told("personality", personality(ADDR_NO_RANDOMIZE));
    told("personality", personality(0xffffffff));
    return 0;
}
