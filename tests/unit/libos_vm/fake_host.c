// SPDX-License-Identifier: BSD-3-Clause
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake_host.h"
#include "trusted/random.h"

// The object behind the LibOS's `const struct enclave_layout enclave_layout`, which tests set at run time.
struct enclave_layout layout __asm__("enclave_layout");
u8 enclave_simulated = 1; // as trusted/layout.h has it

#define PAGES (FAKE_USER_SIZE / PAGE_SIZE)
static struct {
    bool content;
    u8 prot;
} state[PAGES];
static struct emm_caps caps;
static int fail_after = -1;
static void *heap;
static bool heap_present[FAKE_HEAP_SIZE / PAGE_SIZE];
u64 fake_emm_violations;

const struct emm_caps *emm_caps(void) { return &caps; }

static bool failing(void)
{
    if (fail_after < 0)
        return false;
    return fail_after == 0 || --fail_after == 0;
}

void fake_fail_emm_after(int calls) { fail_after = calls; }

static bool valid(u64 addr, u64 len)
{
    bool ok = len && IS_ALIGNED(addr | len, PAGE_SIZE) && range_is_user(addr, len);
    if (!ok)
        fake_emm_violations++;
    return ok;
}

static size_t page_of(u64 addr) { return (addr - FAKE_USER_START) / PAGE_SIZE; }

static int make(u64 addr, u64 len, u32 prot)
{
    if (!valid(addr, len))
        return -22;
    if (failing())
        return -12;
    for (size_t i = page_of(addr); i < page_of(addr + len); i++) {
        if (state[i].content && !caps.lazy_anon)
            fake_emm_violations++; // would lose contents
        if (!state[i].content)
            memset((void *)(FAKE_USER_START + i * PAGE_SIZE), 0, PAGE_SIZE);
        state[i].content = true;
        state[i].prot = (u8)prot;
    }
    return 0;
}

static bool in_heap(u64 addr) { return addr - (u64)heap < FAKE_HEAP_SIZE; }

// Pages of the heap that are not there trap. A page may come only when it is absent and go only when it is present.
static int heap_change(u64 addr, u64 len, bool present)
{
    if (present && failing())
        return -12;
    for (u64 i = (addr - (u64)heap) / PAGE_SIZE; i < (addr + len - (u64)heap) / PAGE_SIZE; i++) {
        fake_emm_violations += heap_present[i] == present;
        heap_present[i] = present;
    }
    if (mprotect((void *)addr, len, present ? PROT_READ | PROT_WRITE : PROT_NONE) != 0)
        abort();
    return 0;
}

u64 fake_heap_pages(void)
{
    u64 count = 0;
    for (size_t i = 0; i < FAKE_HEAP_SIZE / PAGE_SIZE; i++)
        count += heap_present[i];
    return count;
}

int emm_map(u64 addr, u64 len, u32 prot) { return caps.lazy_anon ? (failing() ? -12 : 0) : make(addr, len, prot); }
int emm_commit(u64 addr, u64 len)
{
    if (in_heap(addr))
        return heap_change(addr, len, true);
    if (!valid(addr, len))
        return -22;
    for (u64 at = addr; at < addr + len; at += PAGE_SIZE) { // what is there stays as it is
        int err = state[page_of(at)].content ? 0 : make(at, PAGE_SIZE, EMM_READ | EMM_WRITE);
        if (err)
            return err;
    }
    return 0;
}

int emm_copy(u64 addr, u64 len, u64 from, u32 prot)
{
    if (!valid(addr, len))
        return -22;
    if (failing())
        return -12;
    for (u64 at = 0; at < len; at += PAGE_SIZE) {
        if (state[page_of(addr + at)].content)
            fake_emm_violations++;
        memcpy((void *)(addr + at), (void *)(from + at), PAGE_SIZE);
        state[page_of(addr + at)].content = true;
        state[page_of(addr + at)].prot = (u8)prot;
    }
    return 0;
}

// Pages of zeros may count as never touched: nobody can tell.
int emm_contents(u64 addr, u64 count, u8 *ret_flags)
{
    static const u8 zeros[PAGE_SIZE];
    for (u64 i = 0; i < count; i++) {
        const void *page = (const void *)(addr + i * PAGE_SIZE);
        ret_flags[i] = state[page_of(addr) + i].content && memcmp(page, zeros, PAGE_SIZE) != 0;
    }
    return 0;
}

void emm_prefetch(u64 addr, u64 len) {}
void emm_prefetch_runs(const u64 *runs, size_t n) {}
void emm_prefetch_done(void) {}

bool emm_accessible(u64 addr, u32 prot)
{
    return !caps.lazy_anon || (state[page_of(addr)].content && (state[page_of(addr)].prot & prot) == prot);
}

s64 time_monotonic_ns(void);
s64 time_monotonic_ns(void) { return 0; }

int emm_protect(u64 addr, u64 len, u32 prot)
{
    if (!valid(addr, len))
        return -22;
    if (failing())
        return -12;
    for (size_t i = page_of(addr); i < page_of(addr + len); i++) {
        if (!state[i].content && !caps.lazy_anon)
            fake_emm_violations++;
        if (state[i].content || !caps.lazy_anon)
            state[i].prot = (u8)prot;
    }
    return 0;
}

int emm_discard(u64 addr, u64 len)
{
    if (in_heap(addr))
        return heap_change(addr, len, false);
    if (!valid(addr, len))
        return -22;
    if (failing())
        return -12;
    for (size_t i = page_of(addr); i < page_of(addr + len); i++) {
        memset((void *)(FAKE_USER_START + i * PAGE_SIZE), 0xdd, PAGE_SIZE); // must never be seen
        state[i].content = false;
        state[i].prot = 0;
    }
    return 0;
}

