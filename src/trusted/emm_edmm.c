// SPDX-License-Identifier: BSD-3-Clause
// Pages that come and go while the enclave runs (SGX2). Each operation walks its range in runs of pages that are in the
// same state, takes them, asks the host for the run at once, and accepts page by page: the page map changes only by
// what EACCEPT, EACCEPTCOPY and EMODPE confirmed.
#include "abi/linux/abi.h"
#include "abi/occlum/entry.h"
#include "base/string.h"
#include "trusted/log.h"
#include "trusted/emm_edmm.h"
#include "trusted/emm_impl.h"
#include "trusted/enclu.h"
#include "trusted/exit.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"
#include "trusted/pagemap.h"
#include "trusted/stats.h"
#include "trusted/tls.h"

#define READ_WRITE (EMM_READ | EMM_WRITE)
#define RUN_MAX 2048u

static_assert(SGX_SECINFO_R == EMM_READ && SGX_SECINFO_W == EMM_WRITE && SGX_SECINFO_X == EMM_EXEC);

static bool is_user(u64 addr) { return addr < enclave_layout.user_end; }

// What the enclave asked and the driver could not have refused by right: it goes no further.
static void must_at(s64 err, const char *what, u64 addr)
{
    if (likely(!err))
        return;
    log_error("emm: %s at %#lx: %ld", what, addr, err);
    enclave_abort(ABORT_HOST_LIE);
}

#define must(call) must_at((s64)(call), #call, 0)

u64 edmm_accept_new(u64 addr, u64 count)
{
    u64 i = 0;
    while (i < count && enclu_eaccept(addr + i * PAGE_SIZE, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W |
                                                                SGX_SECINFO_PENDING) == 0)
        i++;
    stats_add(STAT_EACCEPT, i);
    return i;
}

// A run of pages of one leaf that are taken (PAGE_BUSY) and were in the same state.
struct run {
    u64 addr, count;
    u8 *states, old;
};

static u64 run_len(const struct run *run) { return run->count * PAGE_SIZE; }

// Takes the pages from addr that are in the state of the first one.
static struct run run_take(u64 addr, u64 end, u8 *states, u64 leaf_count)
{
    struct run run = { .addr = addr, .count = 1, .states = states, .old = page_lock(states) };
    u64 most = MIN(MIN((end - addr) / PAGE_SIZE, leaf_count), RUN_MAX);
    while (run.count < most) {
        u8 old;
        if (!page_trylock(&states[run.count], &old))
            break;
        if (old != run.old) {
            page_unlock(&states[run.count], old);
            break;
        }
        run.count++;
    }
    return run;
}

// Gives the first `count` pages the new state, the others back as they were.
static void run_give(const struct run *run, u64 count, u8 state)
{
    for (u64 i = 0; i < run->count; i++)
        page_unlock(&run->states[i], i < count ? state : run->old);
}

// Calls step for each run of [addr, end); it gives the run. create: pages without a leaf count too.
static int for_each_run(u64 addr, u64 len, bool create, int (*step)(const struct run *run, void *arg), void *arg)
{
    u64 end = addr + len;
    while (addr < end) {
        u64 count;
        u8 *states = pagemap_get(addr, create, &count);
        if (!states && create)
            return -ENOMEM;
        if (!states) {
            addr += count * PAGE_SIZE;
            continue;
        }
        struct run run = run_take(addr, end, states, count);
        addr += run_len(&run);
        int err = step(&run, arg);
        if (err)
            return err;
    }
    return 0;
}

// The host's mapping of initial pages may never allow execution (platform/sgx).
static u32 mapping_access(u8 state) { return state & PAGE_INITIAL ? READ_WRITE : READ_WRITE | EMM_EXEC; }

// Shows and augments from outside: no exception for each page. It is a hint: a page the host left out comes by
// EACCEPT's own fault.
static void augment(u64 addr, u64 len, u32 prot)
{
    if (tls_self()->vector_ocall_area && ocall_edmm_augment(addr, len, prot) != 0)
        log_debug("emm: the host could not augment [%#lx, +%#lx)", addr, len);
}

// The same where the pages are there and were hidden. The host may refuse: each boundary between mappings of an enclave
// costs it one of vm.max_map_count (Linux never merges them), and a part of a hidden mapping may be one too many.
static bool show(u64 addr, u64 len, u32 prot)
{
    return !tls_self()->vector_ocall_area || ocall_edmm_augment(addr, len, prot) == 0;
}

// --- committing

