// SPDX-License-Identifier: BSD-3-Clause
// ELF programs (System V ABI, x86-64 supplement; man 5 elf). The file is the program's business and may be hostile:
// every field is checked before it is used, and mapping goes through vm_map, which checks again.
#include <linux/elf.h>

#include "libos/process/elf_load.h"
#include "base/string.h"
#include "trusted/log.h"
#include "libos/vm/fork.h"
#include "libos/vm/user.h"

enum { MAX_HEADERS = 64 };

static int read_exact(struct file *file, u64 offset, void *buf, size_t size)
{
    if (offset > INT64_MAX - size)
        return -ENOEXEC;
    long n = file_read_at(file, offset, buf, size);
    return n < 0 ? (int)n : (size_t)n == size ? 0 : -ENOEXEC;
}

static bool header_ok(const Elf64_Ehdr *eh)
{
    return memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 && eh->e_ident[EI_CLASS] == ELFCLASS64 &&
           eh->e_ident[EI_DATA] == ELFDATA2LSB && eh->e_machine == EM_X86_64 &&
           (eh->e_type == ET_EXEC || eh->e_type == ET_DYN) && eh->e_phentsize == sizeof(Elf64_Phdr) &&
           eh->e_phnum > 0 && eh->e_phnum <= MAX_HEADERS;
}

static bool segment_ok(const Elf64_Phdr *ph, u64 limit)
{
    return ph->p_filesz <= ph->p_memsz && ph->p_vaddr <= limit && ph->p_memsz <= limit - ph->p_vaddr &&
           ph->p_offset <= INT64_MAX - ph->p_filesz && ((ph->p_vaddr ^ ph->p_offset) & PAGE_MASK) == 0;
}

// What the segments cover, and where the program headers are in memory.
struct span {
    u64 start, end; // start UINT64_MAX: nothing yet
    u64 phoff, phdr;
};

static int take_load(struct span *image, const Elf64_Phdr *ph, u64 *previous_end)
{
    const u64 limit = 1ull << 46;

    if (!segment_ok(ph, limit) || ph->p_vaddr < *previous_end)
        return -ENOEXEC;
    *previous_end = ph->p_vaddr + ph->p_memsz;
    if (image->start == UINT64_MAX)
        image->start = ALIGN_DOWN(ph->p_vaddr, PAGE_SIZE);
    image->end = ALIGN_UP(*previous_end, PAGE_SIZE);
    if (image->phoff >= ph->p_offset && image->phoff - ph->p_offset < ph->p_filesz)
        image->phdr = ph->p_vaddr + (image->phoff - ph->p_offset);
    return 0;
}

static int read_headers(struct file *file, Elf64_Ehdr *eh, Elf64_Phdr *ph)
{
    int err = read_exact(file, 0, eh, sizeof(*eh));
    if (err)
        return err;
    if (!header_ok(eh))
        return -ENOEXEC;
    return read_exact(file, eh->e_phoff, ph, eh->e_phnum * sizeof(*ph));
}

int elf_image_open(struct file *file, struct elf_image *ret_image)
{
    struct span span = { .start = UINT64_MAX };
    Elf64_Phdr ph[MAX_HEADERS];
    Elf64_Ehdr eh;
    u64 previous_end = 0;

    *ret_image = (struct elf_image){ .file = file }; // not on the stack, which the headers nearly fill
    int err = read_headers(file, &eh, ph);
    if (err)
        return err;
    ret_image->fixed = eh.e_type == ET_EXEC;
    ret_image->entry = eh.e_entry;
    ret_image->phnum = eh.e_phnum;
    ret_image->phoff = span.phoff = eh.e_phoff;
    for (u16 i = 0; i < eh.e_phnum && !err; i++) {
        if (ph[i].p_type == PT_LOAD && ph[i].p_memsz)
            err = take_load(&span, &ph[i], &previous_end);
        else if (ph[i].p_type == PT_GNU_STACK)
            ret_image->exec_stack = ph[i].p_flags & PF_X;
        else if (ph[i].p_type == PT_INTERP) {
            if (ph[i].p_filesz < 2 || ph[i].p_filesz > sizeof(ret_image->interpreter))
                return -ENOEXEC;
            err = read_exact(file, ph[i].p_offset, ret_image->interpreter, ph[i].p_filesz);
            ret_image->interpreter[ph[i].p_filesz - 1] = '\0';
        }
    }
    ret_image->start = span.start;
    ret_image->end = span.end;
    ret_image->phdr = span.phdr;
    if (!err && (ret_image->start >= ret_image->end || ret_image->entry < ret_image->start ||
                 ret_image->entry >= ret_image->end))
        err = -ENOEXEC;
    return err;
}