int emm_publish(u64 addr, u64 len, u64 from, u32 prot)
{
    if (!valid(addr, len) || !valid(from, len))
        return -22;
    if (failing())
        return -12;
    for (u64 at = 0; at < len; at += PAGE_SIZE) {
        if (state[page_of(addr + at)].content || !state[page_of(from + at)].content)
            fake_emm_violations++;
        memcpy((void *)(addr + at), (void *)(from + at), PAGE_SIZE);
        state[page_of(addr + at)].content = true;
        state[page_of(addr + at)].prot = (u8)prot;
        memset((void *)(from + at), 0xdd, PAGE_SIZE);
        state[page_of(from + at)].content = false;
        state[page_of(from + at)].prot = 0;
    }
    return 0;
}

int emm_zero(u64 addr, u64 len, u32 prot)
{
    int err = emm_discard(addr, len);
    return err || caps.lazy_anon ? err : make(addr, len, prot);
}

int fake_prot(u64 addr)
{
    return state[page_of(addr)].content && state[page_of(addr)].prot ? state[page_of(addr)].prot : -1;
}

u64 fake_usable_pages(void)
{
    u64 count = 0;
    for (size_t i = 0; i < PAGES; i++)
        count += state[i].content;
    return count;
}

int fake_read(u64 addr)
{
    int prot = fake_prot(addr);
    return prot < 0 || !(prot & EMM_READ) ? -1 : *(volatile u8 *)addr;
}

int fake_write(u64 addr, u8 value)
{
    int prot = fake_prot(addr);
    if (prot < 0 || !(prot & EMM_WRITE))
        return -1;
    *(volatile u8 *)addr = value;
    return 0;
}

void heap_init(void);
void vm_init(void);

void fake_boot(u64 limit, bool faults, bool lazy_anon)
{
    void *user = mmap((void *)FAKE_USER_START, FAKE_USER_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (heap)
        munmap(heap, FAKE_HEAP_SIZE);
    heap = mmap(NULL, FAKE_HEAP_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (user == MAP_FAILED || heap == MAP_FAILED)
        abort();
    memset(user, 0xdd, FAKE_USER_SIZE);
    memset(state, 0, sizeof(state));
    caps = (struct emm_caps){ .faults = faults, .absent = faults, .lazy_anon = lazy_anon, .copies = lazy_anon };
    fail_after = -1;
    fake_emm_violations = 0;
    u64 init = lazy_anon ? FAKE_HEAP_INIT : FAKE_HEAP_SIZE;
    for (size_t i = 0; i < FAKE_HEAP_SIZE / PAGE_SIZE; i++)
        heap_present[i] = i < init / PAGE_SIZE;
    if (lazy_anon && mprotect((u8 *)heap + init, FAKE_HEAP_SIZE - init, PROT_NONE) != 0)
        abort();
    layout = (struct enclave_layout){
        .user_start = FAKE_USER_START,
        .user_end = FAKE_USER_START + FAKE_USER_SIZE,
        .user_limit = limit,
        .heap_start = (u64)heap,
        .heap_init_end = (u64)heap + init,
        .heap_end = (u64)heap + FAKE_HEAP_SIZE,
    };
    heap_init();
    vm_init();
}

// --- the rest of the trusted runtime and of the LibOS's left side

void random_bytes(void *buf, size_t size) { memset(buf, 0x5a, size); }

int log_level = 2;
int fake_log_errors;
void log_printf(int level, const char *format, ...);
void log_printf(int level, const char *format, ...)
{
    va_list args;
    fake_log_errors += level == 1;
    if (!getenv("TEST_VERBOSE"))
        return;
    va_start(args, format);
    printf("# ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

// The real ones stop at a fault of the processor; these at one of the emm map.
static size_t usable(u64 addr, size_t n, bool write)
{
    size_t done = 0;
    if (!range_is_user(addr, n))
        return n;
    while (done < n) {
        int prot = fake_prot(addr + done);
        if (prot < 0 || (write && !(prot & EMM_WRITE)))
            break;
        size_t step = PAGE_SIZE - ((addr + done) & PAGE_MASK);
        done += step < n - done ? step : n - done;
    }
    return done;
}

size_t usercopy_raw(void *dst, const void *src, size_t n);
size_t usercopy_raw(void *dst, const void *src, size_t n)
{
    size_t can = usable((u64)src, usable((u64)dst, n, true), false);
    memcpy(dst, src, can);
    return n - can;
}

size_t userclear_raw(void *dst, size_t n);
size_t userclear_raw(void *dst, size_t n)
{
    size_t can = usable((u64)dst, n, true);
    memset(dst, 0, can);
    return n - can;
}

long userstr_raw(char *dst, const char *src, size_t n);
long userstr_raw(char *dst, const char *src, size_t n)
{
    size_t can = usable((u64)src, n, false), len = strnlen(src, can);
    if (len < can) {
        memcpy(dst, src, len + 1);
        return (long)len + 1;
    }
    memcpy(dst, src, can);
    return can == n ? (long)n : -1 - (long)can;
}

bool usercmpxchg_raw(u32 *ptr, u32 *expected, u32 new, u32 *ret_fault);
bool usercmpxchg_raw(u32 *ptr, u32 *expected, u32 new, u32 *ret_fault)
{
    *ret_fault = usable((u64)ptr, sizeof(*ptr), true) != sizeof(*ptr);
    return !*ret_fault && __atomic_compare_exchange_n(ptr, expected, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
