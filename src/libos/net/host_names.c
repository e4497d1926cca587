// SPDX-License-Identifier: BSD-3-Clause
#include "libos/net/host_names.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/host/hostfile.h"
#include "libos/mem/heap.h"
#include "libos/net/resolv_text.h"

enum { FILE_MAX = 8192 };

static const char resolv_path[] = "/etc/resolv.conf", hosts_path[] = "/etc/hosts";
static const char hosts_text[] = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 occlum\n";

// Whether the file inside may be made anew: there is nothing, or what was made before.
static bool is_ours(const char *path, const char *mark)
{
    char text[64];
    struct file *file;
    int err = file_open(path, O_RDONLY, 0, &file);

    if (err)
        return err == -ENOENT;
    long n = file_read_at(file, 0, text, sizeof(text));
    file_unref(file);
    size_t size = strlen(mark);
    return n == 0 || (n > 0 && size && (size_t)n >= size && !memcmp(text, mark, size));
}

// What cannot be written stays as it is: the resolver then has none.
static void make_file(const char *path, const char *text, size_t size)
{
    struct iovec one;
    struct file *file;
    struct uio uio;

    if (file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &file))
        return;
    uio_kernel(&uio, &one, (void *)(uintptr_t)text, size);
    (void)!file_transfer(file, &uio, true);
    file_unref(file);
}

// Where the host's file is: a link is followed once, since hosts with a resolver of their own have one there.
static int open_of_host(void)
{
    char target[512]; // of a link that is longer: nothing
    int fd = hostfile_open(AT_FDCWD, resolv_path, O_RDONLY);

    if (fd != -ELOOP)
        return fd;
    int link = hostfile_lookup(AT_FDCWD, resolv_path);
    if (link < 0)
        return link;
    const size_t prefix = sizeof("/etc/") - 1;
    memcpy(target, "/etc/", prefix);
    long n = hostfile_readlink(link, target + prefix, sizeof(target) - prefix - 1);
    hostfile_close(link);
    if (n <= 0)
        return n ? (int)n : -ENOENT;
    target[prefix + (size_t)n] = '\0';
    return hostfile_open(AT_FDCWD, target[prefix] == '/' ? target + prefix : target, O_RDONLY);
}

static void make_resolv(void)
{
    char text[RESOLV_MAX];

    if (!is_ours(resolv_path, RESOLV_MARK))
        return;
    int fd = open_of_host();
    char *from = fd < 0 ? NULL : kmalloc(FILE_MAX);
    long n = from ? hostfile_read(fd, 0, from, FILE_MAX) : -ENOENT;
    size_t size = n > 0 ? resolv_text(from, (size_t)n, text) : 0;
    if (size)
        make_file(resolv_path, text, size);
    kfree(from);
    if (fd >= 0)
        hostfile_close(fd);
}

void host_names_before_open(const char *path)
{
    static bool resolv_made, hosts_made; // atomic

    if (str_eq(path, resolv_path) && !__atomic_exchange_n(&resolv_made, true, __ATOMIC_ACQ_REL))
        make_resolv();
    if (str_eq(path, hosts_path) && !__atomic_exchange_n(&hosts_made, true, __ATOMIC_ACQ_REL) &&
        is_ours(hosts_path, ""))
        make_file(hosts_path, hosts_text, sizeof(hosts_text) - 1);
}
