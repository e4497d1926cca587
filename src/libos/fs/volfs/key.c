// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/volfs/key.h"

#include "abi/linux/abi.h"
#include "base/string.h"
#include "imagefmt/seal.h"
#include "libos/fs/image_key.h"
#include "libos/fs/volfs/disk.h"
#include "libos/host/hostfile.h"
#include "trusted/log.h"
#include "trusted/random.h"
#include "trusted/seal.h"
#include "trusted/layout.h"

#define KEY_FILE "simulation.key"
#define CPUSVN_FILE "volume.cpusvn"

// A small file of the folder: read, or made with what `bytes` holds when there is none.
static int read_small(int dir, const char *name, u8 *bytes, size_t size)
{
    int fd = volfs_host_open(dir, name, false);

    if (fd < 0)
        return fd;
    long n = hostfile_read(fd, 0, bytes, size);
    hostfile_close(fd);
    if (n < 0)
        return (int)n;
    return (size_t)n == size ? 0 : -EIO;
}

// Under another name first: whatever interrupts it, the file is there whole or not at all.
static int make_small(int dir, const char *name, const char *making, const u8 *bytes, size_t size)
{
    (void)!hostfile_unlink(dir, making, false); // of a run that was killed
    int fd = volfs_host_open(dir, making, true);

    if (fd < 0)
        return fd;
    long n = hostfile_write(fd, 0, bytes, size);
    int err = n < 0 ? (int)n : n == (long)size ? hostfile_sync(fd, false) : -EIO;
    hostfile_close(fd);
    if (!err)
        err = hostfile_rename(dir, making, dir, name, RENAME_NOREPLACE);
    if (err)
        (void)!hostfile_unlink(dir, making, false);
    return err;
}

static int key_of_simulation(int dir, u8 key[32])
{
    log_warn("simulation: the key of the volume lies beside it in %s", KEY_FILE);
    int err = read_small(dir, KEY_FILE, key, 32);
    if (err != -ENOENT)
        return err;
    random_bytes(key, 32);
    return make_small(dir, KEY_FILE, KEY_FILE ".new", key, 32);
}

// Another CPUSVN in the file than the one that the volume was made with gives another key, which does not open it.
int volfs_key(int dir, u8 key[32])
{
    u8 cpusvn[SEAL_CPUSVN];

    if (image_key()) {
        image_volume_key(image_key(), key);
        return 0;
    }
    if (enclave_simulated)
        return key_of_simulation(dir, key);
    int err = read_small(dir, CPUSVN_FILE, cpusvn, sizeof(cpusvn));
    if (err == -ENOENT) {
        seal_cpusvn(cpusvn);
        err = make_small(dir, CPUSVN_FILE, CPUSVN_FILE ".new", cpusvn, sizeof(cpusvn));
    }
    return err ? err : seal_key(cpusvn, key);
}
