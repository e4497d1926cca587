// SPDX-License-Identifier: BSD-3-Clause
// The ptrace front end of sgx2emu: what its files share. One supervisor process, single-threaded; it holds every
// enclave page in a memfd per enclave (indexed by enclave offset), which the traced program has as its device file.
#pragma once

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/user.h>
#undef PAGE_SIZE // base/types.h has its own
#undef PAGE_MASK

#include "model/model.h"
#include "base/types.h"

enum { HWCAP2_FSGSBASE_BIT = 1 << 1 };
enum { EMU_PAGE = 4096, EMU_XSAVE_MAX = 16384, EMU_IMAGE_PAGES = 3 };

// Where the image is mapped in every program; the system call filters exempt its 4 GiB.
#define EMU_IMAGE 0x1f0000000000ull
#define EMU_SCRATCH (EMU_IMAGE + 2 * EMU_PAGE)

struct emu_options {
    u64 epc_bytes;
    u64 max_map_count; // of enclave mappings in an address space
    bool sgx1, driver_sgx1, no_vdso, trace, stats, check, no_batch, abort_page;
    const char *stats_file, *profile, *fuses;
};

enum page_state { PAGE_ABSENT, PAGE_LOADED, PAGE_EVICTED };

struct swapped; // an evicted page: ciphertext, PCMD and its version array slot
struct patches; // where a page of code was patched (fsgsbase.c)
enum page_use { PAGE_DATA, PAGE_CODE, PAGE_MIXED };

// What the driver knows of one page of an enclave (its page array).
struct encl_page {
    u32 epc;     // EPC index while PAGE_LOADED
    u8 state;    // enum page_state
    u8 type;     // enum sgx_page_type as the driver set it
    u8 max_prot; // PROT_* that mappings may have
    bool added;  // by EADD
    u8 code;     // enum page_use: how the host's page tables may have it (fsgsbase.c)
    struct swapped *swap;
    struct patches *patches;
};

enum { CHUNK_PAGES = 512 };
struct encl {
    struct encl *next;
    u64 dev, ino; // of the memfd
    int memfd;
    u8 *mem; // the supervisor's own mapping of the memfd, ELRANGE bytes
    u64 base, size, clock;
    u32 secs;
    bool created, initialized;
    u64 attributes, attributes_mask, driver_pages;
    struct encl_page *pages;
    u8 *chunks; // by CHUNK_PAGES pages: may one of them not be absent? Most of a large ELRANGE never is
    struct va_page *va;
};

// Where one address space maps one enclave. A byte per page: vma has PROT_* | VIEW_MAPPED | VIEW_START, applied the
// PROT_* that the host's page tables allow now.
#define VIEW_MAPPED 0x80
#define VIEW_START 0x40 // the first page of a mapping: Linux never merges those of an enclave (VM_IO, VM_PFNMAP)
struct view {
    struct view *next;
    struct encl *encl;
    u8 *vma, *applied;
    u64 mapped;   // pages
    u64 mappings; // as the kernel would count them
};

// A mapping of the device file made before ECREATE.
struct early_map {
    struct early_map *next;
    u64 start, size, ino;
    int prot;
};

struct mm {
    u32 refs;
    int memory; // /proc/TID/mem
    struct view *views;
    struct early_map *early;
    u64 image;
    u64 procmem_fds[16]; // descriptors of /proc/PID/mem that have a filter
    bool filtered;
    u64 *patched; // sorted addresses where CPUID became UD2
    size_t patched_count;
};

#define SIGNAL_BIT(sig) (1ull << ((sig)-1))
#define SYNCHRONOUS \
    (SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE))
enum { HELD_SIGNALS = 5 };

struct kernel_sigaction {
    u64 handler, flags, restorer, mask;
};

// What a thread group believes its signal actions are (see signals.c).
struct actions {
    u32 refs;
    struct kernel_sigaction told[64];
    u64 known;   // signals whose action in the kernel is not what the program told
    u64 handled; // signals with a handler
};

struct task {
    struct task *next;
    pid_t tid, tgid;
    struct mm *mm;
    struct actions *actions;
    struct user_regs_struct regs;
    bool at_syscall; // stopped before a system call is executed
    bool dead, stopped_early, foreign, resend_stop;
    bool lent;          // stopped for calls on another's behalf
    int stale_fault;    // this signal, which is pending, is of a fault that will come again
    int held_status;    // an event seen while waiting for another one
    u64 hidden_mask;    // synchronous signals the thread believes it has blocked
    u64 held, replayed; // of these: sent and waiting, and sent again by us
    siginfo_t held_info[HELD_SIGNALS];
    struct encl *encl; // while cpu.in_enclave
    struct sgx_cpu cpu;
    u8 xsave[EMU_XSAVE_MAX] __attribute__((aligned(64)));
    size_t xsave_size;
};

