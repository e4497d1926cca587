// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/json.h"

// Reads at most one byte over the limit: json_parse then refuses the size. -errno, or the number of bytes.
static ssize_t read_limited(int fd, char *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, buffer + done, size - done);
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int occlum_json_load(const char *path, struct config_errors *errors, struct occlum_json *ret_json)
{
    const struct json_pos nowhere = { 0, 0 };
    struct stat st;
    errors->file = path;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        config_error(errors, nowhere, "found %s; expected a regular file", fd < 0 ? strerror(errno) : "something else");
        if (fd >= 0)
            close(fd);
        return -EINVAL;
    }
    char *text = malloc(JSON_SIZE_MAX + 1);
    ssize_t size = text ? read_limited(fd, text, JSON_SIZE_MAX + 1) : -ENOMEM;
    close(fd);
    int err = -EINVAL;
    if (size < 0)
        config_error(errors, nowhere, "cannot be read: %s", strerror((int)-size));
    else if ((u64)size > JSON_SIZE_MAX)
        config_error(errors, nowhere, "found a file over 4 MiB; expected at most 4 MiB");
    else
        err = occlum_json_parse(text, (size_t)size, errors, ret_json);
    free(text);
    return err;
}
