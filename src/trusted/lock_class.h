// SPDX-License-Identifier: BSD-3-Clause
// Every lock has a class, and the classes have one order: who holds a lock takes only locks of classes further down.
// The table is that order, outermost first; docs/locks.md is made from it (tools/gen-locks.py).
//
// In builds with LOCK_DEBUG (meson -Dlock_debug=true, and the kernel bench) each thread keeps a list of what it holds,
// and what breaks a rule ends the run at once, whether or not it would have hung this time:
// - a lock is taken against the order, twice, or without a class; or given up by who does not hold it
// - a thread sleeps, takes a lock that sleeps or leaves the enclave with a spinlock held
// - a thread sleeps between the first collect into a wake list and its flush (libos/thread/wake.h)
// - the program's memory is touched with a lock held that is not for that: a fault there takes MM, and may last
// In other builds a class costs nothing.
#pragma once

#include "base/types.h"

#ifndef LOCK_DEBUG
#define LOCK_DEBUG 0
#endif

enum lock_kind {
    LOCK_SLEEPS = 0,     // a mutex: may be held over host calls
    LOCK_SPINS = 1 << 0, // a spinlock
    LOCK_PAIRS = 1 << 1, // several of the class at once, in the order of their addresses
    LOCK_NESTS = 1 << 2, // several of the class at once, in an order that `what` tells
    LOCK_USER = 1 << 3,  // the program's memory may be touched with it held
};

// X(NAME, kind, what it guards)
#define LOCK_CLASSES(X)                                                                                            \
    X(FILE_OFFSET, LOCK_USER, "file.offset_lock: the offset of an open file, over read and write")                 \
    X(EPOLL_FILES, LOCK_SLEEPS, "which epoll instances watch a file, and the nesting of instances")                \
    X(EPOLL, LOCK_NESTS, "epoll.lock: the watches of an instance; nested instances from the outside in")           \
    X(PROCESS, LOCK_SLEEPS, "process_lock: the tree of processes and threads, and their states")                   \
    X(MM, LOCK_SLEEPS, "mm.lock: the areas of an address space; page faults take it")                              \
    X(FAMILY, LOCK_SLEEPS, "family.lock: what is kept of mms that share addresses, and whose turn it is")          \
    X(FAMILIES, LOCK_SLEEPS, "all address spaces, for those that look for relatives")                              \
    X(AIO, LOCK_SLEEPS, "contexts of Linux AIO and the completions that wait in them")                             \
    X(SHM, LOCK_SLEEPS, "segments of System V shared memory and who refers to them")                               \
    X(SYSV, LOCK_SLEEPS, "System V semaphores and message queues")                                                 \
    X(MQ, LOCK_SLEEPS, "POSIX message queues")                                                                     \
    X(MOUNT_CHANGES, LOCK_SLEEPS, "one mount, umount or sync at a time")                                           \
    X(FS_CONTEXT, LOCK_SLEEPS, "fs_context.lock: working folder and root of a process")                            \
    X(MOUNTS, LOCK_SLEEPS, "what is mounted where")                                                                \
    X(FS_TREE, LOCK_SLEEPS, "memfs.tree: the names of a memory file system")                                       \
    X(HOSTFS, LOCK_SLEEPS, "hostfs.lock: the nodes of a host folder and their names")                              \
    X(FS_WRITING, LOCK_SLEEPS, "memfs_node.writing: one write at a time")                                          \
    X(INODE, LOCK_PAIRS, "inode.lock: contents and attributes of a file")                                          \
    X(VOLFS, LOCK_SLEEPS, "volfs.lock: a volume, its ext2 and its nodes")                                          \
    X(PLACES, LOCK_SLEEPS, "the names under which files are open")                                                 \
    X(FILE_LOCKS, LOCK_SLEEPS, "record locks and flock")                                                           \
    X(SYSFS, LOCK_SLEEPS, "the table of /sys, when it is made")                                                    \
    X(IMAGE, LOCK_SLEEPS, "the inodes of the verified image that are kept")                                        \
    X(FIFO, LOCK_SLEEPS, "the pipe of a FIFO: who finds it and who makes it")                                      \
    X(PIPE, LOCK_SLEEPS, "pipe.lock: data and ends of a pipe")                                                     \
    X(UNIX_RIGHTS, LOCK_SLEEPS, "files in messages of local sockets, and the search for circles of them")          \
    X(UNIX_NAMES, LOCK_SLEEPS, "the names of local sockets")                                                       \
    X(LISTENERS, LOCK_SLEEPS, "sockets of the network that listen inside")                                         \
    X(UNIX, LOCK_SLEEPS, "unix_socket.lock: state and messages of a local socket")                                 \
    X(NETLINK, LOCK_SLEEPS, "netlink_socket.lock: the answers that wait in a netlink socket")                      \
    X(TTY, LOCK_SLEEPS, "pty.lock: a pair of terminals and its line discipline")                                   \
    X(NOTIFY, LOCK_SLEEPS, "watches of inotify and the events they queue")                                         \
    X(TEST_OUTER, LOCK_SLEEPS, "of tests")                                                                         \
    X(TEST_PAIR, LOCK_PAIRS, "of tests")                                                                           \
    X(TEST_SPIN, LOCK_SPINS, "of tests")                                                                           \
    X(RESOURCES, LOCK_SPINS, "thread.resources_lock: the pointers to mm, files and fs that others read")           \
    X(TTYS, LOCK_SPINS, "terminals by number")                                                                     \
    X(FILES, LOCK_SPINS, "files.lock: a table of descriptors")                                                     \
    X(SIGNALS, LOCK_SPINS, "process_signals.lock: actions, queues and masks of a process")                         \
    X(FUTEX, LOCK_SPINS | LOCK_PAIRS, "a bucket of futex waiters")                                                 \
    X(HOSTPOLL, LOCK_SPINS, "the descriptors of the host that are watched")                                        \
    X(AHEAD, LOCK_SPINS, "ahead.lock: what the host read of a stream before it was asked")                         \
    X(EVENT, LOCK_SPINS, "the count of an eventfd, the expirations of a timerfd")                                  \
    X(TEST_SPIN_INNER, LOCK_SPINS | LOCK_NESTS, "of tests")                                                        \
    X(WATCHES, LOCK_SPINS, "file.watch_lock: the epoll watches of a file")                                         \
    X(WAIT_QUEUE, LOCK_SPINS | LOCK_NESTS, "wait_queue.lock: sleepers; a file's, then that of the epoll instance") \
    X(EPOLL_READY, LOCK_SPINS, "epoll.ready_lock: the watches that have something to report")                      \
    X(UNIX_DEAD, LOCK_SPINS, "messages with files that are to be freed")                                           \
    X(SLEEPERS, LOCK_SPINS, "a bucket of threads that wait for mutexes")                                           \
    X(PAGE_CACHE, LOCK_SPINS, "blocks of the image in memory")                                                     \
    X(IMAGE_HASHES, LOCK_SPINS, "which blocks of the hash tree were checked")                                      \
    X(LEARN, LOCK_SPINS, "what programs touched of files")                                                         \
    X(FILE_PAGES, LOCK_SPINS, "pages that hold file contents")                                                     \
    X(GATES, LOCK_SPINS, "the call-gate stubs of all address spaces")                                              \
    X(RESIDENTS, LOCK_SPINS, "which member of a family is resident, and its running threads")                      \
    X(LOADS, LOCK_SPINS, "load averages")                                                                          \
    X(RANGES, LOCK_SPINS, "free addresses of the user range")                                                      \
    X(SLAB, LOCK_SPINS, "a cache of small objects")                                                                \
    X(HEAP_PAGES, LOCK_SPINS, "pages of the kernel heap")                                                          \
    X(EMM_RESERVE, LOCK_SPINS, "freed memory that is kept a little")

