// SPDX-License-Identifier: BSD-3-Clause
// System V shared memory (shmget(2), shmop(2), shmctl(2)). A segment is a file in memory without a name; attaching maps
// it shared, so that all processes have it at its home. What is mapped holds a reference of the segment.
#include "abi/linux/shm.h"

#include "base/fmt.h"
#include "libos/fs/file.h"
#include "libos/fs/inode.h"
#include "libos/ipc/sysv.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "libos/vm/vm.h"

enum { SEGMENTS = 4096, SEQUENCES = 1 << 15, SEGMENT_MIN = 1 };

struct segment {
    u32 refs; // the table's, and one for each mapping and each call at work; guarded by `lock`
    bool removed;
    struct sysv sysv; // key, id, owner; its own table is `segments`
    bool locked;      // SHM_LOCK, which is told back
    u64 size;
    u32 cpid, lpid;
    s64 atime, dtime, ctime; // seconds
    struct file *file;
};

static struct mutex lock = MUTEX_INIT(LOCK_SHM); // everything here
static struct segment *segments[SEGMENTS];
static u32 sequence, used;

static s64 now(void) { return time_realtime_ns() / 1000000000; }
static u32 self(void) { return fs_current_pid(); }

// The segment of an id, referenced; NULL.
static struct segment *get(int id)
{
    mutex_lock(&lock);
    struct segment *s = id >= 0 ? segments[id % SEGMENTS] : NULL;
    if (s && s->sysv.id == id)
        s->refs++;
    else
        s = NULL;
    mutex_unlock(&lock);
    return s;
}

static void put(struct segment *s)
{
    mutex_lock(&lock);
    bool last = --s->refs == 0;
    if (last) {
        segments[s->sysv.id % SEGMENTS] = NULL;
        used--;
    }
    mutex_unlock(&lock);
    if (!last)
        return;
    file_unref(s->file);
    kfree(s);
}

// --- as a file that is mapped

static void map_get(void *opaque)
{
    struct segment *s = opaque;
    mutex_lock(&lock);
    s->refs++;
    mutex_unlock(&lock);
}

static void map_put(void *opaque)
{
    struct segment *s = opaque;
    mutex_lock(&lock);
    s->dtime = now();
    s->lpid = self();
    mutex_unlock(&lock);
    put(s);
}

static long map_read(void *opaque, u64 offset, void *buf, size_t size)
{
    return file_vm_ops.read(((struct segment *)opaque)->file, offset, buf, size);
}
static struct vm_object *map_object(void *opaque) { return file_vm_ops.object(((struct segment *)opaque)->file); }
static u64 map_size(void *opaque) { return ((struct segment *)opaque)->size; }
static u64 map_inode(void *opaque) { return (u64)((struct segment *)opaque)->sysv.id; }
static size_t map_path(void *opaque, char *buf, size_t size)
{
    return file_path(((struct segment *)opaque)->file, buf, size);
}

static const struct vm_file_ops map_ops = {
    .get = map_get,
    .put = map_put,
    .read = map_read,
    .object = map_object,
    .size = map_size,
    .inode = map_inode,
    .path = map_path,
};

// --- shmget

static struct segment *find(int key)
{
    for (u32 i = 0; i < SEGMENTS; i++)
        if (segments[i] && segments[i]->sysv.key == key && !segments[i]->removed)
            return segments[i];
    return NULL;
}

static int make(int key, size_t size, u32 flags)
{
    char path[32];
    u32 slot = 0;
    if (size < SEGMENT_MIN || size > INT64_MAX)
        return -EINVAL;
    while (slot < SEGMENTS && segments[slot])
        slot++;
    struct segment *s = slot < SEGMENTS ? kzalloc(sizeof(*s)) : NULL;
    if (!s)
        return slot < SEGMENTS ? -ENOMEM : -ENOSPC;
    fmt_format(path, sizeof(path), "/SYSV%08x (deleted)", (u32)key);
    int err = file_unnamed(size, path, &s->file);
    if (err) {
        kfree(s);
        return err == -EFBIG ? -ENOMEM : err;
    }
    sequence = (sequence + 1) % SEQUENCES;
    s->refs = 1;
    sysv_own(&s->sysv, key, (int)(sequence * SEGMENTS + slot), (int)flags);
    s->size = size;
    s->cpid = self();
    s->ctime = now();
    segments[slot] = s;
    used++;
    return s->sysv.id;
}

