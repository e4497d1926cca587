// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/image_key.h"
#include "cli/verbs.h"

const char help_gen_image_key[] =
    "Makes FILE with 32 bytes of chance as text, readable by you alone. A file that is there already is not touched.\n"
    "occlum build --image-key FILE encrypts the image with it, occlum run --image-key FILE needs it. Who loses it "
    "loses "
    "the\n"
    "image and the volume; who knows it can read both.\n";

int verb_gen_image_key(int argc, char **argv)
{
    u8 key[IMAGE_KEY_BYTES];
    char text[IMAGE_KEY_BYTES * 3 + 1];
    int first = cli_parse(argc, argv, NULL, 0);

    if (first < 0 || argc - first != 1)
        return cli_usage("gen-image-key takes one FILE. See: occlum gen-image-key --help");
    const char *path = argv[first];
    if (getrandom(key, sizeof(key), 0) != sizeof(key))
        return cli_error("the system has no random bytes: %s", strerror(errno));
    for (size_t i = 0; i < sizeof(key); i++)
        snprintf(text + i * 3, 4, "%02x%c", key[i], i + 1 < sizeof(key) ? '-' : '\n');
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cli_error("%s cannot be made: %s%s", path, strerror(errno),
                         errno == EEXIST ? ". It may be the only copy of a key: move it away first" : "");
    size_t size = strlen(text);
    bool good = write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
    int err = errno;
    good = close(fd) == 0 && good;
    explicit_bzero(key, sizeof(key));
    explicit_bzero(text, sizeof(text));
    if (good)
        return STATUS_OK;
    unlink(path);
    return cli_error("%s cannot be written: %s", path, strerror(err));
}
