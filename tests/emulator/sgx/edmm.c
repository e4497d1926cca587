// SPDX-License-Identifier: BSD-3-Clause
// SGX2: pages added, accepted, copied, extended, restricted, retyped and removed, in right and in wrong orders. TAP.
#include "loader.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define R SGX_SECINFO_R
#define W SGX_SECINFO_W
#define X SGX_SECINFO_X
#define REG SGX_SECINFO_PT(SGX_PT_REG)
#define TCS SGX_SECINFO_PT(SGX_PT_TCS)
#define TRIM SGX_SECINFO_PT(SGX_PT_TRIM)
#define PENDING SGX_SECINFO_PENDING
#define MODIFIED SGX_SECINFO_MODIFIED
#define PR SGX_SECINFO_PR

enum { PF = FAULT + 14, GP = FAULT + 13, SGX_PF_READ = 0x8005, SGX_PF_WRITE = 0x8007 };

static struct enclave enclave;

static u64 heap(u64 page) { return enclave.base + HEAP + page * PAGE; }

// The driver's ioctls: 0 or an error number; what they count and the leaf's error code.
struct change {
    u64 offset, length, value, result, count;
};

static int change(u32 command, u64 page, u64 pages, u64 value, struct change *ret_change)
{
    struct change c = { HEAP + page * PAGE, pages * PAGE, value, 0, 0 };
    int ret = ioctl(enclave.fd, command, &c) == 0 ? 0 : errno;
    if (ret_change)
        *ret_change = c;
    return ret;
}

static int restrict_rights(u64 page, u64 pages, u64 rights, struct change *ret_change)
{
    return change(0xc028a405, page, pages, rights, ret_change);
}

static int modify_type(u64 page, u64 pages, u64 type, struct change *ret_change)
{
    return change(0xc028a406, page, pages, type, ret_change);
}

static int remove_pages(u64 page, u64 pages, u64 *ret_count)
{
    u64 c[3] = { HEAP + page * PAGE, pages * PAGE, 0 };
    int ret = ioctl(enclave.fd, 0xc018a407, c) == 0 ? 0 : errno;
    if (ret_count)
        *ret_count = c[2];
    return ret;
}

static u32 accept(u64 flags, u64 page) { return leaf_secinfo(&enclave, ENCLU_EACCEPT, flags, heap(page), 0); }

// EMODPE has no error code: RAX stays.
static u32 extend(u64 rights, u64 page)
{
    u32 ret = leaf_secinfo(&enclave, ENCLU_EMODPE, rights | REG, heap(page), 0);
    return ret == ENCLU_EMODPE ? 0 : ret;
}

static u32 accept_copy(u64 flags, u64 page, u64 source)
{
    return leaf_secinfo(&enclave, ENCLU_EACCEPTCOPY, flags, heap(page), source);
}

static u32 fault(u64 op, u64 address, u64 value)
{
    u32 code = 0;
    u32 vector = fault_of(&enclave, op, address, value, 0, NULL, &code);
    return vector == 14 ? code : vector ? FAULT + vector : 0;
}

// What software outside sees of a byte.
static u8 peek(u64 address)
{
    u8 byte;
    __asm__ volatile("movb (%1), %0" : "=q"(byte) : "r"(address));
    return byte;
}

