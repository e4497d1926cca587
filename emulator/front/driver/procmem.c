// SPDX-License-Identifier: BSD-3-Clause
// /proc/PID/mem over an enclave: Linux reads and writes a debug enclave's pages by EDBGRD and EDBGWR, 8 bytes at a
// time, and gives EIO for a production enclave. On the host the pages are a memfd, which would show them to anybody.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/cpu/encl.h"
#include "front/cpu/fsgsbase.h"
#include "front/cpu/view.h"
#include "front/driver/epc.h"
#include "front/driver/procmem.h"
#include "front/os/emu.h"
#include "front/os/image.h"
#include "front/os/remote.h"

bool procmem_path(struct task *t, u64 address)
{
    char head[6], path[40] = "";
    size_t length = 0;
    if (remote_read(t, address, head, sizeof(head)) < 0 || memcmp(head, "/proc/", sizeof(head)))
        return false;
    while (length + 1 < sizeof(path) && remote_read(t, address + length, &path[length], 1) == 0 && path[length])
        length++;
    return length > 4 && !strcmp(path + length - 4, "/mem");
}

// Later reads and writes of this descriptor stop; filters cannot be taken back, so each number gets one only.
void procmem_opened(struct task *t, int fd)
{
    enum { KNOWN = sizeof(t->mm->procmem_fds) * 8 };
    if (fd < KNOWN && (t->mm->procmem_fds[fd / 64] >> (fd % 64) & 1))
        return;
    struct {
        struct sock_fprog program;
        struct sock_filter rules[12];
    } image = { { 0, NULL },
                {
                    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (u32)(EMU_IMAGE >> 32), 9, 0),
                    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (u32)fd, 0, 7),
                    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 4, 0),
                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 3, 0),
                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pread64, 2, 0),
                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwrite64, 1, 0),
                    BPF_STMT(BPF_JMP | BPF_JA, 1),
                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                } };
    image.program.len = sizeof(image.rules) / sizeof(image.rules[0]);
    image.program.filter = (struct sock_filter *)(EMU_SCRATCH + offsetof(typeof(image), rules));
    if (remote_write(t, EMU_SCRATCH, &image, sizeof(image)) < 0)
        return;
    u64 args[6] = { SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, EMU_SCRATCH };
    if (remote_call(t, SYS_seccomp, args) == 0 && fd < KNOWN)
        t->mm->procmem_fds[fd / 64] |= 1ull << (fd % 64);
}

// The address space behind the descriptor; NULL: none of a traced program.
static struct mm *mm_of_fd(struct task *t, int fd)
{
    char path[64], target[64];
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->tid, fd);
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0 || (target[length] = 0, strncmp(target, "/proc/", 6)) || length < 4 ||
        strcmp(target + length - 4, "/mem"))
        return NULL;
    pid_t pid = (pid_t)strtol(target + 6, NULL, 10);
    for (struct task *other = emu.tasks; other; other = other->next)
        if (other->tgid == pid && other->mm)
            return other->mm;
    return NULL;
}

static u64 position(struct task *t, int fd)
{
    char path[64];
    u64 value = 0;
    snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", t->tid, fd);
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "pos: %lu", &value) != 1)
        value = 0;
    if (f)
        fclose(f);
    return value;
}

static bool access_word(struct task *t, struct view *v, u64 page, u64 offset, u64 *word, bool write)
{
    struct encl *e = v->encl;
    struct encl_page *p = &e->pages[page];
    if (!(e->attributes & SGX_ATTR_DEBUG) || p->state == PAGE_ABSENT || ((v->vma[page] & 7) & ~p->max_prot) ||
        epc_load(t, e, page) < 0)
        return false;
    fsgsbase_to_data(t, e, page);
    u64 epc = (u64)p->epc * EMU_PAGE + offset;
    struct sgx_result r = write ? sgx_edbgwr(&emu.model, epc, *word) : sgx_edbgrd(&emu.model, epc, word);
    return !r.vector && !r.zf;
}

// As much of the range as lies in one enclave and can be accessed; 0: nothing.
static u64 debug_access(struct task *t, struct mm *mm, u64 address, u64 local, u64 size, bool write)
{
    u64 done = 0, page;
    while (done < size) {
        u64 at = address + done, word = 0, offset = at % 8, part = 8 - offset;
        struct view *v = view_at(mm, at, &page);
        if (part > size - done)
            part = size - done;
        if (!v || !access_word(t, v, page, at % EMU_PAGE - offset, &word, false))
            break;
        if (!write) {
            if (remote_write(t, local + done, (u8 *)&word + offset, part) < 0)
                break;
        } else if (remote_read(t, local + done, (u8 *)&word + offset, part) < 0 ||
                   !access_word(t, v, page, at % EMU_PAGE - offset, &word, true)) {
            break;
        }
        done += part;
    }
    return done;
}

void on_procmem(struct task *t)
{
    u64 nr = t->regs.orig_rax, page, size = t->regs.rdx;
    int fd = (int)t->regs.rdi;
    struct mm *mm = mm_of_fd(t, fd);
    if (!mm || !mm->views || !size)
        return;
    bool positioned = nr == SYS_pread64 || nr == SYS_pwrite64, write = nr == SYS_write || nr == SYS_pwrite64;
    u64 address = positioned ? t->regs.r10 : position(t, fd), plain = 0;
    if (size > address + size)
        size = ~address;
    while (plain < size && !view_at(mm, address + plain, &page))
        plain += EMU_PAGE - (address + plain) % EMU_PAGE;
    if (plain) { // up to the enclave the kernel can do it
        t->regs.rdx = plain < size ? plain : size;
        return remote_put(t);
    }
    struct user_regs_struct asked = t->regs;
    u64 done = debug_access(t, mm, address, asked.rsi, size, write);
    if (done && !positioned) {
        u64 args[6] = { (u64)fd, address + done, SEEK_SET };
        (void)remote_call(t, SYS_lseek, args);
    }
    t->regs = asked;
    remote_skip(t, done ? (long)done : -EIO);
}