static int commit_run(const struct run *run, void *arg)
{
    if (run->old & PAGE_LIVE) {
        run_give(run, run->count, run->old);
        return 0;
    }
    if (run->old & PAGE_IDLE) { // zeroed when it became idle
        if (!show(run->addr, run_len(run), mapping_access(run->old))) {
            run_give(run, run->count, run->old);
            return -ENOMEM;
        }
        reserve_taken(run->old, run->count);
        run_give(run, run->count, (run->old & (PAGE_INITIAL | PAGE_ACCESS)) | PAGE_LIVE);
        return 0;
    }
    augment(run->addr, run_len(run), mapping_access(run->old));
    u64 count = edmm_accept_new(run->addr, run->count);
    emm_count(EMM_USER, (s64)count);
    run_give(run, count, PAGE_LIVE | READ_WRITE);
    return count == run->count ? 0 : -ENOMEM;
}

// Pages of the kernel heap, which are absent: the heap's own map says so (libos/mem/pages.c), as it owns pages that
// come and go.
static int commit_heap(u64 addr, u64 len)
{
    u64 want = len / PAGE_SIZE;
    augment(addr, len, 0);
    u64 count = edmm_accept_new(addr, want);
    emm_count(EMM_HEAP, (s64)count);
    if (count == want)
        return 0;
    if (count)
        edmm_trim(addr, count, EMM_HEAP); // all or nothing
    return -ENOMEM;
}

static int edmm_commit(u64 addr, u64 len)
{
    return is_user(addr) ? for_each_run(addr, len, true, commit_run, NULL) : commit_heap(addr, len);
}

static int edmm_map(u64 addr, u64 len, u32 prot) { return 0; }

// --- giving back

// EACCEPT of each page of type TRIM, REMOVE_PAGES.
static void accept_trim(u64 addr, u64 count, enum emm_region region)
{
    for (u64 i = 0; i < count; i++)
        must((s64)enclu_eaccept(addr + i * PAGE_SIZE, SGX_SECINFO_PT(SGX_PT_TRIM) | SGX_SECINFO_MODIFIED));
    must(ocall_edmm_remove(addr, count * PAGE_SIZE));
    stats_add(STAT_TYPE_PAGES, count);
    stats_add(STAT_EACCEPT, count);
    stats_add(STAT_REMOVED_PAGES, count);
    emm_count(region, -(s64)count);
}

// MODIFY_TYPES(TRIM), EACCEPT of each page, REMOVE_PAGES. The pages of the run are taken and have a page in the EPC.
void edmm_trim(u64 addr, u64 count, enum emm_region region)
{
    must(ocall_edmm_type(addr, count * PAGE_SIZE, SGX_PT_TRIM));
    accept_trim(addr, count, region);
}

void edmm_trim_hidden(u64 addr, u64 count)
{
    must(ocall_edmm_type(addr, count * PAGE_SIZE, SGX_PT_TRIM));
    // Where the kernel has no room for more mappings the host shows more, which needs fewer of them: it cannot fail.
    must(ocall_edmm_augment(addr, count * PAGE_SIZE, READ_WRITE | EMM_EXEC));
    accept_trim(addr, count, EMM_USER);
}

static void extend(const struct run *run, u32 access)
{
    for (u64 i = 0; i < run->count; i++)
        if (!enclu_emodpe(run->addr + i * PAGE_SIZE, SGX_SECINFO_PT(SGX_PT_REG) | access))
            enclave_abort(ABORT_HOST_LIE); // a live page is gone or changed
    stats_add(STAT_EMODPE, run->count);
}

// Live pages become idle - zeroed, hidden by the host's page tables, ready for reuse - or leave the enclave.
static int discard_run(const struct run *run, void *arg)
{
    u8 access = run->old & PAGE_ACCESS;

    if (!(run->old & PAGE_LIVE)) {
        run_give(run, run->count, run->old);
        return 0;
    }
    if ((access & EMM_EXEC) || !reserve_admits(run->old, run->addr, run->count)) {
        edmm_trim(run->addr, run->count, EMM_USER);
        run_give(run, run->count, 0);
        return 0;
    }
    if (access != READ_WRITE)
        extend(run, READ_WRITE);
    memset((void *)run->addr, 0, run_len(run));
    if (ocall_mem_protect(run->addr, run_len(run), 0) != 0) { // the host is out of mappings: they do not stay
        reserve_taken(run->old, run->count);
        (void)show(run->addr, run_len(run), mapping_access(run->old)); // what of them it had hidden: EACCEPT reads it
        edmm_trim(run->addr, run->count, EMM_USER);
        run_give(run, run->count, 0);
        return 0;
    }
    run_give(run, run->count, (run->old & PAGE_INITIAL) | PAGE_IDLE | READ_WRITE);
    return 0;
}

