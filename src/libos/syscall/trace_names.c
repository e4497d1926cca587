// SPDX-License-Identifier: BSD-3-Clause
// Names of flags and errors, as the manual pages have them.
#include "libos/syscall/trace_names.h"

#include "base/string.h"

static const struct trace_name open_flags_names[] = {
    { 0, 3, "O_RDONLY" },
    { 1, 3, "O_WRONLY" },
    { 2, 3, "O_RDWR" },
    { 0100, 0, "O_CREAT" },
    { 0200, 0, "O_EXCL" },
    { 0400, 0, "O_NOCTTY" },
    { 01000, 0, "O_TRUNC" },
    { 02000, 0, "O_APPEND" },
    { 04000, 0, "O_NONBLOCK" },
    { 020200000, 020200000, "O_TMPFILE" },
    { 0200000, 0, "O_DIRECTORY" },
    { 04010000, 04010000, "O_SYNC" },
    { 010000, 0, "O_DSYNC" },
    { 040000, 0, "O_DIRECT" },
    { 0400000, 0, "O_NOFOLLOW" },
    { 01000000, 0, "O_NOATIME" },
    { 02000000, 0, "O_CLOEXEC" },
    { 010000000, 0, "O_PATH" },
    { 0, 0, NULL },
};
static const struct trace_flags open_flags = { false, open_flags_names };

static const struct trace_name prot_names[] = {
    { 0, 7, "PROT_NONE" },
    { 1, 0, "PROT_READ" },
    { 2, 0, "PROT_WRITE" },
    { 4, 0, "PROT_EXEC" },
    { 0x1000000, 0, "PROT_GROWSDOWN" },
    { 0, 0, NULL },
};
static const struct trace_flags prot = { false, prot_names };

static const struct trace_name map_flags_names[] = {
    { 1, 15, "MAP_SHARED" },
    { 2, 15, "MAP_PRIVATE" },
    { 3, 15, "MAP_SHARED_VALIDATE" },
    { 0x10, 0, "MAP_FIXED" },
    { 0x20, 0, "MAP_ANONYMOUS" },
    { 0x100, 0, "MAP_GROWSDOWN" },
    { 0x800, 0, "MAP_DENYWRITE" },
    { 0x2000, 0, "MAP_LOCKED" },
    { 0x4000, 0, "MAP_NORESERVE" },
    { 0x8000, 0, "MAP_POPULATE" },
    { 0x20000, 0, "MAP_STACK" },
    { 0x40000, 0, "MAP_HUGETLB" },
    { 0x100000, 0, "MAP_FIXED_NOREPLACE" },
    { 0, 0, NULL },
};
static const struct trace_flags map_flags = { false, map_flags_names };

static const struct trace_name clone_flags_names[] = {
    { 0x100, 0, "CLONE_VM" },
    { 0x200, 0, "CLONE_FS" },
    { 0x400, 0, "CLONE_FILES" },
    { 0x800, 0, "CLONE_SIGHAND" },
    { 0x1000, 0, "CLONE_PIDFD" },
    { 0x4000, 0, "CLONE_VFORK" },
    { 0x8000, 0, "CLONE_PARENT" },
    { 0x10000, 0, "CLONE_THREAD" },
    { 0x40000, 0, "CLONE_SYSVSEM" },
    { 0x80000, 0, "CLONE_SETTLS" },
    { 0x100000, 0, "CLONE_PARENT_SETTID" },
    { 0x200000, 0, "CLONE_CHILD_CLEARTID" },
    { 0x1000000, 0, "CLONE_CHILD_SETTID" },
    { 17, 0xff, "SIGCHLD" },
    { 0, 0, NULL },
};
static const struct trace_flags clone_flags = { false, clone_flags_names };

static const struct trace_name whence_names[] = {
    { 0, ~0ull, "SEEK_SET" },  { 1, ~0ull, "SEEK_CUR" },  { 2, ~0ull, "SEEK_END" },
    { 3, ~0ull, "SEEK_DATA" }, { 4, ~0ull, "SEEK_HOLE" }, { 0, 0, NULL },
};
static const struct trace_flags whence = { true, whence_names };