enum lock_class {
    LOCK_NONE, // a lock that nobody gave a class to
#define LOCK_CLASS_NUMBER(name, kind, what) LOCK_##name,
    LOCK_CLASSES(LOCK_CLASS_NUMBER)
#undef LOCK_CLASS_NUMBER
        LOCK_CLASS_COUNT
};

#if LOCK_DEBUG

enum { LOCKS_HELD_MAX = 16 };

// What a thread holds; zero at first. In the slot's tls page.
struct lock_thread {
    u32 count;
    u32 wake_lists; // lists with something in them that is not flushed
    struct {
        const void *lock;
        u32 class;
    } held[LOCKS_HELD_MAX];
};

struct lock_thread *lock_thread(void);
// Told of a broken rule: what was done, of which class (LOCK_NONE: of none), while which one was held. Ends the run.
void lock_fault(const char *what, enum lock_class class, enum lock_class held);
const char *lock_class_name(enum lock_class class);

// Before a lock is taken; wait: it may have to be waited for (not a trylock that fails).
void lock_note_take(const void *lock, u32 class, bool wait);
void lock_note_give(const void *lock);
bool lock_note_held(const void *lock);
void lock_check_held(const void *lock, u32 class);
// Before a thread may sleep, leave the enclave, or take a fault of the program's memory; before it ends.
void lock_check_sleep(void);
void lock_check_host_call(void);
void lock_check_user_copy(void);
void lock_check_none(void);
void lock_note_wake_list(int change);

#define LOCK_CLASS_FIELD u32 class;
#define LOCK_CLASS_INIT(c) , c

#else

#define LOCK_CLASS_FIELD
#define LOCK_CLASS_INIT(c)
static inline void lock_check_sleep(void) {}
static inline void lock_check_host_call(void) {}
static inline void lock_check_user_copy(void) {}
static inline void lock_check_none(void) {}
static inline void lock_note_wake_list(int change) { (void)change; }

#endif
