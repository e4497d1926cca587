// SPDX-License-Identifier: BSD-3-Clause
// occlum-mount: the volume of an instance as a folder of this machine, by FUSE. `occlum mount` becomes this program.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/mount_ops.h"
#include "cli/volume_file.h"

static const char help[] = "usage: occlum mount [options] FOLDER\n\n"
                           "Shows the volume that keeps what programs write (an ext2 in the format of Linux' "
                           "overlayfs, without what the image\n"
                           "shows below it) in FOLDER, until fusermount3 -u FOLDER. No enclave may have it open "
                           "meanwhile; what is written is\n"
                           "durable after fsync, some seconds, and at the end.\n\n"
                           "  --read-only        nothing can be changed\n"
                           "  --foreground       do not return before it is unmounted\n"
                           "  --path DIR         the folder of the volume; the default is run/mount/__ROOT\n"
                           "  --image-key FILE   the image key of the instance, if it has one; OCCLUM_IMAGE_KEY\n"
                           "  --key FILE         32 bytes; the default is DIR/simulation.key\n";

static void asked_by(u32 *ret_uid, u32 *ret_gid)
{
    *ret_uid = fuse_get_context()->uid;
    *ret_gid = fuse_get_context()->gid;
}

static int serve(struct ext2 *ext2, const char *folder, bool read_only, bool foreground)
{
    char program[] = "occlum-mount", option[] = "-o", options[80];
    snprintf(options, sizeof(options), "default_permissions,fsname=occlum%s", read_only ? ",ro" : "");
    char *argv[] = { program, option, options, NULL };
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);
    struct fuse *fuse = fuse_new(&args, &mount_operations, sizeof(mount_operations), NULL);
    int status = STATUS_ERROR;

    if (!fuse)
        return cli_error("FUSE could not be set up");
    mount_use(ext2, read_only);
    mount_owner = asked_by;
    if (fuse_mount(fuse, folder) != 0) {
        cli_error("%s cannot be mounted: FUSE needs /dev/fuse, and root or fusermount3 (package fuse3). Without it: "
                  "occlum volume export, and import",
                  folder);
    } else {
        if (fuse_daemonize(foreground) == 0 && fuse_set_signal_handlers(fuse_get_session(fuse)) == 0) {
            status = fuse_loop(fuse) >= 0 ? STATUS_OK : STATUS_ERROR;
            fuse_remove_signal_handlers(fuse_get_session(fuse));
        }
        fuse_unmount(fuse);
    }
    fuse_destroy(fuse);
    return status;
}

int main(int argc, char **argv)
{
    struct key_source key = { .image_key = getenv("OCCLUM_IMAGE_KEY") };
    const char *folder = "run/mount/__ROOT";
    bool read_only = false, foreground = false, asks = false;
    const struct cli_option options[] = { { "path", 0, &folder, NULL },
                                          { "key", 0, &key.key, NULL },
                                          { "image-key", 0, &key.image_key, NULL },
                                          { "read-only", 0, NULL, &read_only },
                                          { "foreground", 0, NULL, &foreground },
                                          { "help", 'h', NULL, &asks } };
    int at = cli_parse(argc, argv, options, ARRAY_SIZE(options));
    struct volume_file file;
    struct ext2 *ext2;

    if (at < 0)
        return STATUS_USAGE;
    if (asks)
        return fputs(help, stdout) < 0;
    if (at != argc - 1)
        return cli_usage("mount: one FOLDER is expected. See: occlum mount --help");
    if (access("/dev/fuse", R_OK | W_OK) != 0)
        return cli_error(
            "/dev/fuse: %s. What helps: modprobe fuse (or --device /dev/fuse for a container). Without it: "
            "occlum volume export, and import",
            strerror(errno));
    int status = volume_file_open(folder, &key, !read_only, &file);
    if (status)
        return status;
    int err = ext2_mount(file.volume, &volume_host_env, &ext2);
    if (err) {
        volume_file_close(&file);
        return cli_error("volume %s: %s", folder, volume_why(err));
    }
    struct volume_info info;
    volume_get_info(file.volume, &info);
    if (info.anchored && !read_only)
        cli_note("the volume has a freshness anchor: after a change, occlum volume anchor FILE says that it is meant");
    status = serve(ext2, argv[at], read_only, foreground);
    ext2_unmount(ext2);
    volume_file_close(&file);
    return status;
}