static int edmm_discard(u64 addr, u64 len)
{
    int err = 0;

    tls_self()->augment_len = 0; // a hint nobody took, after an error
    if (is_user(addr))
        err = for_each_run(addr, len, false, discard_run, NULL);
    else
        edmm_trim(addr, len / PAGE_SIZE, EMM_HEAP);
    reserve_shrink();
    return err;
}

static int edmm_zero(u64 addr, u64 len, u32 prot) { return edmm_discard(addr, len); }

// --- copying in

// Idle pages cannot be filled in one step: they make room for new ones.
static bool make_room(const struct run *run)
{
    if (!(run->old & PAGE_INITIAL)) {
        edmm_trim_hidden(run->addr, run->count);
    } else {
        // The host has no larger mapping to show instead. Until the next line other threads of the program may see
        // zeros here.
        if (!show(run->addr, run_len(run), mapping_access(run->old))) // EACCEPT reads the page
            return false;
        edmm_trim(run->addr, run->count, EMM_USER);
    }
    reserve_taken(run->old, run->count);
    return true;
}

static u64 copy_pages(u64 addr, u64 count, u64 from, u32 prot)
{
    struct tls *tls = tls_self();
    u64 i = 0, hinted = tls->augment_len;
    tls->augment_len = 0;
    if (hinted) // no host call took it along
        augment(tls->augment_addr, hinted, (u32)tls->augment_prot);
    bool augmented = false; // by the caller, for a larger range
    while (i < count) {
        u64 error = enclu_eacceptcopy(addr + i * PAGE_SIZE, SGX_SECINFO_PT(SGX_PT_REG) | prot, from + i * PAGE_SIZE);
        if (error && augmented)
            break;
        if (error) {
            augment(addr + i * PAGE_SIZE, (count - i) * PAGE_SIZE, READ_WRITE | EMM_EXEC);
            augmented = true;
            continue;
        }
        i++;
    }
    stats_add(STAT_EACCEPTCOPY, i);
    emm_count(EMM_USER, (s64)i);
    return i;
}

struct copy {
    u64 addr, from;
    u32 prot;
};

static int copy_run(const struct run *run, void *arg)
{
    const struct copy *copy = arg;
    struct run now = *run;

    if (run->old & PAGE_LIVE) { // the caller said absent
        run_give(run, run->count, run->old);
        return -EEXIST;
    }
    if ((run->old & PAGE_IDLE) && !make_room(run)) {
        run_give(run, run->count, run->old);
        return -ENOMEM;
    }
    if (run->old & PAGE_IDLE)
        now.old = 0;
    u64 count = copy_pages(run->addr, run->count, copy->from + (run->addr - copy->addr), copy->prot);
    run_give(&now, count, (u8)(PAGE_LIVE | copy->prot));
    return count == run->count ? 0 : -ENOMEM;
}

static int edmm_copy(u64 addr, u64 len, u64 from, u32 prot)
{
    struct copy copy = { addr, from, prot };
    return for_each_run(addr, len, true, copy_run, &copy);
}

static int edmm_publish(u64 addr, u64 len, u64 from, u32 prot) { return -ENOSYS; }

// --- protecting

static void restrict_to(const struct run *run, u32 access)
{
    must(ocall_edmm_restrict(run->addr, run_len(run), access));
    for (u64 i = 0; i < run->count; i++)
        must((s64)enclu_eaccept(run->addr + i * PAGE_SIZE, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_PR | access));
    stats_add(STAT_RESTRICT_PAGES, run->count);
    stats_add(STAT_EACCEPT, run->count);
}

