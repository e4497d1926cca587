// SPDX-License-Identifier: BSD-3-Clause
// Open file descriptions and descriptor tables.
#pragma once

#include "libos/fs/fs.h"
#include "libos/fs/inode.h"
#include "libos/fs/uio.h"

struct poll_table;

// Takes one directory entry; non-zero: the buffer is full, stop before it. next is the position behind the entry.
struct dir_sink {
    int (*emit)(struct dir_sink *sink, const char *name, size_t len, u64 ino, u32 type, u64 next);
};

struct file_ops {
    // At *offset, which they advance. Return bytes, 0 at the end, -errno.
    long (*read)(struct file *file, struct uio *uio, u64 *offset);
    long (*write)(struct file *file, struct uio *uio, u64 *offset);
    int (*getdents)(struct file *file, struct dir_sink *sink, u64 *position);
    u32 (*poll)(struct file *file,
                struct poll_table *table); // POLL* that hold now; registers with table if it is not NULL
    long (*ioctl)(struct file *file, u32 command, u64 argument);
    long (*fcntl)(struct file *file, u32 command, u64 argument); // commands of one kind of file; NULL: it has none
    int (*fallocate)(struct file *file, int mode, u64 offset, u64 len);
    int (*fsync)(struct file *file);
    s64 (*seek_data)(struct file *file, u64 offset, bool hole);  // SEEK_DATA / SEEK_HOLE
    void (*describe)(struct file *file, struct proc_text *text); // lines of its own in /proc/PID/fdinfo/N
    void (*release)(struct file *file);
    void (*flush)(struct file *file); // a process closes a descriptor of it
    void (*closed)(void);             // after a descriptor of such a file was closed; the file may live on, or be gone
    u32 type;                         // S_IFMT bits that fstat shows of a file without an inode; 0: S_IFIFO
    bool timed;                       // poll changes with the time alone (poll_wait_until)
    bool stream;                      // no position: lseek says ESPIPE
    bool made;                        // contents are made when it is opened: it cannot be mapped
    bool unmoved; // a stream of which lseek says 0, as Linux does of those that are no pipes or sockets
};

// What files of the folders above do, told by them at boot (ipc/ipc.h).
struct fs_special {
    // open(2) of a FIFO inode: waits for the other side unless O_NONBLOCK (fifo(7)). 0 or -errno.
    int (*open_fifo)(struct inode *inode, struct file *file);
    // open(2) of the character devices of terminals: -ENXIO for others.
    int (*open_terminal)(u64 rdev, struct file *file);
    __nodiscard int (*make_devpts)(struct inode **ret_root); // the file system below /dev/pts
    // A program opens a path: what it is to find there may have to be made first. May be NULL. No lock held.
    void (*before_open)(const char *path);
    // The last reference of a file with watches is gone: called before it is taken apart. May sleep.
    void (*forget_watched)(struct file *file);
    // /proc/sysvipc: the objects of a kind ("msg", "sem", "shm").
    void (*show_sysv)(struct proc_text *text, const char *kind);
};
extern struct fs_special fs_special;

enum { PATH_BYTES = 4096 }; // of a path, its NUL included (PATH_MAX)

struct file {
    const struct file_ops *ops;
    u32 refs;            // atomic
    volatile u32 flags;  // O_* as fcntl(F_GETFL) shows them; looked at while others change them: file_change_flags
    struct inode *inode; // owned; NULL for pipes and the like
    u64 offset;          // guarded by offset_lock
    struct mutex offset_lock;
    void *private;
    bool claims;         // counted in inode->writers
    char *path;          // what has no name in a folder is shown as; NULL: by its place, or its inode
    struct place *place; // owned; the name it was opened by (place.h); NULL: none
    bool signal_thread;  // F_SETOWN_EX named a thread
    u8 io_signal;        // F_SETSIG: told back
    u64 owner_key;       // identity for flock and OFD locks
    struct spinlock watch_lock;
    struct epoll_watch *watches; // of epoll instances; guarded by watch_lock
    s32 signal_owner;            // F_SETOWN: kept for F_GETOWN; nobody is sent SIGIO or SIGURG
    bool opened;                 // IN_OPEN was told of it (notify.h)
    bool watched;                // there was one ever: whoever frees the file looks under watch_lock
};

