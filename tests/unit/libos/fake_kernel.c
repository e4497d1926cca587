// SPDX-License-Identifier: BSD-3-Clause
#include "test.h"
#include "trusted/exit.h"
#include "trusted/layout.h"
#include "trusted/seal.h"
#include "trusted/vector.h"
#include "fake_kernel.h"
#include "trusted/emm.h"

#include "base/string.h"
#include "fake_volume.h"
#include "libos/fs/volfs/volfs.h"
#include "libos/fs/memfs.h"
#include "trusted/log.h"
#include "libos/ipc/ipc.h"
#include "libos/mem/filepages.h"
#include "libos/mem/heap.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "trusted/cpu.h"
#include "trusted/random.h"

// Of libc, whose headers cannot stand beside the kernel's.
void *malloc(size_t);
void *calloc(size_t, size_t);
void *aligned_alloc(size_t, size_t);
void free(void *);
long syscall(long, ...);
int pthread_create(unsigned long *, const void *, void *(*)(void *), void *);
int pthread_join(unsigned long, void **);
int usleep(unsigned);
int sched_yield(void);
int clock_gettime(int, struct __kernel_timespec *);

static __thread struct thread *self;
int fake_last_signal;
enum log_level log_level = LOG_OFF;
static void set_blocked(u64 mask) { current->blocked = mask; }
struct thread_mask_hooks thread_mask_hooks = { .set = set_blocked, .borrow = set_blocked };

struct thread *current_thread(void) { return self; }
void log_printf(enum log_level level, const char *format, ...) {}

// LeakSanitizer does not work in a changed root: blocks are counted.
static s64 blocks;
s64 fake_blocks(void) { return __atomic_load_n(&blocks, __ATOMIC_SEQ_CST); }
static void count(s64 change) { __atomic_fetch_add(&blocks, change, __ATOMIC_SEQ_CST); }

void *kmalloc(size_t size)
{
    count(1);
    return malloc(size ? size : 1);
}

void heap_get_stats(struct heap_stats *ret_stats) { *ret_stats = (struct heap_stats){ .max = GIB(1) }; }

void *kzalloc(size_t size)
{
    count(1);
    return calloc(1, size ? size : 1);
}

void kfree(void *ptr)
{
    count(ptr ? -1 : 0);
    free(ptr);
}

void *kpages_alloc(size_t pages)
{
    count(1);
    return aligned_alloc(PAGE_SIZE, pages * PAGE_SIZE);
}

void kpages_free(void *pages, size_t size) { kfree(pages); }

void *filepage_alloc(void)
{
    count(1);
    void *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    memset(page, 0xa5, PAGE_SIZE); // pages come as somebody left them
    return page;
}
void filepage_free(void *page) { kfree(page); }
void filepage_add_reclaimer(struct filepage_reclaimer *reclaimer) {}