struct emu {
    struct emu_options options;
    struct sgx_model model;
    struct task *tasks;
    struct encl *enclaves;
    u64 provision_dev, provision_ino;
    u32 pages, used, peak;
    u64 evictions, page_faults, script_actions;
    u64 untouched_added, untouched_accepted; // pages nobody ever read or wrote, of enclaves that ended
    u64 kicks;                               // interrupts of threads inside after ETRACK
    bool bases_native;                       // enclaves execute RDFSBASE and its kin themselves
    u64 bases_replaced, bases_executed;      // such instructions found in code, and executed for enclaves
    struct encl **frame_owner;
    u8 *special; // contents of SECS and VA pages, by EPC index
    u32 *free_list;
};
extern struct emu emu;

// image.c: the vDSO replacement
u64 image_symbol(const char *name);
__nodiscard int image_install(struct task *t); // at the end of execve

// remote.c: the traced program's memory, registers and system calls
__nodiscard int remote_read(struct task *t, u64 address, void *data, size_t size);
int remote_write(struct task *t, u64 address, const void *data, size_t size);
void remote_get(struct task *t);
void remote_put(struct task *t);
long remote_call(struct task *t, long nr, const u64 args[6]);
long remote_finish(struct task *t); // lets the (changed) pending system call run; its result
void remote_skip(struct task *t, long result);
bool remote_wait(struct task *t, int *ret_status); // false: the thread is gone
void remote_get_xsave(struct task *t);
void remote_put_xsave(struct task *t);

// tasks.c
struct task *task_find(pid_t tid);
struct task *task_add(pid_t tid);
void task_remove(struct task *t);
struct mm *mm_new(void);
struct mm *mm_copy(const struct mm *mm);
void mm_put(struct mm *mm);
void actions_put(struct actions *a);

// epc.c: EPC pages and the reclaimer
__nodiscard int epc_init(void);
u32 epc_alloc(struct task *t, struct encl *owner); // SGX_NO_PAGE: none left
void epc_free(u32 index);
__nodiscard int epc_load(struct task *t, struct encl *e, u64 page); // from swap, if evicted
void encl_free_pages(struct encl *e);
__nodiscard int encl_va_reserve(struct task *t, struct encl *e);
void encl_va_release(struct encl *e); // undoes the last reservation
u8 *ops_page(void *front, u32 index, const struct sgx_epcm *epcm);
void ops_walk(void *front, const struct sgx_cpu *cpu, u64 linaddr, struct sgx_pte *ret_pte);

// encl.c
struct encl *encl_new(int memfd, u64 dev, u64 ino);
void encl_page_used(struct encl *e, u64 page); // the page is not absent any more
// The first page at or after this one that may not be absent; the number of pages where there is none.
u64 encl_next_page(const struct encl *e, u64 page);
void encl_count_untouched(struct encl *e); // adds to emu.untouched_*
void encl_collect(void);                   // destroys the enclaves that nobody has open or mapped

// borrow.c
struct loan {
    struct task *task;
    bool group_stop, nested;
};
enum { MAX_LOANS = 16 };
struct loans {
    struct loan loan[MAX_LOANS];
    u32 count;
};
__nodiscard bool mm_borrow(struct mm *mm, struct loan *ret_loan); // a stopped thread of it; false: none will stop
void mm_return(const struct loan *loan);
// A thread of each other address space that maps the enclave: all of them or none.
__nodiscard bool encl_borrow(struct task *t, const struct encl *e, struct loans *ret_loans);
void encl_return(struct loans *loans);

// kick.c: as the kernel's IPI after ETRACK
void encl_track(struct task *t, struct encl *e);

// views.c
struct view *view_find(struct mm *mm, const struct encl *e);
struct view *view_get(struct mm *mm, struct encl *e);
void view_free(struct view *v);
void view_map(struct view *v, u64 page, u64 count,
              u8 vma); // the program maps (PROT_* | VIEW_MAPPED) or unmaps (0) pages
// mprotect of mapped pages: 0, or -ENOMEM where a mapping would have to be split and there are max_map_count; those
// before it are changed.
__nodiscard int view_protect(struct view *v, u64 page, u64 count, u8 prot);
struct view *view_at(struct mm *mm, u64 address, u64 *ret_page);
u8 view_wanted(const struct view *v, u64 page);
void view_lower(struct task *t, struct encl *e, u64 page, u64 count); // takes rights away at once
void view_raise(struct task *t, struct view *v, u64 page);            // gives what is due around a page
void view_hide(struct task *t, struct encl *e); // takes all rights away, if no other thread is inside
struct encl *encl_of_fd(struct task *t, int fd);