// Reserves the whole span, so that the segments keep their distances.
static int reserve(struct elf_image *image, struct mm *mm)
{
    struct vm_map_args args = {
        .addr = image->fixed ? image->start : 0,
        .len = image->end - image->start,
        .prot = PROT_NONE,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (image->fixed ? MAP_FIXED_NOREPLACE : 0),
    };
    s64 at = vm_map(mm, &args);
    if (at < 0 && image->fixed) // programs that must lie at the same place take turns there
        at = vm_map_beside(mm, &args);
    if (at < 0) {
        if (image->fixed)
            log_warn("a program that must lie at %#lx cannot start: another process holds that address", image->start);
        return -ENOMEM;
    }
    image->bias = (u64)at - image->start;
    return 0;
}

static u32 segment_prot(const Elf64_Phdr *ph)
{
    return (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
           (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

static int map_zero_pages(struct mm *mm, u64 from, u64 to, u32 prot)
{
    struct vm_map_args args = {
        .addr = from, .len = to - from, .prot = prot, .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
    };
    s64 at = from < to ? vm_map(mm, &args) : 0;
    return at < 0 ? (int)at : 0;
}

// The bytes between the end of the file part and its page end belong to .bss.
static int clear_tail(struct mm *mm, u64 from, u64 to, u32 prot)
{
    u64 page = ALIGN_DOWN(from, PAGE_SIZE);
    int err;

    if (from == to)
        return 0;
    if (!(prot & PROT_WRITE) && (err = vm_protect(mm, page, PAGE_SIZE, prot | PROT_WRITE)) != 0)
        return err;
    if (clear_user((void __user *)from, to - from))
        return -EFAULT;
    return prot & PROT_WRITE ? 0 : vm_protect(mm, page, PAGE_SIZE, prot);
}

static int map_segment(const struct elf_image *image, struct mm *mm, const Elf64_Phdr *ph)
{
    u64 start = ALIGN_DOWN(ph->p_vaddr, PAGE_SIZE) + image->bias, file_end = ph->p_vaddr + ph->p_filesz + image->bias;
    u64 file_pages_end = ALIGN_UP(file_end, PAGE_SIZE),
        end = ALIGN_UP(ph->p_vaddr + ph->p_memsz + image->bias, PAGE_SIZE);
    u32 prot = segment_prot(ph);
    int err;

    if (ph->p_filesz) {
        struct vm_map_args args = {
            .addr = start,
            .len = file_pages_end - start,
            .prot = prot,
            .flags = MAP_PRIVATE | MAP_FIXED,
            .file = image->file,
            .ops = &file_vm_ops,
            .offset = ALIGN_DOWN(ph->p_offset, PAGE_SIZE),
        };
        s64 at = vm_map(mm, &args);
        if (at < 0)
            return (int)at;
        if (ph->p_memsz > ph->p_filesz && (err = clear_tail(mm, file_end, file_pages_end, prot)) != 0)
            return err;
        start = file_pages_end;
    }
    return map_zero_pages(mm, start, end, prot);
}

static void note_part(struct elf_parts *parts, const struct elf_image *image, const Elf64_Phdr *ph)
{
    u64 start = ph->p_vaddr + image->bias, end = start + ph->p_filesz;

    parts->data_start = start;
    parts->data_end = end;
    if (!(ph->p_flags & PF_X))
        return;
    parts->code_start = parts->code_end ? parts->code_start : start;
    parts->code_end = end;
}

int elf_image_map(struct elf_image *image, struct mm *mm, struct elf_parts *ret_parts)
{
    Elf64_Phdr ph[MAX_HEADERS];
    Elf64_Ehdr eh;
    u64 previous_end = 0;

    // Read again, so that nothing unchecked lies on the stack between the two steps: what changed meanwhile is checked
    // again.
    int err = read_headers(image->file, &eh, ph);
    if (!err)
        err = reserve(image, mm);
    for (u16 i = 0; !err && i < eh.e_phnum; i++) {
        if (ph[i].p_type != PT_LOAD || !ph[i].p_memsz)
            continue;
        struct span again = { .start = image->start, .phoff = image->phoff };
        err = take_load(&again, &ph[i], &previous_end);
        if (!err && (ph[i].p_vaddr < image->start || previous_end > image->end))
            err = -ENOEXEC;
        if (!err)
            err = map_segment(image, mm, &ph[i]);
        if (ret_parts)
            note_part(ret_parts, image, &ph[i]);
    }
    return err;
}