static void augment(void)
{
    check(accept(R | W | PENDING | REG, 0) == 0, "EACCEPT of an absent page adds it");
    check(ask(&enclave, OP_LOAD, heap(0), 0, 0) == 0 && fault(OP_STORE, heap(0), 42) == 0 &&
              ask(&enclave, OP_LOAD, heap(0), 0, 0) == 42,
          "it is empty and takes data");
    check(accept(R | W | PENDING | REG, 0) == SGX_PAGE_ATTRIBUTES_MISMATCH,
          "EACCEPT twice: SGX_PAGE_ATTRIBUTES_MISMATCH");
    check(peek(heap(1)) == 0xff, "a read outside of an absent page sees ones");
    check(fault(OP_LOAD, heap(1), 0) == SGX_PF_READ, "and has added it: a load inside of the PENDING page is #PF %#x",
          SGX_PF_READ);
    check(fault(OP_STORE, heap(1), 1) == SGX_PF_WRITE, "a store is #PF %#x", SGX_PF_WRITE);
    check(peek(heap(1)) == 0xff, "a PENDING page reads as ones outside");
    check(accept(R | PENDING | REG, 1) == SGX_PAGE_ATTRIBUTES_MISMATCH, "EACCEPT with too few rights");
    check(accept(R | W | X | PENDING | REG, 1) == SGX_PAGE_ATTRIBUTES_MISMATCH, "EACCEPT with too many rights");
    check(accept(R | W | REG, 1) == GP && accept(R | W | PENDING | MODIFIED | REG, 1) == GP,
          "EACCEPT of REG without PENDING or PR, or with MODIFIED, is #GP");
    check(accept(R | W | PR | REG, 1) == SGX_PAGE_ATTRIBUTES_MISMATCH, "EACCEPT of a restriction that is none");
    check(accept(R | W | PENDING | TCS, 1) == GP, "EACCEPT of a PENDING TCS is #GP");
    check(accept(R | W | PENDING | SGX_SECINFO_PT(SGX_PT_VA), 1) == GP, "EACCEPT of another type is #GP");
    check(accept(1ull << 40 | R | W | PENDING | REG, 1) == GP, "EACCEPT with reserved bits is #GP");
    check(leaf_secinfo(&enclave, ENCLU_EACCEPT, R | W | PENDING | REG, heap(1) + 8, 0) == GP,
          "EACCEPT of an unaligned page is #GP");
    check(leaf_secinfo(&enclave, ENCLU_EACCEPT, R | W | PENDING | REG, enclave.base + ENCLAVE_SIZE, 0) == GP,
          "EACCEPT outside ELRANGE is #GP");
    check(accept(R | W | PENDING | REG, 1) == 0, "EACCEPT with what the page has");
    check(extend(X, 2) == PF && accept(R | W | PENDING | REG, 2) == 0, "EMODPE of a PENDING page is #PF");
    check(fault(OP_LOAD, heap(3), 0) == SGX_PF_READ && accept(R | W | PENDING | REG, 3) == 0,
          "a load inside adds a page and faults");
    check(restrict_rights(600, 1, R, NULL) == EFAULT && modify_type(600, 1, SGX_PT_TRIM, NULL) == EFAULT,
          "no ioctl changes an absent page: EFAULT");
}

static void copy(void)
{
    check(accept_copy(R | X | REG, 8, enclave.base + CODE) == 0, "EACCEPTCOPY of code into an absent page");
    check(fault(OP_STORE, heap(8), 1) == SGX_PF_WRITE, "the copy is R X");
    check(fault(OP_CALL, heap(8) + 4095, 0) != 0 &&
              ask(&enclave, OP_LOAD, heap(8), 0, 0) == ask(&enclave, OP_LOAD, enclave.base, 0, 0),
          "and has the code");
    check(accept_copy(R | W | REG, 8, enclave.base + CODE) == SGX_PAGE_ATTRIBUTES_MISMATCH,
          "EACCEPTCOPY onto an accepted page");
    check(accept_copy(W | REG, 9, enclave.base + CODE) == GP, "EACCEPTCOPY with W and no R is #GP");
    check(accept_copy(R | W | TCS, 9, enclave.base + CODE) == GP, "EACCEPTCOPY of another type is #GP");
    check(accept_copy(R | W | REG, 9, enclave.base + CODE + 64) == GP, "EACCEPTCOPY of an unaligned source is #GP");
    check(accept_copy(R | W | REG, 9, tcs_of(&enclave, 0)) == PF, "EACCEPTCOPY of a TCS is #PF");
    static const u8 function[16] = { 0xb8, 0x2a, 0, 0, 0, 0xc3 }; // mov $42, %eax; ret
    copy_in(&enclave, DATA + 0x8000, function, sizeof(function));
    check(accept_copy(R | X | REG, 10, enclave.base + DATA + 0x8000) == 0 &&
              ask(&enclave, OP_CALL, heap(10), 0, 0) == 42,
          "code made inside runs");
}

