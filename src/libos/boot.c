// SPDX-License-Identifier: BSD-3-Clause
// The first entry: from the host's start arguments to the first instruction of the program. And the hooks through which
// the trusted runtime reaches the LibOS.
#include "base/string.h"
#include "libos/fs/fs.h"
#include "libos/fs/image_key.h"
#include "libos/fs/image_source.h"
#include "libos/net/host_names.h"
#include "libos/net/socket.h"
#include "trusted/log.h"
#include "libos/ipc/ipc.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/process/report.h"
#include "libos/process/strings.h"
#include "libos/syscall/dispatch.h"
#include "libos/thread/slots.h"
#include "libos/thread/spin.h"
#include "libos/time/clock_page.h"
#include "libos/time/time.h"
#include "libos/tty/init.h"
#include "libos/vm/fork.h"
#include "libos/vm/learn.h"
#include "libos/traps.h"
#include "libos/vm/vm.h"
#include "trusted/cpu.h"
#include "trusted/emm.h"
#include "trusted/exit.h"
#include "trusted/hooks.h"
#include "trusted/hostmem.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"
#include "trusted/ocall_marshal.h"

enum { MAX_STRINGS = 256 << 10 }; // bytes of arguments, and of environment, taken from the host

// Copies a list of NUL-terminated strings from the host into a NULL-terminated array. NULL when it is malformed or too
// big.
static char **take_strings(u64 addr, u64 size)
{
    if (size > MAX_STRINGS || !hostmem_outside(addr, size))
        return NULL;
    char *text = kmalloc(size + 1);
    if (!text)
        return NULL;
    hostmem_copy_in(text, (const void __host *)addr, size);
    text[size] = '\0';
    return strings_split(text, size);
}

static _Noreturn void fail(const char *what, long err)
{
    log_printf(LOG_ERROR, "start: %s: error %ld", what, -err);
    enclave_abort(ABORT_START);
}

static u32 volume_refusal(int err)
{
    switch (err) {
    case -EBUSY:
        return REFUSED_VOLUME_BUSY;
    case -EBADMSG:
        return REFUSED_VOLUME_KEY;
    case -ESTALE:
        return REFUSED_VOLUME_STALE;
    case -ENOSPC:
    case -EDQUOT:
        return REFUSED_VOLUME_SPACE;
    case -ENOENT:
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return REFUSED_VOLUME_ACCESS;
    default:
        return REFUSED_VOLUME;
    }
}

static void boot(const struct host_start_args __host *host_args)
{
    struct host_start_args args;
    int err;

    hostmem_copy_in(&args, host_args, sizeof(args));
    if (!hostmem_outside(args.shared_page, sizeof(struct host_shared_page)) || !IS_ALIGNED(args.shared_page, 8))
        enclave_abort(ABORT_HOST_POINTER);
    time_init(args.shared_page);
    spinning_init(args.cpu_count);
    cpu_told(args.cpuid_7_ebx);
    if (args.learn)
        learn_start();
    if (args.report && (!hostmem_outside(args.report, sizeof(struct host_report)) || !IS_ALIGNED(args.report, 8)))
        enclave_abort(ABORT_HOST_POINTER);
    report_init(args.report);
    traps_init(args.shared_page + offsetof(struct host_shared_page, host_signals));
    const struct occlum_config *config = enclave_config();
    log_level =
        config->flags & OCCLUM_CONFIG_DISABLE_LOG ? LOG_OFF : (enum log_level)MIN(args.log_level, (u64)LOG_TRACE);
    log_notices = args.log_level > LOG_OFF && !(config->flags & OCCLUM_CONFIG_SILENT);
    heap_init();
    struct thread *thread = kzalloc(sizeof(*thread)); // freed when it ends, as every thread
    if (!thread)
        enclave_abort(ABORT_START);
    list_init(&thread->siblings);
    spin_init(&thread->resources_lock, LOCK_RESOURCES);
    slot_adopt(thread);
    emm_start();
    thread->start_ns = (u64)time_monotonic_ns();
    vm_init();
    ipc_init();
    tty_init();
    char **argv = take_strings(args.argv, args.argv_size), **envp = take_strings(args.envp, args.envp_size);
    if (!argv || (!argv[0] && !args.serves) || !envp)
        fail("arguments or environment too long", -E2BIG);
    fs_special.before_open = host_names_before_open;
    inet_loopback_init(!(config->flags & OCCLUM_CONFIG_NO_LOOPBACK));
    if (args.has_image_key)
        image_key_set(args.image_key);
    const struct host_image image = { (int)MIN(args.image_fd, (u64)OCALL_MAX_FD), args.image_size, args.image_address };
    err = fs_init(config, &image);
    if (fs_volume_error())
        enclave_refuse(126 << 8, volume_refusal(fs_volume_error()));
    if (err == -ENOKEY || err == -EKEYREJECTED)
        enclave_refuse(126 << 8, err == -ENOKEY ? REFUSED_IMAGE_KEY_NONE : REFUSED_IMAGE_KEY_WRONG);
    if (err == -EIO)
        enclave_abort(ABORT_IMAGE);
    if (err)
        fail("file systems", err);
    int streams[3];
    for (int fd = 0; fd < 3; fd++)
        streams[fd] = args.stdio_flags & (1ull << fd) ? fd : -1;
    err = files_create_streams(streams, false, args.stdio, &thread->files);
    if (!err)
        err = fs_context_create_initial(&thread->fs);
    if (err)
        fail("standard streams", err);
    report_booted();
    if (args.serves)
        process_serve();
    process_boot(config, argv, envp);
}

static const struct runtime_hooks libos_hooks = {
    .boot = boot,
    .syscall = syscall_dispatch,
    .fault = trap_fault,
    .in_stub = trap_in_stub,
    .pending = trap_pending,
    .run = slot_run,
    .pages_alloc = kpages_alloc,
    .pages_free = kpages_free,
};
const struct runtime_hooks *const hooks = &libos_hooks;
