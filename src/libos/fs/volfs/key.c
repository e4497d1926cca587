// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/volfs/key.h"

#include "abi/linux/abi.h"
#include "base/string.h"
#include "libos/fs/volfs/disk.h"
#include "libos/host/hostfile.h"
#include "trusted/log.h"
#include "trusted/random.h"
#include "trusted/seal.h"
#include "trusted/layout.h"

#define KEY_FILE "simulation.key"

static int make_key(int dir, u8 key[32])
{
    int fd = volfs_host_open(dir, KEY_FILE, true);

    if (fd < 0)
        return fd;
    random_bytes(key, 32);
    long n = hostfile_write(fd, 0, key, 32);
    int err = hostfile_sync(fd, false);
    hostfile_close(fd);
    if (n == 32 && !err)
        return 0;
    (void)!hostfile_unlink(dir, KEY_FILE, false);
    return err ? err : -EIO;
}

static int read_key(int dir, u8 key[32])
{
    int fd = volfs_host_open(dir, KEY_FILE, false);

    if (fd < 0)
        return fd;
    long n = hostfile_read(fd, 0, key, 32);
    hostfile_close(fd);
    return n == 32 ? 0 : -EIO;
}

int volfs_key(int dir, u8 key[32])
{
    if (!enclave_simulated)
        return seal_key(key);
    log_warn("simulation: the key of the volume lies beside it in %s", KEY_FILE);
    int err = read_key(dir, key);
    return err == -ENOENT ? make_key(dir, key) : err;
}