// calls.c, driver.c, driver2.c, maps.c, signals.c: system calls seen before they run
void on_syscall(struct task *t);
void on_open(struct task *t, u64 path, u64 flags);
long driver_ioctl(struct task *t, struct encl *e, u32 command, u64 argument);
long driver_restrict(struct task *t, struct encl *e, u64 argument);
long driver_types(struct task *t, struct encl *e, u64 argument);
long driver_remove(struct task *t, struct encl *e, u64 argument);
__nodiscard int driver_range(const struct encl *e, u64 offset, u64 length);
__nodiscard int driver_eaug(struct task *t, struct encl *e, u64 page);
void on_mmap(struct task *t);
void on_mprotect(struct task *t);
void on_munmap(struct task *t);
void maps_adopt_early(struct task *t, struct encl *e);
void on_sigaction(struct task *t);
void on_sigprocmask(struct task *t);
bool signal_told_ignored(const struct task *t, int sig);

// sigframe.c
bool signal_held(struct task *t, int sig, const siginfo_t *info); // true: a sent signal is blocked and waits
void signal_send(struct task *t, int sig, const siginfo_t *info); // to arrive with this siginfo
void signal_release(struct task *t);                              // after a change of hidden_mask
void signal_force(struct task *t, int sig);                       // before a fault's signal is delivered
bool signal_needs_frame(struct task *t, int sig);
bool signal_enter(struct task *t, int sig); // delivers; true: the thread is stopped at its handler
void on_sigreturn(struct task *t);
void on_sigpending(struct task *t);
void on_sigtimedwait(struct task *t);

// procmem.c: debug access to enclaves
bool procmem_path(struct task *t, u64 address);
void procmem_opened(struct task *t, int fd);
void on_procmem(struct task *t);

// cpuid.c
void cpuid_patch(struct task *t, u64 start, u64 size, u64 file_offset, const char *path);
bool cpuid_emulate(struct task *t);
bool patched_at(const struct task *t, u64 address); // an instruction there was replaced

// Is there an instruction at code[at]? At least `of_24` of 24 sweeps begun before it must meet it.
bool is_instruction(const u8 *code, size_t size, size_t at, u32 of_24);

// fsgsbase.c
bool fsgsbase_of_kernel(void); // the kernel offers FSGSBASE
bool fsgsbase_offered(void);   // and it is not hidden: OCCLUM_NO_FSGSBASE=1
// At a fault that the EPCM and the mapping allow: makes a page ready to be executed, or written.
void fsgsbase_turn(struct task *t, struct view *v, u64 page, enum sgx_access access);
// Makes the page's contents whole; it is turned to code again when it is next executed. Callers of _restore see to it
// that nobody executes it meanwhile.
void fsgsbase_to_data(struct task *t, struct encl *e, u64 page);
void fsgsbase_restore(struct encl *e, u64 page);
u8 fsgsbase_limit(const struct encl_page *p, u8 prot);                           // what of prot the page's use allows
void fsgsbase_settle(struct task *t, const struct view *v, u64 page, u64 count); // after rights were taken away
// After an INT3: true if it stands for one of the instructions; *ret_handled as on_enclu() returns.
bool fsgsbase_on_int3(struct task *t, siginfo_t *info, bool *ret_handled);

// enclu.c and fault.c: true if the signal is dealt with, else *info is delivered
bool on_enclu(struct task *t, siginfo_t *info);
bool on_fault(struct task *t, siginfo_t *info);
bool deliver_exception(struct task *t, u32 vector, u32 code, u64 address, siginfo_t *info);
bool at_enclu(struct task *t);
bool resume_now(struct task *t, siginfo_t *info);
void enclave_exit_async(struct task *t, u32 vector, u32 code, u64 address);
int encl_fault(struct task *t, struct view *v, u64 page); // the driver's fault handler: 0, -EBUSY done, -EFAULT

// script.c: --script
__nodiscard int script_load(const char *path); // 0, or a negative errno after a message
void script_event(struct task *t, const char *event);
void script_dump(const struct encl *e); // the EPCM of an enclave that ends, where the script asks for it

// filter.c
__nodiscard int filter_install(void);
void filter_enclave(struct task *t, int fd, u64 base, u64 size); // adds the rules a program with an enclave needs

// batch.c: after a leaf or a touch, with the registers in t->regs
bool batch_next_leaf(struct task *t,
                     bool go_on);   // goes on inside, if wanted; true: is at an EACCEPT, EACCEPTCOPY or EMODPE
void batch_touches(struct task *t); // goes on outside while the program reads pages it has no rights to

// check.c: --check; the exit status
int check_machine(void);

// report.c
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *enclu_name(u32 leaf);
void report(double wall_seconds);
void ops_event(void *front, const struct sgx_event *event);