static void rights(void)
{
    struct change c;
    check(accept(R | W | PENDING | REG, 16) == 0 && accept(R | W | PENDING | REG, 17) == 0, "two pages");
    check(restrict_rights(16, 2, R, &c) == 0 && c.count == 2 * PAGE, "RESTRICT_PERMISSIONS to R of both");
    check(fault(OP_STORE, heap(16), 1) == SGX_PF_WRITE && ask(&enclave, OP_LOAD, heap(16), 0, 0) == 0,
          "a store faults at once, a load does not");
    check(accept(R | W | PR | REG, 16) == SGX_PAGE_ATTRIBUTES_MISMATCH, "EACCEPT of other rights than are left");
    check(accept(R | PR | REG, 16) == 0, "EACCEPT of the restriction");
    check(accept(R | PR | REG, 16) == 0, "again is no error: PR itself is not compared");
    check(fault(OP_STORE, heap(16), 1) == SGX_PF_WRITE, "the page stays R");
    check(extend(W, 16) == 0 && fault(OP_STORE, heap(16), 5) == 0, "EMODPE gives W back");
    check(extend(W, 17) == 0 && accept(R | PR | REG, 17) == SGX_PAGE_ATTRIBUTES_MISMATCH &&
              accept(R | W | PR | REG, 17) == 0,
          "EMODPE before EACCEPT: EACCEPT tells the rights of now");
    check(restrict_rights(16, 1, W, NULL) == EINVAL, "RESTRICT_PERMISSIONS to W without R: EINVAL");
    check(restrict_rights(16, 1, 8, NULL) == EINVAL, "RESTRICT_PERMISSIONS with other bits: EINVAL");
    (void)peek(heap(18));
    check(restrict_rights(18, 1, R, &c) == EFAULT && c.result == SGX_PAGE_NOT_MODIFIABLE && c.count == 0,
          "RESTRICT_PERMISSIONS of a PENDING page: EFAULT with SGX_PAGE_NOT_MODIFIABLE");
    check(restrict_rights(16, 3, R, &c) == EFAULT && c.count == 2 * PAGE, "it counts what it has done");
    check(accept(R | PR | REG, 16) == 0 && accept(R | PR | REG, 17) == 0, "and that is accepted");
    check(restrict_rights(16, 1, 0, NULL) == 0 && accept(PR | REG, 16) == 0 &&
              fault(OP_LOAD, heap(16), 0) == SGX_PF_READ,
          "no rights at all");
    check(extend(W, 16) == GP, "EMODPE to W without R is #GP");
    check(extend(R, 16) == 0 && ask(&enclave, OP_LOAD, heap(16), 0, 0) == 5, "the data is still there");
    check(mprotect((void *)heap(17), PAGE, PROT_READ | PROT_WRITE) == 0,
          "mprotect may give what the EPCM does not"); // NOLINT
    check(fault(OP_STORE, heap(17), 1) == SGX_PF_WRITE, "the EPCM still refuses");
    check(extend(W, 17) == 0 && mprotect((void *)heap(17), PAGE, PROT_READ) == 0 &&
              fault(OP_STORE, heap(17), 1) == 7, // NOLINT
          "rights the mapping takes away: #PF without the SGX bit");
}