static int found_segment(const struct segment *s, size_t size, int flags)
{
    int err = sysv_permission(&s->sysv, sysv_wanted(flags));
    if (err)
        return err;
    return size > s->size ? -EINVAL : s->sysv.id;
}

long sys_shmget(int key, size_t size, int flags)
{
    mutex_lock(&lock);
    struct segment *s = key == IPC_PRIVATE ? NULL : find(key);
    long result;
    if (flags & SHM_HUGETLB)
        result = -ENOMEM; // as a system without a huge page pool
    else if (s && (flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
        result = -EEXIST;
    else if (s)
        result = found_segment(s, size, flags);
    else if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
        result = -ENOENT;
    else
        result = make(key, size, (u32)flags);
    mutex_unlock(&lock);
    return result;
}

// --- shmat, shmdt

static int map_args(struct segment *s, u64 addr, int flags, struct vm_map_args *ret_args)
{
    *ret_args = (struct vm_map_args){
        .len = s->size,
        .prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0u),
        .flags = MAP_SHARED,
        .file = s,
        .ops = &map_ops,
        .may_write = !(flags & SHM_RDONLY),
    };
    if (!addr)
        return flags & SHM_REMAP ? -EINVAL : 0;
    if (!IS_ALIGNED(addr, PAGE_SIZE) && !(flags & SHM_RND))
        return -EINVAL;
    ret_args->addr = ALIGN_DOWN(addr, PAGE_SIZE);
    ret_args->flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    return 0;
}

long sys_shmat(int id, u64 addr, int flags)
{
    struct vm_map_args args;
    struct segment *s = get(id);
    if (!s)
        return -EINVAL;
    s64 result = map_args(s, addr, flags, &args);
    if (!result)
        result = sysv_permission(&s->sysv, flags & SHM_RDONLY ? 04 : 06);
    if (!result)
        result = vm_map(current->mm, &args);
    if (result > 0) {
        mutex_lock(&lock);
        s->atime = now();
        s->lpid = self();
        mutex_unlock(&lock);
    }
    put(s);
    return result == -EEXIST ? -EINVAL : result;
}

long sys_shmdt(u64 addr)
{
    return IS_ALIGNED(addr, PAGE_SIZE) ? vm_unmap_mapping(current->mm, addr, &map_ops) : -EINVAL;
}

// --- shmctl

static void fill_stat(const struct segment *s, struct shmid64_ds *ds)
{
    *ds = (struct shmid64_ds){
        .shm_segsz = s->size,
        .shm_atime = s->atime,
        .shm_dtime = s->dtime,
        .shm_ctime = s->ctime,
        .shm_cpid = (int)s->cpid,
        .shm_lpid = (int)s->lpid,
        .shm_nattch = s->refs - (s->removed ? 1 : 2), // less the table's and the caller's
    };
    sysv_describe(&s->sysv, &ds->shm_perm);
    ds->shm_perm.mode |= (s->removed ? SHM_DEST : 0u) | (s->locked ? SHM_LOCKED : 0u);
}

static void remove(struct segment *s)
{
    mutex_lock(&lock);
    bool first = !s->removed;
    s->removed = true;
    s->sysv.key = IPC_PRIVATE; // nobody finds it any more
    mutex_unlock(&lock);
    if (first)
        put(s); // the table's
}

static long info(int command, void __user *user)
{
    struct shminfo64 limits = {
        .shmmax = INT64_MAX, .shmmin = SEGMENT_MIN, .shmmni = SEGMENTS, .shmseg = SEGMENTS, .shmall = INT64_MAX
    };
    struct shm_info usage = { 0 };
    int highest = 0;
    mutex_lock(&lock);
    usage.used_ids = (int)used;
    for (int i = 0; i < SEGMENTS; i++) {
        if (!segments[i])
            continue;
        highest = i;
        usage.shm_tot += DIV_ROUND_UP(segments[i]->size, PAGE_SIZE);
    }
    mutex_unlock(&lock);
    long err =
        command == IPC_INFO ? copy_to_user(user, &limits, sizeof(limits)) : copy_to_user(user, &usage, sizeof(usage));
    return err ? err : highest;
}

static long set(struct segment *s, const struct shmid64_ds __user *user)
{
    struct shmid64_ds ds;
    if (copy_from_user(&ds, user, sizeof(ds)))
        return -EFAULT;
    int err = sysv_owned(&s->sysv);
    if (err)
        return err;
    mutex_lock(&lock);
    sysv_set_owner(&s->sysv, &ds.shm_perm);
    s->ctime = now();
    mutex_unlock(&lock);
    return 0;
}

// The segment in a slot of the table, for those who list all (ipcs).
static struct segment *get_slot(int slot)
{
    mutex_lock(&lock);
    struct segment *s = slot >= 0 && slot < SEGMENTS ? segments[slot] : NULL;
    if (s)
        s->refs++;
    mutex_unlock(&lock);
    return s;
}

long sys_shmctl(int id, int command, struct shmid64_ds __user *user)
{
    struct shmid64_ds ds;
    bool by_slot = command == SHM_STAT || command == SHM_STAT_ANY;
    if (command == IPC_INFO || command == SHM_INFO)
        return info(command, user);
    struct segment *s = by_slot ? get_slot(id) : get(id);
    long result = s ? 0 : -EINVAL;
    switch (s ? command : -1) {
    case -1:
        return result;
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        result = command == SHM_STAT_ANY ? 0 : sysv_permission(&s->sysv, 04);
        if (result)
            break;
        mutex_lock(&lock);
        fill_stat(s, &ds);
        mutex_unlock(&lock);
        result = copy_to_user(user, &ds, sizeof(ds));
        result = result || !by_slot ? result : s->sysv.id;
        break;
    case IPC_SET:
        result = set(s, user);
        break;
    case IPC_RMID:
        result = sysv_owned(&s->sysv);
        if (!result)
            remove(s);
        break;
    case SHM_LOCK: // enclave memory is never paged by us
    case SHM_UNLOCK:
        mutex_lock(&lock);
        s->locked = command == SHM_LOCK;
        mutex_unlock(&lock);
        break;
    default:
        result = -EINVAL;
    }
    put(s);
    return result;
}

// --- /proc/sysvipc/shm

static u64 resident(const struct segment *s)
{
    struct kstat st = { 0 };
    return s->file->inode->ops->getattr(s->file->inode, &st) ? 0 : (u64)st.blocks * 512;
}

void shm_show(struct proc_text *text)
{
    proc_print(text,
               "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      "
               "atime      dtime      ctime                   rss                  swap\n");
    mutex_lock(&lock);
    for (u32 i = 0; i < SEGMENTS; i++) {
        const struct segment *s = segments[i];
        if (!s)
            continue;
        const struct sysv *v = &s->sysv;
        u32 mode = v->mode | (s->removed ? SHM_DEST : 0u) | (s->locked ? SHM_LOCKED : 0u);
        proc_print(text, "%10d %10d  %4o %21lu %5u %5u  %5u %5u %5u %5u %5u %10ld %10ld %10ld %21lu %21lu\n", v->key,
                   v->id, mode, s->size, s->cpid, s->lpid, s->refs - (s->removed ? 0u : 1u), v->uid, v->gid, v->cuid,
                   v->cgid, s->atime, s->dtime, s->ctime, resident(s), 0ul);
    }
    mutex_unlock(&lock);
}