// Initial pages that shall be executed are exchanged for new ones with the same contents.
#define EXCHANGE_PAGES 16u
static int exchange(const struct run *run, u32 access)
{
    static u8 contents[EXCHANGE_PAGES * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    static u32 taken;
    u64 done = 0;

    while (__atomic_exchange_n(&taken, 1, __ATOMIC_ACQUIRE))
        ocall_yield();
    if (!(run->old & EMM_READ))
        extend(run, EMM_READ);
    if (run->old & EMM_WRITE) // another thread's write after the copy would be lost: it waits in its fault
        restrict_to(run, EMM_READ);
    while (done < run->count) {
        struct run part = *run;
        part.addr += done * PAGE_SIZE;
        part.count = MIN(run->count - done, EXCHANGE_PAGES);
        memcpy(contents, (const void *)part.addr, run_len(&part));
        edmm_trim(part.addr, part.count, EMM_USER);
        augment(part.addr, run_len(&part), READ_WRITE | EMM_EXEC);
        if (copy_pages(part.addr, part.count, (u64)(uintptr_t)contents, access) != part.count)
            enclave_abort(ABORT_HOST_LIE); // the contents would be lost
        done += part.count;
    }
    memset(contents, 0, sizeof(contents));
    __atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
    run_give(run, run->count, (u8)(PAGE_LIVE | access));
    return 0;
}

static int protect_run(const struct run *run, void *arg)
{
    u32 want = *(const u32 *)arg, have = run->old & PAGE_ACCESS;

    if (!(run->old & PAGE_LIVE) || want == have) {
        run_give(run, run->count, run->old);
        return 0;
    }
    if ((want & EMM_EXEC) && (run->old & PAGE_INITIAL))
        return exchange(run, want);
    if (have & ~want) // first, so that no page is ever writable and executable on the way
        restrict_to(run, want & have);
    if (want & ~have)
        extend(run, want);
    run_give(run, run->count, (u8)((run->old & (PAGE_LIVE | PAGE_INITIAL)) | want));
    return 0;
}

static int edmm_protect(u64 addr, u64 len, u32 prot)
{
    return is_user(addr) ? for_each_run(addr, len, false, protect_run, &prot) : 0;
}

// --- the rest

static void edmm_prefetch(u64 addr, u64 len)
{
    u64 count;
    u8 *states = pagemap_get(addr, false, &count);
    if (states && (READ_ONCE(*states) & (PAGE_LIVE | PAGE_IDLE)))
        return;
    if (tls_self()->augmented)
        return;
    struct tls *tls = tls_self(); // what is to fill the pages is about to be read from the host, as a rule
    tls->augment_addr = addr;
    tls->augment_len = len;
    tls->augment_prot = READ_WRITE | EMM_EXEC;
}

static void edmm_prefetch_runs(const u64 *runs, size_t n) { tls_self()->augmented = ocall_augment_runs(runs, n) == 0; }

static bool edmm_accessible(u64 addr, u32 prot)
{
    u64 count;
    u8 *states = pagemap_get(addr, false, &count);
    u8 state = states ? __atomic_load_n(states, __ATOMIC_ACQUIRE) : 0;
    return (state & PAGE_LIVE) && (state & prot) == prot;
}

static int edmm_contents(u64 addr, u64 count, u8 *ret_flags)
{
    for (u64 i = 0; i < count; i++)
        ret_flags[i] = edmm_accessible(addr + i * PAGE_SIZE, 0);
    return 0;
}

const struct emm_ops *emm_edmm_init(void)
{
    static const struct emm_ops ops = {
        .caps = { .faults = true, .absent = true, .lazy_anon = true, .copies = true, .enforced = true },
        .map = edmm_map,
        .commit = edmm_commit,
        .copy = edmm_copy,
        .publish = edmm_publish,
        .protect = edmm_protect,
        .discard = edmm_discard,
        .zero = edmm_zero,
        .prefetch = edmm_prefetch,
        .prefetch_runs = edmm_prefetch_runs,
        .accessible = edmm_accessible,
        .contents = edmm_contents,
    };
    return &ops;
}

// The initial pages of user space were not measured: whatever the host put there, programs find zeros. The loader has
// them in its page tables by now; that they are hidden again goes along with the next host call.
void emm_start(void)
{
    u64 start = enclave_layout.user_start, end = enclave_layout.user_committed_end;

    if (!enclave_layout.edmm || start >= end)
        return;
    memset((void *)start, 0, end - start);
    struct tls *tls = tls_self();
    tls->augment_addr = start;
    tls->augment_len = end - start;
    tls->augment_prot = AUGMENT_HIDE;
}

static bool known(u8 state) { return state & (PAGE_LIVE | PAGE_IDLE); }

bool emm_next_run(u64 addr, struct emm_run *ret_run)
{
    u64 count;
    for (; enclave_layout.edmm && addr < enclave_layout.user_end; addr += count * PAGE_SIZE) {
        u8 *states = pagemap_get(addr, false, &count);
        count = MIN(count, (enclave_layout.user_end - addr) / PAGE_SIZE);
        for (u64 i = 0; states && i < count; i++) {
            u8 state = __atomic_load_n(&states[i], __ATOMIC_ACQUIRE) & (u8) ~(PAGE_BUSY | PAGE_INITIAL);
            u64 n = 1;
            if (!known(state))
                continue;
            while (i + n < count && (READ_ONCE(states[i + n]) & (u8) ~(PAGE_BUSY | PAGE_INITIAL)) == state)
                n++;
            *ret_run = (struct emm_run){
                .addr = addr + i * PAGE_SIZE, .count = n, .prot = state & PAGE_ACCESS, .live = state & PAGE_LIVE
            };
            return true;
        }
    }
    return false;
}
