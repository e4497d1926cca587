// SPDX-License-Identifier: BSD-3-Clause
// Virtual memory of programs. One user range [layout.user_start, layout.user_end) for all processes; an mm is the set
// of mappings (VMAs) one process (or a vfork family) owns. PROT_NONE reservations cost nothing.
#pragma once

#include "abi/linux/abi.h"
#include "libos/sync/mutex.h"

struct mm;
struct vm_object;

// What vm needs of an open file; fs/ implements it. `file` is the fs's struct file.
struct vm_file_ops {
    void (*get)(void *file);
    void (*put)(void *file);
    // Reads up to size bytes at offset into kernel memory; returns the count (0 at end of file) or -errno.
    long (*read)(void *file, u64 offset, void *buf, size_t size);
    // The memory object of the file, made now if it has none, which lives as long as the file. NULL without memory, an
    // error pointer if the file cannot be mapped shared.
    struct vm_object *(*object)(void *file);
    // May the file be mapped so? *may_write, which tells whether its descriptor can write, is cleared where mappings
    // may not; *no_exec is set where a mapping may never be executed. 0, -EPERM. NULL: yes.
    int (*may_map)(void *file, bool shared, u32 prot, bool *may_write, bool *no_exec);
    // Writes what shared mappings changed in [offset, offset+len) to where the file is kept; NULL: nowhere else. Called
    // without locks.
    int (*sync)(void *file, u64 offset, u64 len);
    // A hole in the file: its pages read as zeros (MADV_REMOVE); NULL: -EOPNOTSUPP. Called without locks.
    int (*punch)(void *file, u64 offset, u64 len);
    // Call-site table (gate/sites.h) of an ELF file kept in the verified image; NULL pointer in *ret if it is unknown,
    // -ENOENT if it is known that there is nothing to rewrite.
    // The bytes stay valid while the file is referenced.
    // which: 0, or SITES_LEARNED for the pages that programs were seen to touch (imagefmt/sites.h).
    int (*gate_table)(void *file, u64 which, const void **ret_table, size_t *ret_size);
    u64 (*size)(void *file);
    u64 (*inode)(void *file);
    void (*program_done)(void *file); // of mm_set_program
    // Absolute path for /proc/self/maps and the log; returns its length.
    size_t (*path)(void *file, char *buf, size_t size);
};

// What a memory object (vm/object.h) needs of the file system. All are called with the object's lock held.
struct vm_object_ops {
    u32 window; // pages that are best brought at once; 0: one
    u64 (*size)(void *owner);
    // Fills `count` zeroed pages with the contents of the file from page `index` on. 0, -EIO, -ENOSPC, -ENOMEM.
    int (*fill)(void *owner, u64 index, u64 count, u8 *bytes);
    // The contents of page `index` lie at `page` from now on, until vm_object_drop; NULL: the owner does not care. 0,
    // -ENOSPC, -ENOMEM.
    int (*placed)(void *owner, u64 index, u8 *page);
    // Writes the page to where the file is kept; NULL: it is kept nowhere else.
    int (*write)(void *owner, u64 index, const u8 *page);
};

// An object of the inode (or whatever) `owner`, guarded by `lock`. NULL without memory.
struct vm_object *vm_object_new(struct mutex *lock, const struct vm_object_ops *ops, void *owner);
// Nothing is mapped any more. NULL is accepted. Without the lock.
void vm_object_free(struct vm_object *object);
// The rest is called with the object's lock held; NULL is accepted where nothing else is said.
bool vm_object_writable(const struct vm_object *object);          // a shared mapping may write it, now or by mprotect
bool vm_object_covers(const struct vm_object *object, u64 index); // the page, if there is one, lies in the object
bool vm_object_has(const struct vm_object *object, u64 index);    // it is there
// Access by the LibOS: makes the page present, coherent and accessible. Each open that returned 0 is closed at once,
// before another page is opened. Not NULL. 0, -ENOMEM, the owner's errors.
__nodiscard int vm_object_open(struct vm_object *object, u64 index, bool write, u8 **ret_page);
void vm_object_close(struct vm_object *object, u64 index);
// The pages [first, end) are gone: nobody sees them any more. Not NULL. 0 or -ENOMEM.
__nodiscard int vm_object_drop(struct vm_object *object, u64 first, u64 end);
// Calls ops->write for what was changed in [first, end). Not NULL. 0 or the first error.
__nodiscard int vm_object_write_back(struct vm_object *object, u64 first, u64 end);
// After the file was cut to size: private mappings lose what lies behind it. Called without any lock.
void vm_truncated(struct vm_object *object, u64 size);

// Unmaps the mapping of a file of `ops` whose first page lies at addr (shmdt). 0, -EINVAL: there is none.
__nodiscard int vm_unmap_mapping(struct mm *mm, u64 addr, const struct vm_file_ops *ops);

// Where a futex that processes share is known by: the same for all addresses at which the page is mapped.
u64 vm_shared_key(struct mm *mm, u64 addr);

struct vm_map_args {
    u64 addr, len;
    u32 prot, flags; // PROT_*, MAP_*
    void *file;      // NULL: anonymous
    const struct vm_file_ops *ops;
    u64 offset;
    bool may_write; // the descriptor is open for writing: MAP_SHARED may have PROT_WRITE, now or by mprotect
    bool no_exec;   // mprotect may not give PROT_EXEC: the file lies on a noexec mount
};