static void removal(void)
{
    u64 count;
    struct change c;
    for (u64 i = 24; i < 28; i++)
        (void)accept(R | W | PENDING | REG, i);
    (void)ask(&enclave, OP_STORE, heap(24), 77, 0);
    check(remove_pages(24, 1, &count) == EPERM && count == 0, "REMOVE_PAGES of a REG page: EPERM");
    check(modify_type(24, 3, SGX_PT_TRIM, &c) == 0 && c.count == 3 * PAGE, "MODIFY_TYPES to TRIM of 3 pages");
    check(remove_pages(24, 1, &count) == EPERM && count == 0, "REMOVE_PAGES before EACCEPT: EPERM");
    check(fault(OP_LOAD, heap(24), 0) == SGX_PF_READ && peek(heap(24)) == 0xff,
          "a trimmed page faults inside, is ones outside");
    check(accept(TRIM, 24) == GP, "EACCEPT of TRIM without MODIFIED is #GP");
    check(accept(R | TRIM | MODIFIED, 24) == SGX_PAGE_ATTRIBUTES_MISMATCH, "EACCEPT of TRIM with rights");
    check(accept(TRIM | MODIFIED, 24) == 0 && accept(TRIM | MODIFIED, 25) == 0, "EACCEPT of two");
    check(accept(TRIM | MODIFIED, 24) == SGX_PAGE_ATTRIBUTES_MISMATCH, "but once");
    check(extend(R, 24) == PF, "EMODPE of a trimmed page is #PF");
    check(restrict_rights(24, 1, R, NULL) == EINVAL, "RESTRICT_PERMISSIONS of a trimmed page: EINVAL");
    check(modify_type(24, 1, SGX_PT_TCS, NULL) == EINVAL, "MODIFY_TYPES from TRIM: EINVAL");
    check(remove_pages(24, 3, &count) == EPERM && count == 2 * PAGE,
          "REMOVE_PAGES stops at the one not accepted, having removed 2");
    check(accept(TRIM | MODIFIED, 26) == 0 && remove_pages(26, 1, &count) == 0 && count == PAGE, "then that one");
    check(remove_pages(26, 1, NULL) == EFAULT, "REMOVE_PAGES of an absent page: EFAULT");
    check(peek(heap(24)) == 0xff && accept(R | W | PENDING | REG, 24) == 0 &&
              ask(&enclave, OP_LOAD, heap(24), 0, 0) == 0,
          "added again at the same place it is empty");
    (void)peek(heap(28));
    check(modify_type(28, 1, SGX_PT_TRIM, &c) == EFAULT && c.result == SGX_PAGE_NOT_MODIFIABLE,
          "TRIM of a PENDING page: SGX_PAGE_NOT_MODIFIABLE");
    check(modify_type(24, 1, SGX_PT_REG, NULL) == EINVAL && modify_type(24, 1, SGX_PT_SECS, NULL) == EINVAL &&
              modify_type(24, 1, SGX_PT_VA, NULL) == EINVAL,
          "MODIFY_TYPES to REG, SECS or VA: EINVAL");
    check(remove_pages(24, 0, NULL) == EINVAL, "REMOVE_PAGES of nothing: EINVAL");
    struct change odd = { HEAP + 24 * PAGE + 8, PAGE, SGX_PT_TRIM, 0, 0 },
                  beyond = { ENCLAVE_SIZE - PAGE, 2 * PAGE, SGX_PT_TRIM, 0, 0 };
    check(ioctl(enclave.fd, 0xc028a406, &odd) < 0 && errno == EINVAL && ioctl(enclave.fd, 0xc028a406, &beyond) < 0 &&
              errno == EINVAL,
          "an unaligned range or one beyond the enclave: EINVAL");
}

// A thread is made out of four new pages, entered, ended and removed.
static void dynamic_tcs(void)
{
    u64 at = 32, count;
    struct enclave_run run;
    struct sgx_tcs tcs = {
        .ossa = HEAP + 33 * PAGE, .nssa = 2, .oentry = CODE, .ogsbase = HEAP + 35 * PAGE, .fslimit = ~0u, .gslimit = ~0u
    };
    bool ok = true;
    for (u64 i = at; i < at + 7; i++)
        ok &= accept(R | W | PENDING | REG, i) == 0;
    check(ok, "pages of a new thread");
    copy_in(&enclave, HEAP + at * PAGE, &tcs, sizeof(tcs));
    enclave_call(heap(at), ENCLU_EENTER, OP_LOAD, heap(0), 0, 0, &run);
    check(run.vector == 14 && run.error == SGX_PF_READ, "EENTER of a REG page is #PF %#x (%#x)", SGX_PF_READ,
          run.error);
    check(modify_type(at, 1, SGX_PT_TCS, NULL) == 0, "MODIFY_TYPES to TCS");
    enclave_call(heap(at), ENCLU_EENTER, OP_LOAD, heap(0), 0, 0, &run);
    check(run.vector == 14 && run.error == SGX_PF_READ, "EENTER before EACCEPT is #PF %#x", SGX_PF_READ);
    check(accept(TCS, at) == GP && accept(R | W | TCS | MODIFIED, at) == SGX_PAGE_ATTRIBUTES_MISMATCH &&
              accept(TRIM | MODIFIED, at) == SGX_PAGE_ATTRIBUTES_MISMATCH,
          "EACCEPT of something else");
    check(accept(TCS | MODIFIED, at) == 0, "EACCEPT of the TCS");
    check(fault(OP_LOAD, heap(at), 0) == SGX_PF_READ && fault(OP_STORE, heap(at), 0) == SGX_PF_WRITE,
          "a TCS is not for software inside");
    check(enclave_call(heap(at), ENCLU_EENTER, OP_LOAD, heap(0), 0, 0, &run) == 42 && run.function == ENCLU_EEXIT,
          "EENTER of the new TCS");
    enclave_call(heap(at), ENCLU_EENTER, OP_FAULT, EVENT_UD, 0, 0, &run);
    check(run.function == ENCLU_ERESUME && run.vector == 6, "an exception in the new thread");
    check(enclave_call(heap(at), ENCLU_EENTER, OP_LOAD, heap(0), 0, 0, &run) == 42, "its handler at CSSA 1");
    check(restrict_rights(at, 1, R, NULL) == EINVAL, "RESTRICT_PERMISSIONS of a TCS: EINVAL");
    check(modify_type(at, 1, SGX_PT_TRIM, NULL) == 0 && accept(TRIM | MODIFIED, at) == 0 &&
              remove_pages(at, 1, &count) == 0 && count == PAGE,
          "trimmed, accepted, removed");
    enclave_call(heap(at), ENCLU_EENTER, OP_LOAD, heap(0), 0, 0, &run);
    check(run.function == ENCLU_EENTER && run.vector == 14, "EENTER of the removed TCS is #PF (%#x)", run.error);
    check(accept(R | W | PENDING | REG, at) == 0, "the place is free for a page again");
    tcs.flags = 1ull << 40;
    copy_in(&enclave, HEAP + at * PAGE, &tcs, sizeof(tcs));
    check(modify_type(at, 1, SGX_PT_TCS, NULL) == 0 && accept(TCS | MODIFIED, at) == GP,
          "EACCEPT of a TCS with reserved flags is #GP");
}

