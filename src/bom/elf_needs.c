// SPDX-License-Identifier: BSD-3-Clause
#include "bom/elf_needs.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"

enum { SEGMENTS_MAX = 4096, DYNAMIC_MAX = 65536 / sizeof(Elf64_Dyn), STRING_MAX = 64 << 10 };

struct elf_file {
    struct arena *arena;
    int fd;
    u64 size;
    Elf64_Phdr *segments;
    size_t segment_count;
    const char *why; // what is wrong with it
};

// Exactly `size` bytes at `offset`.
static bool read_at(const struct elf_file *file, u64 offset, void *into, size_t size)
{
    if (!range_within(offset, size, 0, file->size))
        return false;
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(file->fd, (char *)into + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool broken(struct elf_file *file, const char *why)
{
    file->why = why;
    return false;
}

static bool read_segments(struct elf_file *file, const Elf64_Ehdr *header)
{
    if (header->e_phnum == 0)
        return true;
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > SEGMENTS_MAX)
        return broken(file, "its program headers have an unknown size or number");
    file->segments = arena_alloc(file->arena, header->e_phnum * sizeof(Elf64_Phdr));
    if (!read_at(file, header->e_phoff, file->segments, header->e_phnum * sizeof(Elf64_Phdr)))
        return broken(file, "its program headers lie outside the file");
    file->segment_count = header->e_phnum;
    return true;
}

static const Elf64_Phdr *find_segment(const struct elf_file *file, u32 type)
{
    for (size_t i = 0; i < file->segment_count; i++)
        if (file->segments[i].p_type == type)
            return &file->segments[i];
    return NULL;
}

// The file offset of what is loaded at an address, and how many bytes of the segment follow there.
static bool offset_of(const struct elf_file *file, u64 address, u64 *ret_offset, u64 *ret_size)
{
    for (size_t i = 0; i < file->segment_count; i++) {
        const Elf64_Phdr *segment = &file->segments[i];
        if (segment->p_type != PT_LOAD || address < segment->p_vaddr || address - segment->p_vaddr >= segment->p_filesz)
            continue;
        u64 skip = address - segment->p_vaddr;
        if (add_overflow_u64(segment->p_offset, skip, ret_offset) || *ret_offset >= file->size)
            return false;
        *ret_size = MIN(segment->p_filesz - skip, file->size - *ret_offset);
        return true;
    }
    return false;
}

// The NUL-terminated string at offset that ends within `room` bytes, or NULL.
static const char *read_string(const struct elf_file *file, u64 offset, u64 room)
{
    char first[256], *all = first;
    const char *text = NULL;
    size_t size = (size_t)MIN(room, (u64)sizeof(first));
    if (!read_at(file, offset, first, size))
        return NULL;
    const char *end = memchr(first, '\0', size);
    if (!end && room > size) { // a long one: run paths may be
        size = (size_t)MIN(room, (u64)STRING_MAX);
        all = malloc(size);
        end = all && read_at(file, offset, all, size) ? memchr(all, '\0', size) : NULL;
    }
    if (end)
        text = arena_copy(file->arena, all, (size_t)(end - all));
    if (all != first)
        free(all);
    return text;
}

static bool read_interpreter(struct elf_file *file, struct elf_needs *ret)
{
    const Elf64_Phdr *segment = find_segment(file, PT_INTERP);
    if (!segment)
        return true;
    if (segment->p_filesz > PATH_MAX || !range_within(segment->p_offset, segment->p_filesz, 0, file->size))
        return broken(file, "PT_INTERP lies outside the file");
    ret->interpreter = read_string(file, segment->p_offset, segment->p_filesz);
    if (!ret->interpreter || !*ret->interpreter)
        return broken(file, "PT_INTERP holds no path");
    return true;
}

struct dynamic {
    Elf64_Dyn *entries;
    size_t count;
    u64 strings, strings_size; // file offset
};

static bool has_value(const struct dynamic *dynamic, s64 tag, u64 *ret)
{
    for (size_t i = 0; i < dynamic->count; i++)
        if (dynamic->entries[i].d_tag == tag) {
            *ret = dynamic->entries[i].d_un.d_val;
            return true;
        }
    return false;
}

// Fills *ret, up to DT_NULL. A file without PT_DYNAMIC has none.
static bool read_dynamic(struct elf_file *file, struct dynamic *ret)
{
    const Elf64_Phdr *segment = find_segment(file, PT_DYNAMIC);
    u64 address, size, room;
    if (!segment)
        return true;
    size_t count = (size_t)(MIN(segment->p_filesz, (u64)DYNAMIC_MAX * sizeof(Elf64_Dyn)) / sizeof(Elf64_Dyn));
    if (segment->p_filesz / sizeof(Elf64_Dyn) > DYNAMIC_MAX)
        return broken(file, "PT_DYNAMIC is too large");
    ret->entries = arena_alloc(file->arena, count * sizeof(Elf64_Dyn));
    if (!read_at(file, segment->p_offset, ret->entries, count * sizeof(Elf64_Dyn)))
        return broken(file, "PT_DYNAMIC lies outside the file");
    while (ret->count < count && ret->entries[ret->count].d_tag != DT_NULL)
        ret->count++;
    if (!has_value(ret, DT_STRTAB, &address) || !has_value(ret, DT_STRSZ, &size))
        return ret->count == 0 || broken(file, "PT_DYNAMIC names no string table");
    if (!offset_of(file, address, &ret->strings, &room))
        return broken(file, "DT_STRTAB lies outside the file");
    ret->strings_size = MIN(size, room);
    return true;
}

static bool read_entry(struct elf_file *file, const struct dynamic *dynamic, const Elf64_Dyn *entry,
                       struct elf_needs *ret)
{
    const char **into = entry->d_tag == DT_SONAME  ? &ret->soname
                        : entry->d_tag == DT_RPATH ? &ret->rpath
                                                   : &ret->runpath;
    u64 at = entry->d_un.d_val;
    if (entry->d_tag == DT_FLAGS_1)
        ret->no_default = at & DF_1_NODEFLIB;
    if (entry->d_tag != DT_NEEDED && entry->d_tag != DT_SONAME && entry->d_tag != DT_RPATH &&
        entry->d_tag != DT_RUNPATH)
        return true;
    u64 room = at < dynamic->strings_size ? dynamic->strings_size - at : 0;
    if (entry->d_tag == DT_NEEDED)
        room = MIN(room, (u64)PATH_MAX);
    const char *text = room ? read_string(file, dynamic->strings + at, room) : NULL;
    if (!text)
        return broken(file, "a name lies outside the string table");
    if (entry->d_tag != DT_NEEDED)
        *into = text;
    else if (!*text)
        return broken(file, "an empty DT_NEEDED");
    else
        ARENA_PUSH(file->arena, &ret->needed, text);
    return true;
}

static bool read_needs(struct elf_file *file, const Elf64_Ehdr *header, struct elf_needs *ret)
{
    struct dynamic dynamic = { 0 };
    if (!read_segments(file, header) || !read_interpreter(file, ret) || !read_dynamic(file, &dynamic))
        return false;
    for (size_t i = 0; i < dynamic.count; i++)
        if (!read_entry(file, &dynamic, &dynamic.entries[i], ret))
            return false;
    ret->is_library = header->e_type == ET_DYN;
    return true;
}

enum elf_kind elf_needs_read(struct arena *arena, int fd, struct elf_needs *ret, const char **ret_why)
{
    struct stat status;
    struct elf_file file = { .arena = arena, .fd = fd };
    struct elf_needs needs = { 0 };
    Elf64_Ehdr header = { 0 };

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return ELF_OTHER;
    file.size = (u64)status.st_size;
    if (!read_at(&file, 0, header.e_ident, SELFMAG) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return ELF_OTHER;
    *ret_why = "it ends within its header";
    if (!read_at(&file, 0, &header, sizeof(header)))
        return ELF_BROKEN;
    *ret_why = "it is not for x86-64";
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64)
        return ELF_FOREIGN;
    *ret_why = "it is neither a program nor a library";
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
        return ELF_FOREIGN;
    if (!read_needs(&file, &header, &needs)) {
        *ret_why = file.why;
        return ELF_BROKEN;
    }
    *ret = needs;
    return ELF_X86_64;
}