static const struct trace_name fcntl_cmd_names[] = {
    { 0, ~0ull, "F_DUPFD" },
    { 1, ~0ull, "F_GETFD" },
    { 2, ~0ull, "F_SETFD" },
    { 3, ~0ull, "F_GETFL" },
    { 4, ~0ull, "F_SETFL" },
    { 5, ~0ull, "F_GETLK" },
    { 6, ~0ull, "F_SETLK" },
    { 7, ~0ull, "F_SETLKW" },
    { 8, ~0ull, "F_SETOWN" },
    { 9, ~0ull, "F_GETOWN" },
    { 36, ~0ull, "F_OFD_GETLK" },
    { 37, ~0ull, "F_OFD_SETLK" },
    { 38, ~0ull, "F_OFD_SETLKW" },
    { 1030, ~0ull, "F_DUPFD_CLOEXEC" },
    { 1031, ~0ull, "F_SETPIPE_SZ" },
    { 1032, ~0ull, "F_GETPIPE_SZ" },
    { 1033, ~0ull, "F_ADD_SEALS" },
    { 1034, ~0ull, "F_GET_SEALS" },
    { 0, 0, NULL },
};
static const struct trace_flags fcntl_cmd = { true, fcntl_cmd_names };

static const struct trace_name futex_op_names[] = {
    { 0, 0x7f, "FUTEX_WAIT" },
    { 1, 0x7f, "FUTEX_WAKE" },
    { 3, 0x7f, "FUTEX_REQUEUE" },
    { 4, 0x7f, "FUTEX_CMP_REQUEUE" },
    { 5, 0x7f, "FUTEX_WAKE_OP" },
    { 6, 0x7f, "FUTEX_LOCK_PI" },
    { 7, 0x7f, "FUTEX_UNLOCK_PI" },
    { 8, 0x7f, "FUTEX_TRYLOCK_PI" },
    { 9, 0x7f, "FUTEX_WAIT_BITSET" },
    { 10, 0x7f, "FUTEX_WAKE_BITSET" },
    { 0x80, 0, "FUTEX_PRIVATE_FLAG" },
    { 0x100, 0, "FUTEX_CLOCK_REALTIME" },
    { 0, 0, NULL },
};
static const struct trace_flags futex_op = { false, futex_op_names };

static const struct trace_name mask_how_names[] = {
    { 0, ~0ull, "SIG_BLOCK" },
    { 1, ~0ull, "SIG_UNBLOCK" },
    { 2, ~0ull, "SIG_SETMASK" },
    { 0, 0, NULL },
};
static const struct trace_flags mask_how = { true, mask_how_names };

static const struct trace_name wait_options_names[] = {
    { 0, ~0ull, "0" },      { 1, 0, "WNOHANG" },         { 2, 0, "WUNTRACED" }, { 4, 0, "WEXITED" },
    { 8, 0, "WCONTINUED" }, { 0x1000000, 0, "WNOWAIT" }, { 0, 0, NULL },
};
static const struct trace_flags wait_options = { false, wait_options_names };

static const struct trace_name at_flags_names[] = {
    { 0, ~0ull, "0" },
    { 0x100, 0, "AT_SYMLINK_NOFOLLOW" },
    { 0x200, 0, "AT_REMOVEDIR" },
    { 0x400, 0, "AT_SYMLINK_FOLLOW" },
    { 0x800, 0, "AT_NO_AUTOMOUNT" },
    { 0x1000, 0, "AT_EMPTY_PATH" },
    { 0, 0, NULL },
};
static const struct trace_flags at_flags = { false, at_flags_names };

static const struct trace_name access_mode_names[] = {
    { 0, ~0ull, "F_OK" }, { 4, 0, "R_OK" }, { 2, 0, "W_OK" }, { 1, 0, "X_OK" }, { 0, 0, NULL },
};
static const struct trace_flags access_mode = { false, access_mode_names };

static const struct trace_name family_names[] = {
    { 0, ~0ull, "AF_UNSPEC" },   { 1, ~0ull, "AF_UNIX" },    { 2, ~0ull, "AF_INET" }, { 10, ~0ull, "AF_INET6" },
    { 16, ~0ull, "AF_NETLINK" }, { 17, ~0ull, "AF_PACKET" }, { 0, 0, NULL },
};
static const struct trace_flags family = { true, family_names };

static const struct trace_name socket_type_names[] = {
    { 1, 15, "SOCK_STREAM" },      { 2, 15, "SOCK_DGRAM" },         { 3, 15, "SOCK_RAW" }, { 5, 15, "SOCK_SEQPACKET" },
    { 04000, 0, "SOCK_NONBLOCK" }, { 02000000, 0, "SOCK_CLOEXEC" }, { 0, 0, NULL },
};
static const struct trace_flags socket_type = { false, socket_type_names };