__nodiscard int file_alloc(struct inode *inode, u32 flags, struct file **ret_file); // takes its own reference of inode
// fsync(2). -EINVAL: nothing of the file is stored anywhere.
__nodiscard long file_sync(struct file *file);
// RLIMIT_FSIZE: how much of *n bytes may be written to a regular file at offset (appending: at its end); the size that
// it is to have. Sends SIGXFSZ with -EFBIG.
__nodiscard int file_limit_write(struct file *file, u64 offset, size_t *n);
__nodiscard int file_limit_size(struct inode *inode, u64 size);
u64 file_count(void); // open file descriptions there are
// fcntl(F_SETFL) and ioctl(FIONBIO): clears, then sets.
void file_change_flags(struct file *file, u32 clear, u32 set);
bool file_readable(const struct file *file);
bool file_writable(const struct file *file);

// What read(2) and write(2) do with it, and (at) pread(2) and pwrite(2): bytes, 0 at the end, -errno.
long file_transfer(struct file *file, struct uio *uio, bool write);
long file_transfer_at(struct file *file, struct uio *uio, s64 offset, bool write);

// Descriptor tables. files_install takes over the reference. Lowest free descriptor from `from`: fd or -EMFILE.
__nodiscard int files_create_empty(struct files **ret_files);
__nodiscard int files_install(struct file *file, int from, bool close_on_exec);
// The same; the reference is taken in any case.
__nodiscard static inline int files_give(struct file *file, int from, bool close_on_exec)
{
    int fd = files_install(file, from, close_on_exec);
    if (fd < 0)
        file_unref(file);
    return fd;
}
__nodiscard int files_replace(int fd, struct file *file, bool close_on_exec); // dup2: -EBADF out of range
__nodiscard int files_close(int fd);
void files_close_range(u32 first, u32 last, bool only_mark);
int files_get_flags(int fd); // FD_CLOEXEC or -EBADF
int files_set_flags(int fd, bool close_on_exec);
bool files_closes_on_exec(struct files *files, int fd);
u32 files_limit(const struct files *files);      // RLIMIT_NOFILE
u32 files_table_size(const struct files *files); // descriptors there is room for now
// Walks a table for /proc/PID/fd: the first open descriptor >= from, or -1; *ret_file is referenced unless NULL is
// passed.
int files_next(struct files *files, int from, struct file **ret_file);

// Paths (path.c).
struct lookup {
    struct inode *parent; // referenced
    struct inode *inode;  // referenced, NULL if the last component does not exist
    char name[256];       // last component; "" when the path was "/" or ended in "." or ".."
    enum last_component { LAST_NAME, LAST_ROOT, LAST_DOT, LAST_DOTDOT } last;
    bool must_be_dir; // trailing slash
};
// Follow a final symlink; AT_EMPTY_PATH; the name itself is asked for, to make or remove it: a trailing slash does not
// make a symlink be followed and is left to the caller to judge.
enum { LOOKUP_FOLLOW = 1, LOOKUP_EMPTY = 2, LOOKUP_NAME = 4 };
// openat2(2)'s RESOLVE_* lie above them.
enum { LOOKUP_RESOLVE_SHIFT = 8 };
static inline u32 lookup_resolve(u32 resolve) { return resolve << LOOKUP_RESOLVE_SHIFT; }
// Resolves relative to dirfd (AT_FDCWD: the cwd). 0 also when only the last component is missing. -ENOENT, -ENOTDIR,
// -ELOOP, -ENAMETOOLONG, -EBADF; -EXDEV where RESOLVE_* flags forbid a step, -ELOOP for links they forbid.
__nodiscard int path_lookup(int dirfd, const char *path, u32 flags, struct lookup *ret_lookup);
void lookup_done(struct lookup *lookup);
// The inode of an existing path. -ENOENT too.
__nodiscard int path_inode(int dirfd, const char *path, u32 flags, struct inode **ret_inode);
__nodiscard int inode_path(struct inode *dir, char *buf, size_t size); // absolute path of a directory: length or -errno
// A file in memory of len bytes that no folder holds, open for reading and writing; path is what /proc shows.
__nodiscard int file_unnamed(u64 len, const char *path, struct file **ret_file);
void fd_init(void); // gives vm/ the way from a descriptor to a mappable file
// resolve: RESOLVE_* of openat2(2).
__nodiscard int open_at(int dirfd, const char *path, u32 flags, u32 mode, u32 resolve, struct file **ret_file);

// F_SETOWN and its relatives (sys/owner.c).
long file_owner_fcntl(struct file *file, u32 command, u64 argument);

struct fs_context {
    u32 refs;
    u32 umask;
    struct mutex lock;
    struct inode *root, *cwd;
};

extern struct inode *fs_root;
