// SPDX-License-Identifier: BSD-3-Clause
// The machine's edge as the LibOS sees it: what entry.S and gate.S do in the enclave, in C, on a thread of the host.
#include "bench.h"

#include "abi/linux/abi.h"
#include "abi/occlum/entry.h"
#include "base/string.h"
#include "libos/syscall/dispatch.h"
#include "trusted/emm_impl.h"
#include "trusted/exit.h"
#include "trusted/hostmem.h"
#include "trusted/layout.h"
#include "trusted/ocall_marshal.h"
#include "trusted/seal.h"
#include "trusted/tcs.h"
#include "trusted/tls.h"

_Noreturn void enclave_main(u64 code, u64 arg, u64 arena, u64 arena_size);
_Noreturn void enclave_exit(u64 reason, u64 value);
void gate_entry(void);
u64 enclave_ocall(void);

// The object behind `const struct enclave_layout enclave_layout`, which the signer writes in an enclave.
struct enclave_layout layout __asm__("enclave_layout");
u8 enclave_simulated, enclave_dead;
u32 enclave_started;

// Programs come in by os(), never by the gate's address.
void gate_entry(void) { __builtin_trap(); }

int tcs_create(u64 slot) { return -ENOMEM; }
bool tcs_grow_stack(struct tls *tls, u64 addr) { return false; }

// No EDMM here.
const struct emm_ops *emm_edmm_init(void) { return NULL; }
bool emm_next_run(u64 addr, struct emm_run *ret_run) { return false; }
void emm_start(void) {}

static struct tls *slot_tls(u64 slot)
{
    return (struct tls *)(BENCH_SLOTS_START + slot * layout.slot_stride + enclave_slot_tls(BENCH_STACK_SIZE));
}

bool machine_is_user(u64 addr) { return addr - BENCH_USER_START < BENCH_USER_SIZE; }

// --- the measured configuration

enum { TEXT_SIZE = 1024, MOUNTS = 5 };

static struct {
    struct occlum_config config;
    struct occlum_mount mounts[MOUNTS];
    u32 entry_points[1];
    char text[TEXT_SIZE];
} measured __attribute__((aligned(4096)));

static u32 add_text(const char *text)
{
    static size_t used;
    size_t len = strlen(text) + 1;
    if (len > TEXT_SIZE - used)
        __builtin_trap();
    memcpy(measured.text + used, text, len);
    used += len;
    return (u32)(offsetof(typeof(measured), text) + used - len);
}

static void add_mount(u32 index, u32 type, const char *target, const char *source, u64 size)
{
    measured.mounts[index] =
        (struct occlum_mount){ .type = type, .target = add_text(target), .source = add_text(source), .size = size };
}

static void make_config(void)
{
    measured.config = (struct occlum_config){
        .magic = OCCLUM_CONFIG_MAGIC,
        .version = OCCLUM_CONFIG_VERSION,
        .size = sizeof(measured),
        .mount_count = MOUNTS,
        .mount_offset = offsetof(typeof(measured), mounts),
        .default_stack_size = KIB(256),
        .default_heap_size = MIB(4),
        .default_mmap_size = MIB(64),
        .entry_points = { .offset = offsetof(typeof(measured), entry_points), .count = 1 },
    };
    measured.entry_points[0] = add_text("/bin");
    add_mount(0, OCCLUM_MOUNT_ROOT, "/", "", 0);
    add_mount(1, OCCLUM_MOUNT_PROCFS, "/proc", "", 0);
    add_mount(2, OCCLUM_MOUNT_DEVFS, "/dev", "", 0);
    add_mount(3, OCCLUM_MOUNT_TMPFS, "/tmp", "", BENCH_TMPFS_SIZE);
    add_mount(4, OCCLUM_MOUNT_HOSTFS, "/host", bench_options.host_path, 0);
}

static void make_layout(void)
{
    u64 stride = enclave_slot_stride(BENCH_STACK_SIZE);
    layout = (struct enclave_layout){
        .magic = ENCLAVE_LAYOUT_MAGIC,
        .mode = ENCLAVE_MODE_SIM,
        .elrange_size = BENCH_ELRANGE,
        .user_start = BENCH_USER_START,
        .user_end = BENCH_USER_START + BENCH_USER_SIZE,
        .user_committed_end = BENCH_USER_START,
        .user_limit = BENCH_USER_SIZE / 2,
        .config_start = (u64)(uintptr_t)&measured,
        .config_size = sizeof(measured),
        .slots_start = BENCH_SLOTS_START,
        .slot_stride = stride,
        .slots_init = BENCH_SLOTS,
        .slots_max = BENCH_SLOTS,
        .stack_size = BENCH_STACK_SIZE,
        .heap_start = 0x50000000,
        .heap_init_end = 0x60000000,
        .heap_end = 0x60000000,
        .xfrm = 7,
    };
}

// The first slot is named by the signer; the others are named when they are claimed.
void machine_init(void)
{
    make_layout();
    make_config();
    struct tls *tls = slot_tls(0);
    tls->slot.self = (u64)(uintptr_t)tls;
    tls->slot.tcs = BENCH_SLOTS_START;
    tls->slot.stack_top = BENCH_SLOTS_START + ENCLAVE_SLOT_STACK + BENCH_STACK_SIZE;
}

// --- entry.S

void machine_enter(u64 slot, u64 code, u64 arg, u64 arena, u64 arena_size)
{
    struct tls *tls = slot_tls(slot);
    u64 expected = code == ECALL_START ? SLOT_FREE : SLOT_STARTING;

    if (__atomic_load_n(&enclave_dead, __ATOMIC_SEQ_CST))
        bench_left(EXIT_REFUSED, 0);
    if (!__atomic_compare_exchange_n(&tls->state, &expected, SLOT_RUNNING, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        bench_fail("slot %lu entered in state %lu", slot, expected);
    bench_set_gs((u64)(uintptr_t)tls);
    enclave_main(code, arg, arena, arena_size);
}

u64 enclave_ocall(void)
{
    struct tls *tls = tls_self();
    struct ocall_frame *frame = (struct ocall_frame *)tls->arena;
    u64 number = frame->number, arg[8];

    memcpy(arg, frame->arg, sizeof(arg));
    __atomic_store_n(&tls->state, SLOT_IN_OCALL, __ATOMIC_SEQ_CST);
    s64 result = bench_host_call(number, frame, arg);
    if (__atomic_load_n(&enclave_dead, __ATOMIC_SEQ_CST))
        bench_left(EXIT_REFUSED, 0);
    __atomic_store_n(&tls->state, SLOT_RUNNING, __ATOMIC_SEQ_CST);
    return (u64)result;
}

void enclave_exit(u64 reason, u64 value)
{
    if (reason == EXIT_ABORT && (value & 0xff) == ABORT_HOST_LIE && bench_may_refuse()) {
        enclave_dead = 0;
        __atomic_store_n(&tls_self()->state, SLOT_RUNNING, __ATOMIC_SEQ_CST);
        bench_refuse();
    }
    if (reason == EXIT_ABORT)
        bench_fail("the LibOS stopped the enclave: reason %lu", value);
    if (reason == EXIT_THREAD)
        __atomic_store_n(&tls_self()->state, SLOT_FREE, __ATOMIC_RELEASE);
    bench_left(reason, value);
}

// A bench is no enclave of SGX.
void seal_cpusvn(u8 ret_cpusvn[SEAL_CPUSVN]) { memset(ret_cpusvn, 0, SEAL_CPUSVN); }
int seal_key(const u8 cpusvn[SEAL_CPUSVN], u8 ret_key[32]) { return -EIO; }
