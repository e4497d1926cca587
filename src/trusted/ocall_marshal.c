// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/ocall_marshal.h"
#include "abi/linux/abi.h"
#include "abi/occlum/ocall_numbers.h"
#include "base/string.h"
#include "trusted/cpu.h"
#include "trusted/exit.h"
#include "trusted/hostmem.h"
#include "trusted/stats.h"
#include "trusted/tls.h"
#include "trusted/vector.h"

enum { MAX_HOST_ERRNO = 133 };

u64 enclave_ocall(void);

static u64 signal_word; // untrusted address of host_shared_page.host_signals

void ocall_watch_signals(u64 addr) { signal_word = addr; }

// A signal that came to the host process while the thread was outside is taken on its way back to the program.
void ocall_note_host_signals(void)
{
    if (signal_word && hostmem_read_u64((const void __host *)signal_word))
        slot_set_pending(&tls_self()->wake, THREAD_HOST);
}

void ocall_marshal_begin(struct ocall_marshal *m)
{
    struct tls *tls = tls_self();
    m->frame = (struct ocall_frame){ 0 };
    m->arena = tls->arena;
    m->used = sizeof(struct ocall_frame);
    m->limit = tls->arena_size;
    m->error = 0;
}

void ocall_marshal_value(struct ocall_marshal *m, int index, u64 value) { m->frame.arg[index] = value; }

// Reserves size bytes of the arena, 8-byte aligned, for argument index.
static u64 reserve(struct ocall_marshal *m, int index, size_t count, size_t element)
{
    u64 size;
    if (__builtin_mul_overflow(count, element, &size) || size > m->limit - m->used) {
        m->error = -EINVAL;
        return 0;
    }
    u64 at = m->arena + m->used;
    m->used += ALIGN_UP(size, 8);
    if (m->used > m->limit)
        m->used = m->limit;
    m->frame.arg[index] = at;
    return at;
}

void ocall_marshal_in(struct ocall_marshal *m, int index, const void *data, size_t count, size_t element)
{
    u64 at = reserve(m, index, count, element);
    if (at)
        hostmem_copy_out((void __host *)at, data, count * element);
}

void ocall_marshal_string(struct ocall_marshal *m, int index, const char *text)
{
    ocall_marshal_in(m, index, text, strlen(text) + 1, 1);
}

void ocall_marshal_out(struct ocall_marshal *m, int index, size_t count, size_t element)
{
    reserve(m, index, count, element);
}

// Host calls in which a thread sleeps. The time in all others is what the host works for it.
static bool waits(u64 number) { return number == OCALL_PARK || number == OCALL_POLL_WAIT; }

static void account_call(struct tls *tls, u64 number, u64 began)
{
    u64 spent = cpu_tsc() - began;
    if (waits(number)) {
        __atomic_store_n(&tls->waited, tls->waited + spent, __ATOMIC_RELAXED);
        __atomic_store_n(&tls->waits, tls->waits + 1, __ATOMIC_RELAXED);
        __atomic_store_n(&tls->wait_since, 0, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n(&tls->served, tls->served + spent, __ATOMIC_RELAXED);
    }
}

s64 ocall_marshal_call(struct ocall_marshal *m, u64 number)
{
    struct tls *tls = tls_self();
    u64 began = cpu_tsc();

    if (number != OCALL_YIELD) // which waits for a spinlock, perhaps under another one
        lock_check_host_call();
    if (m->error)
        return m->error;
    m->frame.number = number;
    m->frame.augment_addr = tls->augment_addr;
    m->frame.augment_len = tls->augment_len;
    m->frame.augment_prot = tls->augment_prot;
    tls->augment_len = 0;
    hostmem_copy_out((void __host *)m->arena, &m->frame, sizeof(m->frame));
    stats_count(STAT_OCALLS);
    vector_save(tls->vector_ocall_area);
    vector_reset(); // the host sees none of it, and finds the state its ABI asks for
    if (waits(number))
        __atomic_store_n(&tls->wait_since, began, __ATOMIC_RELEASE);
    s64 result = (s64)enclave_ocall();
    account_call(tls, number, began);
    vector_restore(tls->vector_ocall_area);
    ocall_note_host_signals();
    return result;
}

s64 ocall_marshal_check(s64 result, s64 limit, bool fatal)
{
    if (likely(result >= -MAX_HOST_ERRNO && result <= limit))
        return result;
    if (fatal)
        enclave_abort(ABORT_HOST_LIE);
    return -EIO;
}

void ocall_marshal_fetch(struct ocall_marshal *m, int index, void *data, size_t count, size_t element)
{
    // The address is ours (m is in the enclave), the size was checked when it was reserved.
    hostmem_copy_in(data, (const void __host *)m->frame.arg[index], count * element);
}