static const struct trace_name message_flags_names[] = {
    { 0, ~0ull, "0" },
    { 1, 0, "MSG_OOB" },
    { 2, 0, "MSG_PEEK" },
    { 0x20, 0, "MSG_TRUNC" },
    { 0x40, 0, "MSG_DONTWAIT" },
    { 0x100, 0, "MSG_WAITALL" },
    { 0x4000, 0, "MSG_NOSIGNAL" },
    { 0x8000, 0, "MSG_MORE" },
    { 0x40000000, 0, "MSG_CMSG_CLOEXEC" },
    { 0, 0, NULL },
};
static const struct trace_flags message_flags = { false, message_flags_names };

static const struct trace_name advice_names[] = {
    { 0, ~0ull, "MADV_NORMAL" },      { 1, ~0ull, "MADV_RANDOM" },
    { 2, ~0ull, "MADV_SEQUENTIAL" },  { 3, ~0ull, "MADV_WILLNEED" },
    { 4, ~0ull, "MADV_DONTNEED" },    { 8, ~0ull, "MADV_FREE" },
    { 9, ~0ull, "MADV_REMOVE" },      { 10, ~0ull, "MADV_DONTFORK" },
    { 11, ~0ull, "MADV_DOFORK" },     { 14, ~0ull, "MADV_HUGEPAGE" },
    { 15, ~0ull, "MADV_NOHUGEPAGE" }, { 16, ~0ull, "MADV_DONTDUMP" },
    { 17, ~0ull, "MADV_DODUMP" },     { 0, 0, NULL },
};
static const struct trace_flags advice = { true, advice_names };

static const struct trace_name clock_names[] = {
    { 0, ~0ull, "CLOCK_REALTIME" },
    { 1, ~0ull, "CLOCK_MONOTONIC" },
    { 2, ~0ull, "CLOCK_PROCESS_CPUTIME_ID" },
    { 3, ~0ull, "CLOCK_THREAD_CPUTIME_ID" },
    { 4, ~0ull, "CLOCK_MONOTONIC_RAW" },
    { 5, ~0ull, "CLOCK_REALTIME_COARSE" },
    { 6, ~0ull, "CLOCK_MONOTONIC_COARSE" },
    { 7, ~0ull, "CLOCK_BOOTTIME" },
    { 0, 0, NULL },
};
static const struct trace_flags clock = { true, clock_names };

static const struct trace_name epoll_op_names[] = {
    { 1, ~0ull, "EPOLL_CTL_ADD" },
    { 2, ~0ull, "EPOLL_CTL_DEL" },
    { 3, ~0ull, "EPOLL_CTL_MOD" },
    { 0, 0, NULL },
};
static const struct trace_flags epoll_op = { true, epoll_op_names };

static const struct trace_name signal_names[] = {
    { 0, ~0ull, "0" },        { 1, ~0ull, "SIGHUP" },     { 2, ~0ull, "SIGINT" },
    { 3, ~0ull, "SIGQUIT" },  { 4, ~0ull, "SIGILL" },     { 5, ~0ull, "SIGTRAP" },
    { 6, ~0ull, "SIGABRT" },  { 7, ~0ull, "SIGBUS" },     { 8, ~0ull, "SIGFPE" },
    { 9, ~0ull, "SIGKILL" },  { 10, ~0ull, "SIGUSR1" },   { 11, ~0ull, "SIGSEGV" },
    { 12, ~0ull, "SIGUSR2" }, { 13, ~0ull, "SIGPIPE" },   { 14, ~0ull, "SIGALRM" },
    { 15, ~0ull, "SIGTERM" }, { 16, ~0ull, "SIGSTKFLT" }, { 17, ~0ull, "SIGCHLD" },
    { 18, ~0ull, "SIGCONT" }, { 19, ~0ull, "SIGSTOP" },   { 20, ~0ull, "SIGTSTP" },
    { 21, ~0ull, "SIGTTIN" }, { 22, ~0ull, "SIGTTOU" },   { 23, ~0ull, "SIGURG" },
    { 24, ~0ull, "SIGXCPU" }, { 25, ~0ull, "SIGXFSZ" },   { 26, ~0ull, "SIGVTALRM" },
    { 27, ~0ull, "SIGPROF" }, { 28, ~0ull, "SIGWINCH" },  { 29, ~0ull, "SIGIO" },
    { 30, ~0ull, "SIGPWR" },  { 31, ~0ull, "SIGSYS" },    { 0, 0, NULL },
};
static const struct trace_flags signal = { true, signal_names };