struct toucher {
    volatile u32 inside, go;
    pthread_t thread;
};

static void *spin(void *argument)
{
    struct toucher *t = argument;
    struct enclave_run run;
    enclave_call(tcs_of(&enclave, 1), ENCLU_EENTER, OP_SPIN, (u64)(uintptr_t)&t->go, (u64)(uintptr_t)&t->inside, 0,
                 &run);
    while (run.function == ENCLU_ERESUME) // an interrupt shows as nothing; an exception would end the test
        abort();
    return NULL;
}

// The driver tracks threads: a restriction is complete (EACCEPT is not SGX_NOT_TRACKED) although another thread is
// inside.
static void tracked(void)
{
    static struct toucher t;
    pthread_create(&t.thread, NULL, spin, &t);
    while (!t.inside)
        usleep(100);
    bool ok = true;
    for (u64 i = 48; i < 56; i++)
        ok &= accept(R | W | PENDING | REG, i) == 0 && restrict_rights(i, 1, R, NULL) == 0 &&
              accept(R | PR | REG, i) == 0;
    check(ok, "restrictions are tracked while another thread stays inside");
    ok = modify_type(48, 8, SGX_PT_TRIM, NULL) == 0;
    for (u64 i = 48; i < 56; i++)
        ok &= accept(TRIM | MODIFIED, i) == 0;
    check(ok && remove_pages(48, 8, NULL) == 0, "so are trims");
    t.go = 1;
    pthread_join(t.thread, NULL);
}

// Threads that touch the same absent pages at once from outside and inside: each page is added once.
static void *touch(void *argument)
{
    u64 tcs = (u64)(uintptr_t)argument, wrong = 0;
    struct enclave_run run;
    for (u64 i = 64; i < 128; i++) {
        if (tcs % 2)
            wrong += peek(heap(i)) != 0xff;
        enclave_call(tcs_of(&enclave, (u32)tcs), ENCLU_EENTER, OP_LOAD, heap(i), 0, 0, &run);
        wrong += run.vector != 14 || run.error != SGX_PF_READ;
        unwind(tcs_of(&enclave, (u32)tcs));
    }
    return (void *)wrong;
}

static void race(void)
{
    pthread_t thread[4];
    u64 wrong = 0;
    for (u64 i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, touch, (void *)(2 + i));
    for (int i = 0; i < 4; i++) {
        void *count;
        pthread_join(thread[i], &count);
        wrong += (u64)(uintptr_t)count;
    }
    check(wrong == 0, "4 threads touch 64 absent pages at once: %lu surprises", wrong);
    bool ok = true;
    for (u64 i = 64; i < 128; i++)
        ok &= accept(R | W | PENDING | REG, i) == 0;
    check(ok, "each page was added once");
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    bool built = enclave_build(&enclave, &(struct enclave_config){ .threads = 6 });
    check(built, "an enclave");
    if (!built)
        return 1;
    augment();
    copy();
    rights();
    removal();
    dynamic_tcs();
    tracked();
    race();
    return done();
}
