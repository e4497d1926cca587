// SPDX-License-Identifier: BSD-3-Clause
// Fixed-layout structures of the host calls (abi/occlum/ocalls.tbl). Both sides know them; the host fills
// the out ones and the enclave believes nothing in them that it can check.
#pragma once

#include "base/types.h"

// Bytes of a set of processors: as many as Linux can have.
enum { HOST_CPU_MASK_BYTES = 1024 };

struct host_timespec {
    s64 sec;
    s64 nsec;
};

// As stat(2); mode holds the S_IFMT bits.
struct host_stat {
    u64 dev, ino, nlink, rdev, size, blksize, blocks;
    u32 mode, uid, gid, reserved;
    struct host_timespec atime, mtime, ctime;
};

// As statfs(2).
struct host_statfs {
    u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, flags;
};

// What holds (POLL*) for the descriptor that was registered under the cookie. In a batch of poll_wait the data that the
// host read ahead follows, padded to 8 bytes.
struct host_event {
    u64 cookie;
    u32 events;
    s32 got;    // bytes that follow, or -errno of reading; 0: nothing was read
    u32 number; // of the grant by which it was
    u32 more;   // not 0: there may be more
};
enum { HOST_EVENTS_MAX = 32 }; // in a batch

// Goes with a send or a receive of a stream. The host may read ahead once, when it reports that there is something, for
// each grant; a receive takes older grants back. cookie 0: none of this.
struct host_ahead {
    u64 cookie;
    u32 seen;   // the number of the last piece that the enclave has got
    u32 revoke; // grants up to this number end: of a receive
    u32 grant;  // a new one: of a send, and of a receive that takes all there is; 0: none
    u32 reserved;
};

// A socket address of AF_INET (16 bytes) or AF_INET6 (28 bytes), as Linux has them. size 0: none.
struct host_address {
    u32 size;
    u8 bytes[28];
};

// What came with a message: from whom, MSG_* flags, its whole size, which may be more than there was room for, and how
// much ancillary data.
struct host_received {
    struct host_address from;
    u32 flags, size, control_size;
};

// One page the host writes and the enclave reads without leaving it. Every field is a hint.
//   time: nanoseconds = base + ((tsc - tsc_base) * mult >> 32), consistent while seq is even and unchanged.
struct host_shared_page {
    u64 clock_seq;
    u64 tsc_base;
    u64 monotonic_base_ns, realtime_base_ns;
    u64 mult;         // nanoseconds per TSC tick, 32.32 fixed point
    u64 host_signals; // bit n-1: signal n arrived at the host process and waits to be taken (HOST_TAKE_SIGNALS)
};

// Bit of host_signals by which the host asks for a report (HOST_REPORT).
#define HOST_SIGNAL_REPORT 62
// Bit of host_signals by which the host asks for the end of all programs, in order: SIGTERM came twice and the first
// process is still there.
#define HOST_SIGNAL_END 61

// Bit of host_signals: requests wait (serve_take).
#define HOST_SIGNAL_REQUEST 60

// What clients of `occlum exec`, `status` and `stop` ask an enclave that serves. A client is a number of the host's,
// not 0.
enum { HOST_REQUEST_EXEC = 1, HOST_REQUEST_SIGNAL, HOST_REQUEST_COUNT, HOST_REQUEST_STOP };
struct host_request {
    u64 client;
    u32 kind;
    s32 value;  // SIGNAL: which. STOP: seconds that programs have after SIGTERM
    s32 fds[3]; // EXEC: descriptors of the host, the enclave's to close; -1: not open
    u32 reserved;
    u32 argv_size, envp_size, cwd_size; // EXEC: bytes of "word\0word\0" that serve_text reads, one behind the other
    u32 reserved2;
};
// What the enclave tells of them. value: READY nothing, STARTED the process id, STOPPED nothing (as the client asked by
// SIGTSTP), ENDED the wait(2) status, REFUSED an exit status | REFUSED_* << 32, COUNT processes.
enum {
    HOST_NEWS_READY = 1,
    HOST_NEWS_STARTED,
    HOST_NEWS_STOPPED,
    HOST_NEWS_ENDED,
    HOST_NEWS_REFUSED,
    HOST_NEWS_COUNT,
};

// What the enclave tells of itself when the host asks for it (`occlum run --report`). Bytes and counts.
enum { HOST_REPORT_IMAGE, HOST_REPORT_HEAP, HOST_REPORT_USER, HOST_REPORT_THREADS, HOST_REPORT_REGIONS };
struct host_report_region {
    u64 initial, now, peak, max;
};
struct host_report {
    struct host_report_region regions[HOST_REPORT_REGIONS];
    u64 threads_initial, threads_now, threads_peak, threads_max;
    // EACCEPT, EACCEPTCOPY, EMODPE, pages restricted, retyped, removed, page faults, host calls, exceptions
    // (trusted/stats.h)
    u64 events[9];
    u64 booted_ns, started_ns; // CLOCK_MONOTONIC when the LibOS was ready, and when the program began
};

// What the loader passes at the first entry (untrusted; strings are NUL-separated lists in one buffer).
struct host_start_args {
    u64 argv, argv_size; // address outside ELRANGE and bytes: "prog\0arg1\0..."
    u64 envp, envp_size; // "NAME=value\0..."
    u64 shared_page;     // struct host_shared_page
    u64 image_fd;        // host descriptor of the image file
    u64 image_size;      // bytes; 0: there is no image
    u64 image_address;   // where it is mapped to be read; 0: nowhere, it is read by pread
    u64 hostname, hostname_size;
    u64 cpuid_7_ebx; // of CPUID leaf 7, which an enclave may not ask; a hint
    u64 cpu_count;   // processors it may run on, a hint; 0: not known
    u64 log_level;   // 0 off .. 5 trace
    u64 stdio_flags; // bit i: descriptor i is open
    struct host_stat stdio[3];
    u64 report; // struct host_report, 8-byte aligned; 0: none is wanted
    u64 learn;  // what programs touch of files is wanted (the host call `learned`)
    u64 serves; // it has no program of its own: argv and envp are empty, requests come by serve_take
    u64 has_image_key;
    u8 image_key[32]; // of development: the host knows it then
};