static const struct trace_name close_flags_names[] = {
    { 0, ~0ull, "0" },
    { 04000, 0, "O_NONBLOCK" },
    { 02000000, 0, "O_CLOEXEC" },
    { 0, 0, NULL },
};
static const struct trace_flags close_flags = { false, close_flags_names };

static const struct {
    const char *call;
    u32 index;
    const struct trace_flags *flags;
} uses[] = {
    { "open", 1, &open_flags },
    { "openat", 2, &open_flags },
    { "mmap", 2, &prot },
    { "mmap", 3, &map_flags },
    { "mprotect", 2, &prot },
    { "clone", 0, &clone_flags },
    { "lseek", 2, &whence },
    { "fcntl", 1, &fcntl_cmd },
    { "futex", 1, &futex_op },
    { "rt_sigprocmask", 0, &mask_how },
    { "wait4", 2, &wait_options },
    { "waitid", 3, &wait_options },
    { "newfstatat", 3, &at_flags },
    { "statx", 2, &at_flags },
    { "unlinkat", 2, &at_flags },
    { "linkat", 4, &at_flags },
    { "fchownat", 4, &at_flags },
    { "faccessat2", 3, &at_flags },
    { "utimensat", 3, &at_flags },
    { "access", 1, &access_mode },
    { "faccessat", 2, &access_mode },
    { "faccessat2", 2, &access_mode },
    { "socket", 0, &family },
    { "socket", 1, &socket_type },
    { "socketpair", 0, &family },
    { "socketpair", 1, &socket_type },
    { "accept4", 3, &socket_type },
    { "sendto", 3, &message_flags },
    { "recvfrom", 3, &message_flags },
    { "sendmsg", 2, &message_flags },
    { "recvmsg", 2, &message_flags },
    { "madvise", 2, &advice },
    { "clock_gettime", 0, &clock },
    { "clock_getres", 0, &clock },
    { "clock_nanosleep", 0, &clock },
    { "timerfd_create", 0, &clock },
    { "epoll_ctl", 1, &epoll_op },
    { "kill", 1, &signal },
    { "tkill", 1, &signal },
    { "tgkill", 2, &signal },
    { "rt_sigaction", 0, &signal },
    { "pidfd_send_signal", 1, &signal },
    { "pipe2", 1, &close_flags },
    { "dup3", 2, &close_flags },
    { "eventfd2", 1, &close_flags },
    { "timerfd_create", 1, &close_flags },
};

const struct trace_flags *trace_flags_of(const char *call, u32 index)
{
    for (size_t i = 0; i < ARRAY_SIZE(uses); i++)
        if (uses[i].index == index && str_eq(uses[i].call, call))
            return uses[i].flags;
    return NULL;
}