// An empty address space. brk is placed by mm_set_brk.
__nodiscard int mm_create(struct mm **ret_mm);
struct mm *mm_ref(struct mm *mm);
void mm_unref(struct mm *mm); // the last reference unmaps everything

// mmap(2) with a kernel file. Returns the address, or -errno.
__nodiscard s64 vm_map(struct mm *mm, const struct vm_map_args *args);
__nodiscard int vm_unmap(struct mm *mm, u64 addr, u64 len);
__nodiscard int vm_protect(struct mm *mm, u64 addr, u64 len, u32 prot);
__nodiscard s64 vm_remap(struct mm *mm, u64 old, u64 old_len, u64 new_len, u32 flags, u64 new_addr);
__nodiscard int vm_advise(struct mm *mm, u64 addr, u64 len, int advice);
__nodiscard int vm_sync(struct mm *mm, u64 addr, u64 len, int flags);
// The file of the program that runs in mm, which may not be written as long: takes over a reference of file and calls
// ops->program_done(file) at the end of mm.
void mm_set_program(struct mm *mm, void *file, const struct vm_file_ops *ops);
// The program break: start is where the heap may begin (end of bss), limit its size (process.default_heap_size /
// RLIMIT_DATA).
__nodiscard int mm_set_brk(struct mm *mm, u64 start, u64 limit);
u64 vm_brk(struct mm *mm, u64 addr); // brk(2): returns the new (or unchanged) break

// Why a page fault could not be resolved decides the signal.
enum vm_access { VM_READ = 1, VM_WRITE = 2, VM_EXEC = 4 };
// Brings in the page of a fault at addr. 0: resolved, retry the access. -EFAULT: SIGSEGV SEGV_MAPERR, -EACCES: SIGSEGV
// SEGV_ACCERR, -EIO: SIGBUS (past the end of the file, or a corrupted image), -ENOMEM: SIGBUS/killed.
// -ESTALE: the page is there and the access allowed, yet it faulted again and again: the host took it away.
// Brings in what is absent of [addr, addr+len), as far as it goes. Called without the lock.
void vm_populate(struct mm *mm, u64 addr, u64 len);
__nodiscard int vm_fault(struct mm *mm, u64 addr, u32 access);

// Where an address of a call-gate stub comes from in the program's own code; returns rip itself for others.
u64 vm_original_rip(u64 rip);
// The reverse, for going back to an address of the program's code: an instruction that a rewritten site has overwritten
// continues in its stub.
u64 vm_resume_rip(struct mm *mm, u64 rip);

// Is the mapping at addr one that others may share (MAP_SHARED)?
bool vm_is_shared(struct mm *mm, u64 addr);
// Is every page of the range mapped in the caller's mm? 0, -ENOMEM, -EINVAL (it wraps around).
__nodiscard int vm_mapped(struct mm *mm, u64 addr, u64 len);

struct vm_stats {
    u64 mapped, committed, peak, limit; // bytes
};
void vm_get_stats(struct vm_stats *ret_stats);
// Bytes mapped by this mm (VmSize) and its number of mappings.
void mm_get_usage(struct mm *mm, u64 *ret_mapped, u64 *ret_count);

// Bytes of an address space that have been touched, by kind, and what they were together at most (as far as was
// looked: now, at earlier calls, and before much was unmapped).
struct vm_rss {
    u64 anon, file, shared, peak;
};
void mm_get_rss(struct mm *mm, struct vm_rss *ret_rss);

// Copies between the LibOS and the memory of any process, as that process may access it: bytes moved, fewer than size
// where the next page cannot be had. No lock may be held.
size_t vm_access(struct mm *mm, u64 addr, void *buf, size_t size, bool write);

// One line of /proc/self/maps per VMA, in address order: visit returns non-zero to stop. resident: is filled in.
struct vm_area_info {
    u64 start, end, offset, inode;
    u64 resident; // pages that have been touched
    u32 prot;
    bool shared, file;
    const char *name; // path, "[stack]", "[heap]" or ""
};
int vm_for_each(struct mm *mm, bool resident, int (*visit)(const struct vm_area_info *area, void *arg), void *arg);

// The file behind a descriptor of the current thread (NULL: one that gives anonymous memory), referenced, with its ops
// and access mode (O_RDONLY, O_WRONLY, O_RDWR), or an error pointer: -EBADF, -ENODEV (cannot be mapped). fs/ sets it;
// sys_mmap calls it.
extern void *(*vm_file_from_fd)(int fd, const struct vm_file_ops **ret_ops, u32 *ret_access_mode);

// Memory that processes share (MAP_SHARED | MAP_ANONYMOUS): a file of len bytes without a name, referenced, or an error
// pointer. fs/ sets it.
extern void *(*vm_shared_memory)(u64 len, const struct vm_file_ops **ret_ops);

// RLIMIT_AS and RLIMIT_DATA of the caller. process/ sets it.
extern void (*vm_rlimits)(u64 *ret_address_space, u64 *ret_data);

// At boot: user range from the layout.
void vm_init(void);