char *kstrndup(const char *s, size_t max)
{
    size_t len = strnlen(s, max);
    char *copy = kmalloc(len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}
char *kstrdup(const char *s) { return kstrndup(s, strlen(s)); }

bool fake_short_copies;
u64 fake_short_copies_seen;

static bool faults(const void *ptr) { return (uintptr_t)ptr < PAGE_SIZE; }

int copy_from_user(void *dst, const void __user *src, size_t size)
{
    if (size && faults(src))
        return -EFAULT;
    memcpy(dst, src, size);
    return 0;
}

int copy_to_user(void __user *dst, const void *src, size_t size)
{
    if (size && faults(dst))
        return -EFAULT;
    memcpy(dst, src, size);
    return 0;
}

int clear_user(void __user *dst, size_t size)
{
    if (size && faults(dst))
        return -EFAULT;
    memset(dst, 0, size);
    return 0;
}

// Copies under a lock stop wherever the test wants them to, and go on after a fault_in_user.
static size_t reachable(const void *at, size_t size)
{
    if (!fake_short_copies || !size)
        return size && faults(at) ? 0 : size;
    static u32 count;
    fake_short_copies_seen++;
    return faults(at) ? 0 : ++count % 3 ? size / 2 : size;
}

size_t copy_from_user_nofault(void *dst, const void __user *src, size_t size)
{
    size = reachable(src, size);
    memcpy(dst, src, size);
    return size;
}

size_t copy_to_user_nofault(void __user *dst, const void *src, size_t size)
{
    size = reachable(dst, size);
    memcpy(dst, src, size);
    return size;
}

size_t clear_user_nofault(void __user *dst, size_t size)
{
    size = reachable(dst, size);
    memset(dst, 0, size);
    return size;
}

int fault_in_user(const void __user *addr, size_t size, bool write) { return size && faults(addr) ? -EFAULT : 0; }

long strncpy_from_user(char *dst, const char __user *src, size_t size)
{
    if (faults(src))
        return -EFAULT;
    size_t len = strnlen(src, size);
    if (len == size)
        return -ENAMETOOLONG;
    memcpy(dst, src, len + 1);
    return (long)len;
}

static s64 clock_ns(int id)
{
    struct __kernel_timespec ts;
    clock_gettime(id, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

s64 time_monotonic_ns(void) { return clock_ns(1); }
s64 time_realtime_ns(void) { return clock_ns(0); }
s64 time_deadline_ns(s64 duration_ns) { return time_monotonic_ns() + duration_ns; }

bool emm_next_run(u64 addr, struct emm_run *ret_run) { return false; }
void vm_get_stats(struct vm_stats *ret_stats)
{
    *ret_stats = (struct vm_stats){ .limit = MIB(64), .committed = MIB(1) };
}
void *(*vm_file_from_fd)(int fd, const struct vm_file_ops **ret_ops, u32 *ret_access_mode);
void random_bytes(void *buf, size_t size) { memset(buf, 0x5a, size); }
u64 random_u64(void) { return 0x5a5a5a5a5a5a5a5aull; }
void vector_begin(void) {}
void vector_end(void) {}
u8 enclave_simulated = 1;
_Noreturn void enclave_bug(const char *file, int line, const char *cond)
{
    test_fail(file, line, "%s", cond);
    __builtin_trap();
}
int seal_key(const u8 cpusvn[SEAL_CPUSVN], u8 ret_key[32]) { return -EIO; }
void seal_cpusvn(u8 ret_cpusvn[SEAL_CPUSVN]) {}
u64 cpu_hwcap(void) { return 1; }
bool cpu_has_sha(void) { return false; }

void spin_lock_slow(struct spinlock *lock)
{
    while (!spin_try(lock))
        sched_yield();
}

void thread_park(s64 deadline_ns)
{
    struct __kernel_timespec timeout, *limit = NULL;
    if (deadline_ns != WAIT_FOREVER) {
        s64 left = MAX(deadline_ns - time_monotonic_ns(), (s64)0);
        timeout = (struct __kernel_timespec){ left / NSEC_PER_SEC, left % NSEC_PER_SEC };
        limit = &timeout;
    }
    if (thread_park_begin())
        syscall(__NR_futex, &self->wake->park_token, FUTEX_WAIT, 0, limit, NULL, 0);
    thread_park_end();
}

void slot_unpark(struct slot_wake *slot)
{
    __atomic_store_n(&slot->park_token, 1, __ATOMIC_SEQ_CST);
    syscall(__NR_futex, &slot->park_token, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void slot_interrupt(struct slot_wake *slot) { slot_unpark(slot); }

// Slots stay when their threads are gone.
static struct slot_wake slots[64];
static struct slot_wake *new_slot(void)
{
    static u32 next;
    return &slots[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % ARRAY_SIZE(slots)];
}

static void remember_signal(int signo) { fake_last_signal = signo; }

const struct enclave_layout enclave_layout = { .slots_max = 8 };
bool cpu_has_tsc(void) { return false; }
s64 time_ticks_ns(u64 ticks) { return (s64)ticks; }

static int only_seven(u32 pid, int (*visit)(u32 id, void *arg), void *arg) { return visit(7, arg); }
static u32 seven(void) { return 7; }
static u32 process_of(u32 id) { return id == 7 ? 7 : 0; }
static struct files *own_files(u32 pid) { return pid == 7 ? files_ref(self->files) : NULL; }
static int read_proc(u32 pid, u32 tid, const char *name, struct proc_text *text)
{
    for (int i = 0; i < 10000; i++)
        proc_bytes(text, "x", 1);
    return 0;
}
static long link_proc(u32 pid, const char *name, char *buf, size_t size)
{
    buf[0] = '/';
    return 1;
}
static struct inode *folder(u32 pid, bool root) { return inode_ref(fs_root); }
static int anybody(u32 pid) { return 0; }
static void owner(u32 pid, u32 *ret_uid, u32 *ret_gid) { *ret_uid = *ret_gid = 0; }
static void totals(struct proc_totals *ret_totals) { *ret_totals = (struct proc_totals){ .threads = 1 }; }

static const struct proc_ops proc = {
    .for_each = only_seven,
    .process_of = process_of,
    .read = read_proc,
    .link = link_proc,
    .folder = folder,
    .may_look = anybody,
    .owner = owner,
    .current_pid = seven,
    .totals = totals,
    .files = own_files,
};

bool fake_on_volume;

void fake_boot(const struct lower_tree *lower, u64 lower_root)
{
    int err;
    self = calloc(1, sizeof(*self));
    self->tid = 7;
    self->wake = new_slot();
    fs_raise_signal = remember_signal;
    ipc_init();
    procfs_set_ops(&proc);
    if (fake_on_volume)
        err = volfs_create(fake_volume_new(), lower, lower_root, &fs_root);
    else
        err = memfs_create(lower, lower_root, 0755, &fs_root);
    if (!err)
        err = fs_context_create_initial(&self->fs);
    if (!err)
        err = files_create_empty(&self->files);
    if (err)
        __builtin_trap();
    self->fs->umask = 022;
}

void fake_shutdown(void)
{
    files_unref(self->files);
    fs_context_unref(self->fs);
    int err = fake_on_volume ? volfs_sync(fs_root) : 0;
    if (err)
        test_fail(__FILE__, __LINE__, "sync: %d", err);
    inode_unref(fs_root);
    free(self);
    self = NULL;
}

struct fake_thread {
    unsigned long pthread;
    struct thread thread;
    void (*fn)(void *);
    void *arg;
};

static void *run(void *arg)
{
    struct fake_thread *thread = arg;
    self = &thread->thread;
    thread->fn(thread->arg);
    return NULL;
}

struct fake_thread *fake_thread_start(void (*fn)(void *), void *arg)
{
    static u32 tid = 100;
    struct fake_thread *thread = calloc(1, sizeof(*thread));
    thread->thread.tid = ++tid;
    thread->thread.wake = new_slot();
    thread->thread.files = self->files;
    thread->thread.fs = self->fs;
    thread->fn = fn;
    thread->arg = arg;
    if (pthread_create(&thread->pthread, NULL, run, thread))
        __builtin_trap();
    return thread;
}

void fake_thread_join(struct fake_thread *thread)
{
    pthread_join(thread->pthread, NULL);
    free(thread);
}

struct thread *fake_thread_of(struct fake_thread *thread) { return &thread->thread; }
void fake_sleep_ms(u32 ms) { usleep(ms * 1000); }

// Nothing is mapped in these tests.
void *(*vm_shared_memory)(u64 len, const struct vm_file_ops **ret_ops);
struct vm_object *vm_object_new(struct mutex *lock, const struct vm_object_ops *ops, void *owner) { return NULL; }
void vm_object_free(struct vm_object *object) {}
bool vm_object_covers(const struct vm_object *object, u64 index) { return false; }
bool vm_object_has(const struct vm_object *object, u64 index) { return false; }
int vm_object_open(struct vm_object *object, u64 index, bool write, u8 **ret_page) { return -ENOMEM; }
void vm_object_close(struct vm_object *object, u64 index) {}
int vm_object_drop(struct vm_object *object, u64 first, u64 end) { return 0; }
int vm_object_write_back(struct vm_object *object, u64 first, u64 end) { return 0; }
void vm_truncated(struct vm_object *object, u64 size) {}
bool vm_object_writable(const struct vm_object *object) { return false; }
void mm_set_program(struct mm *mm, void *file, const struct vm_file_ops *ops) {}