static const char *const errors[] = {
    [1] = "EPERM",
    [2] = "ENOENT",
    [3] = "ESRCH",
    [4] = "EINTR",
    [5] = "EIO",
    [6] = "ENXIO",
    [7] = "E2BIG",
    [8] = "ENOEXEC",
    [9] = "EBADF",
    [10] = "ECHILD",
    [11] = "EAGAIN",
    [12] = "ENOMEM",
    [13] = "EACCES",
    [14] = "EFAULT",
    [15] = "ENOTBLK",
    [16] = "EBUSY",
    [17] = "EEXIST",
    [18] = "EXDEV",
    [19] = "ENODEV",
    [20] = "ENOTDIR",
    [21] = "EISDIR",
    [22] = "EINVAL",
    [23] = "ENFILE",
    [24] = "EMFILE",
    [25] = "ENOTTY",
    [26] = "ETXTBSY",
    [27] = "EFBIG",
    [28] = "ENOSPC",
    [29] = "ESPIPE",
    [30] = "EROFS",
    [31] = "EMLINK",
    [32] = "EPIPE",
    [33] = "EDOM",
    [34] = "ERANGE",
    [35] = "EDEADLK",
    [36] = "ENAMETOOLONG",
    [37] = "ENOLCK",
    [38] = "ENOSYS",
    [39] = "ENOTEMPTY",
    [40] = "ELOOP",
    [42] = "ENOMSG",
    [43] = "EIDRM",
    [44] = "ECHRNG",
    [45] = "EL2NSYNC",
    [46] = "EL3HLT",
    [47] = "EL3RST",
    [48] = "ELNRNG",
    [49] = "EUNATCH",
    [50] = "ENOCSI",
    [51] = "EL2HLT",
    [52] = "EBADE",
    [53] = "EBADR",
    [54] = "EXFULL",
    [55] = "ENOANO",
    [56] = "EBADRQC",
    [57] = "EBADSLT",
    [59] = "EBFONT",
    [60] = "ENOSTR",
    [61] = "ENODATA",
    [62] = "ETIME",
    [63] = "ENOSR",
    [64] = "ENONET",
    [65] = "ENOPKG",
    [66] = "EREMOTE",
    [67] = "ENOLINK",
    [68] = "EADV",
    [69] = "ESRMNT",
    [70] = "ECOMM",
    [71] = "EPROTO",
    [72] = "EMULTIHOP",
    [73] = "EDOTDOT",
    [74] = "EBADMSG",
    [75] = "EOVERFLOW",
    [76] = "ENOTUNIQ",
    [77] = "EBADFD",
    [78] = "EREMCHG",
    [79] = "ELIBACC",
    [80] = "ELIBBAD",
    [81] = "ELIBSCN",
    [82] = "ELIBMAX",
    [83] = "ELIBEXEC",
    [84] = "EILSEQ",
    [85] = "ERESTART",
    [86] = "ESTRPIPE",
    [87] = "EUSERS",
    [88] = "ENOTSOCK",
    [89] = "EDESTADDRREQ",
    [90] = "EMSGSIZE",
    [91] = "EPROTOTYPE",
    [92] = "ENOPROTOOPT",
    [93] = "EPROTONOSUPPORT",
    [94] = "ESOCKTNOSUPPORT",
    [95] = "EOPNOTSUPP",
    [96] = "EPFNOSUPPORT",
    [97] = "EAFNOSUPPORT",
    [98] = "EADDRINUSE",
    [99] = "EADDRNOTAVAIL",
    [100] = "ENETDOWN",
    [101] = "ENETUNREACH",
    [102] = "ENETRESET",
    [103] = "ECONNABORTED",
    [104] = "ECONNRESET",
    [105] = "ENOBUFS",
    [106] = "EISCONN",
    [107] = "ENOTCONN",
    [108] = "ESHUTDOWN",
    [109] = "ETOOMANYREFS",
    [110] = "ETIMEDOUT",
    [111] = "ECONNREFUSED",
    [112] = "EHOSTDOWN",
    [113] = "EHOSTUNREACH",
    [114] = "EALREADY",
    [115] = "EINPROGRESS",
    [116] = "ESTALE",
    [117] = "EUCLEAN",
    [118] = "ENOTNAM",
    [119] = "ENAVAIL",
    [120] = "EISNAM",
    [121] = "EREMOTEIO",
    [122] = "EDQUOT",
    [123] = "ENOMEDIUM",
    [124] = "EMEDIUMTYPE",
    [125] = "ECANCELED",
    [126] = "ENOKEY",
    [127] = "EKEYEXPIRED",
    [128] = "EKEYREVOKED",
    [129] = "EKEYREJECTED",
    [130] = "EOWNERDEAD",
    [131] = "ENOTRECOVERABLE",
    [132] = "ERFKILL",
};

const char *trace_error_name(int error) { return error > 0 && error < (int)ARRAY_SIZE(errors) ? errors[error] : NULL; }

static bool is_one_of(const char *call, const char *const *names)
{
    while (*names && !str_eq(*names, call))
        names++;
    return *names;
}

bool trace_answers_address(const char *call)
{
    static const char *const names[] = { "mmap", "mremap", "brk", "shmat", NULL };
    return is_one_of(call, names);
}

bool trace_answers_data(const char *call)
{
    static const char *const names[] = { "read", "pread64", "recvfrom", NULL };
    return is_one_of(call, names);
}

// execve comes back only where it fails.
bool trace_does_not_return(const char *call)
{
    static const char *const names[] = { "exit", "exit_group", "execve", "execveat", "rt_sigreturn", NULL };
    return is_one_of(call, names);
}
