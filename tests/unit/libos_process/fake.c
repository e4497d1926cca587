// SPDX-License-Identifier: BSD-3-Clause
#include "fake.h"

#include "base/string.h"
#include "libos/process/pidfd.h"
#include "libos/process/serve.h"
#include "libos/signal/posix_timer.h"
#include "trusted/log.h"
#include "trusted/ocall.h"
#include "libos/mem/heap.h"
#include "libos/time/time.h"
#include "libos/vm/fork.h"
#include "libos/vm/user.h"
#include "trusted/cpu.h"
#include "trusted/layout.h"
#include "trusted/random.h"
#include "trusted/tls.h"
#include "trusted/usercopy.h"
#include "trusted/vector.h"

u8 fake_user[FAKE_USER_SIZE] __aligned_to(4096);
struct thread fake_thread;
static struct slot_wake fake_slot;
struct user_regs fake_regs;
int fake_forced;
u64 fake_maps, fake_bad_calls;
u32 fake_unparks, fake_restores;
u8 fake_restored[4096];
enum log_level log_level = LOG_OFF;
const struct vm_file_ops file_vm_ops;
static const struct occlum_config config = { .default_stack_size = 1 << 20 };
const struct enclave_layout enclave_layout = {
    .config_start = (u64)&config,
    .user_start = (u64)fake_user,
    .user_end = (u64)fake_user + FAKE_USER_SIZE,
    .slots_max = 8,
};

void file_unref(struct file *file) { (void)file; }
// There are no pidfds here.
void pidfd_forget(struct process *process) { (void)process; }
int pidfd_get(int fd, bool proc_too, struct file **ret_file) { return -EBADF; }
struct process *pidfd_process(const struct file *file) { return NULL; }
bool pidfd_nonblocking(const struct file *file) { return false; }

void fake_reset(void)
{
    memset(&fake_thread, 0, sizeof(fake_thread));
    memset(&fake_regs, 0, sizeof(fake_regs));
    fake_thread.regs = &fake_regs;
    memset(&fake_slot, 0, sizeof(fake_slot));
    fake_thread.wake = &fake_slot;
    fake_thread.tid = 1;
    fake_forced = 0;
    fake_maps = fake_bad_calls = 0;
    fake_unparks = fake_restores = 0;
}

struct thread *current_thread(void) { return &fake_thread; }
s64 ocall_stop_self(void) { return 0; }
void client_tell(u64 client, u32 news, u64 value) { (void)client; }
void log_printf(enum log_level level, const char *format, ...) {}
void *kmalloc(size_t size) { return __builtin_malloc(size ? size : 1); }
void *kzalloc(size_t size) { return __builtin_calloc(1, size ? size : 1); }
void kfree(void *ptr) { __builtin_free(ptr); }
void *kpages_alloc(size_t count) { return __builtin_malloc(count * PAGE_SIZE); }
void kpages_free(void *pages, size_t count) { __builtin_free(pages); }

char *kstrdup(const char *s)
{
    char *copy = s ? kmalloc(strlen(s) + 1) : NULL;
    return copy ? memcpy(copy, s, strlen(s) + 1) : NULL;
}

int copy_from_user(void *dst, const void __user *src, size_t size)
{
    if (!range_is_user((u64)src, size))
        return -EFAULT;
    memcpy(dst, (const void *)(uintptr_t)src, size);
    return 0;
}

int copy_to_user(void __user *dst, const void *src, size_t size)
{
    if (!range_is_user((u64)dst, size))
        return -EFAULT;
    memcpy((void *)(uintptr_t)dst, src, size);
    return 0;
}

int clear_user(void __user *dst, size_t size) { return (u64)dst + size < (u64)dst ? -EFAULT : 0; }
int fault_in_user(const void __user *addr, size_t size, bool write)
{
    return range_is_user((u64)addr, size) ? 0 : -EFAULT;
}
size_t usercopy_raw(void *dst, const void *src, size_t n) { return copy_from_user(dst, src, n) ? n : 0; }

bool usercmpxchg_raw(u32 *ptr, u32 *expected, u32 new, u32 *ret_fault)
{
    *ret_fault = 0;
    return __atomic_compare_exchange_n(ptr, expected, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

long file_read_at(struct file *file, u64 offset, void *buf, size_t size)
{
    if (offset > INT64_MAX - size)
        fake_bad_calls++;
    if (offset >= file->size)
        return 0;
    size = MIN(size, file->size - offset);
    memcpy(buf, file->bytes + offset, size);
    return (long)size;
}

// Takes every mapping of sane shape below 2^47.
s64 vm_map(struct mm *mm, const struct vm_map_args *args)
{
    fake_maps++;
    if (!args->len || !IS_ALIGNED(args->addr | args->len | args->offset, PAGE_SIZE) ||
        args->addr + args->len < args->addr)
        fake_bad_calls++;
    if (args->len > GIB(4))
        return -ENOMEM;
    return args->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) ? (s64)args->addr : (s64)GIB(16);
}

int vm_protect(struct mm *mm, u64 addr, u64 len, u32 prot)
{
    if (!len || !IS_ALIGNED(addr | len, PAGE_SIZE))
        fake_bad_calls++;
    return 0;
}

u64 vm_original_rip(u64 rip) { return rip; }
u64 vm_resume_rip(struct mm *mm, u64 rip) { return rip; }
bool cpu_has_tsc(void) { return true; }
u64 cpu_tsc(void) { return 5000; }
s64 time_ticks_ns(u64 ticks) { return (s64)ticks; }
struct tls *tls_of_slot(u64 slot)
{
    static struct tls tls = { .started = 1000, .waited = 1000, .served = 500, .waits = 3 };
    return &tls;
}
u64 cpu_hwcap(void) { return 0x178bfbff; }
u64 cpu_xfrm(void) { return 7; }
size_t vector_state_size(void) { return 832; }
void vector_save(void *area) { memset(area, 0x5a, 512); }
void vector_reset(void) {}

void vector_restore(const void *area)
{
    fake_restores++;
    memcpy(fake_restored, area, 832);
}

void random_bytes(void *buf, size_t size) { memset(buf, 0xa5, size); }
s64 time_monotonic_ns(void) { return 1000; }
s64 time_realtime_ns(void) { return 5000; }
s64 time_deadline_ns(s64 ns) { return 1000 + ns; }
void wake_list_add(struct wake_list *list, struct slot_wake *slot) { fake_unparks++; }
void wake_list_flush(struct wake_list *list) {}
void thread_notify(struct thread *thread, u32 bits) { slot_set_pending(thread->wake, bits); }
void thread_notify_collect(struct thread *thread, u32 bits, struct wake_list *list) { thread_notify(thread, bits); }
void spin_lock_slow(struct spinlock *lock) { __builtin_trap(); } // one thread: a held lock is a bug
void mutex_lock_slow(struct mutex *mutex) { __builtin_trap(); }
void mutex_unlock_slow(const struct mutex *address) { __builtin_trap(); }

void posix_timers_free(struct process_signals *signals) {}

s64 vm_map_beside(struct mm *mm, const struct vm_map_args *args) { return -ENOMEM; }

bool vm_is_shared(struct mm *mm, u64 addr) { return false; }
u64 vm_shared_key(struct mm *mm, u64 addr) { return addr; }

void signalfd_notify(void) {}
