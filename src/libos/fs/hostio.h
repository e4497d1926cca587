// SPDX-License-Identifier: BSD-3-Clause
// Descriptors of the host as files: the standard streams of the first process, and of programs that come by `occlum
// exec`.
#pragma once

#include <asm/termbits.h>

#include "libos/fs/file.h"

struct host_stat;
struct stream; // a descriptor of the host, shared by the files of it

// A file of it; owned: the host's descriptor is closed with the last file (not when this fails). known: what the host
// said of it; NULL, or of no type: it is asked. -EBADF and what else the host says.
__nodiscard int hostio_open(int host_fd, bool owned, const struct host_stat *known, u32 flags, struct file **ret_file);
struct stream *hostio_of(const struct file *file); // not referenced; NULL: it is no such file
struct stream *hostio_ref(struct stream *stream);
void hostio_unref(struct stream *stream);
u64 hostio_device(const struct stream *stream); // st_rdev of the host, a hint

void hostio_wake(struct stream *stream); // those who wait for it look again

// What files of a stream do, for terminals that do more. file: of whose flags O_NONBLOCK counts.
long hostio_read(struct stream *stream, const struct file *file, struct uio *uio);
long hostio_write(struct stream *stream, const struct file *file, struct uio *uio);
u32 hostio_poll(struct stream *stream, struct poll_table *table);
long hostio_ioctl(struct stream *stream, u32 command, u64 argument);
bool hostio_settings(struct stream *stream, struct termios *ret_settings); // false: it is no terminal
