// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/verbs.h"
#include "config/template.h"

const char help_new[] = "Makes the folder PATH, which must not exist, and an instance in it:\n\n"
                        "  Occlum.json   the configuration, with every field a new instance needs\n"
                        "  image/        what the program will see as its root file system\n\n"
                        "Next: put the program into image/ (copy_bom does it with all libraries), then occlum build.\n";
const char help_init[] =
    "Makes an instance in the current folder. Refuses if there is one already: nothing is overwritten.\n";

static const char *const folders[] = { "image",
                                       "image/bin",
                                       "image/dev",
                                       "image/etc",
                                       "image/home",
                                       "image/host",
                                       "image/lib",
                                       "image/lib64",
                                       "image/mnt",
                                       "image/opt",
                                       "image/proc",
                                       "image/root",
                                       "image/run",
                                       "image/sbin",
                                       "image/sys",
                                       "image/tmp",
                                       "image/usr",
                                       "image/usr/bin",
                                       "image/usr/lib",
                                       "image/usr/local",
                                       "image/usr/local/bin",
                                       "image/usr/local/lib",
                                       "image/usr/sbin",
                                       "image/usr/share",
                                       "image/var",
                                       "image/var/cache",
                                       "image/var/lib",
                                       "image/var/log",
                                       "image/var/tmp" };

// The same as examples/bom/etc, which a test holds against this.
static const struct {
    const char *path, *text;
} files[] = {
    { "image/etc/group", "root:x:0:\nnogroup:x:65534:\n" },
    { "image/etc/hostname", "occlum\n" },
    { "image/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 occlum\n" },
    { "image/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nprotocols: files\nservices: files\n" },
    { "image/etc/passwd",
      "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" },
    { "image/etc/protocols", "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6 41 IPv6\nipv6-icmp 58 IPv6-ICMP\n" },
    { "image/etc/resolv.conf", "" },
    { "image/etc/services",
      "ssh 22/tcp\nsmtp 25/tcp\ndomain 53/tcp\ndomain 53/udp\nhttp 80/tcp\nntp 123/udp\nhttps 443/tcp\n" },
    { "image/etc/shells", "/bin/sh\n" },
};

static int fill_image(void)
{
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (make_folder(folders[i]))
            return STATUS_ERROR;
    if (chmod("image/tmp", 01777) != 0 || chmod("image/var/tmp", 01777) != 0)
        return cli_error("image/tmp: %s", strerror(errno));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (access(files[i].path, F_OK) != 0 &&
            write_file_atomically(files[i].path, files[i].text, strlen(files[i].text)))
            return STATUS_ERROR;
    return STATUS_OK;
}

static int initialize(const char *shown)
{
    if (access(INSTANCE_CONFIG, F_OK) == 0)
        return cli_error("there is an instance here already: %s exists", INSTANCE_CONFIG);
    int status = fill_image();
    if (status)
        return status;
    if (write_file_atomically(INSTANCE_STATUS, "initialized\n", 12))
        return STATUS_ERROR;
    // Last, because this file is what makes the folder an instance.
    if (write_file_atomically(INSTANCE_CONFIG, config_template, strlen(config_template)))
        return STATUS_ERROR;
    printf("%s initialized as an Occlum instance\n", shown);
    return STATUS_OK;
}

int verb_init(int argc, char **argv)
{
    if (cli_parse(argc, argv, NULL, 0) < argc)
        return cli_usage("init takes no arguments. See: occlum init --help");
    return initialize("this folder is");
}

int verb_new(int argc, char **argv)
{
    int first = cli_parse(argc, argv, NULL, 0);
    if (first < 0 || argc - first != 1)
        return cli_usage("new needs one PATH. See: occlum new --help");
    const char *path = argv[first];
    if (mkdir(path, 0755) != 0)
        return cli_error("%s cannot be made: %s", path, strerror(errno));
    if (chdir(path) != 0)
        return cli_error("%s: %s", path, strerror(errno));
    return initialize(path);
}
