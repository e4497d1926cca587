// SPDX-License-Identifier: BSD-3-Clause
#include "bom/report.h"
#include "fixture.h"

#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DYNAMIC_AT = 0x200, STRINGS_AT = 0x600 };

static u64 add_string(u8 *bytes, size_t *used, const char *text)
{
    u64 at = *used;
    memcpy(bytes + STRINGS_AT + at, text, strlen(text) + 1);
    *used += strlen(text) + 1;
    return at;
}

size_t fixture_elf(const struct elf_wish *wish, u8 bytes[ELF_SIZE_MAX])
{
    Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                          .e_type = wish->type ? wish->type : ET_DYN,
                          .e_machine = EM_X86_64,
                          .e_version = EV_CURRENT,
                          .e_phoff = sizeof(header),
                          .e_ehsize = sizeof(header),
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = 3 };
    Elf64_Phdr segments[3] = { { .p_type = PT_LOAD },
                               { .p_type = PT_DYNAMIC, .p_offset = DYNAMIC_AT, .p_vaddr = DYNAMIC_AT },
                               { .p_type = PT_NULL } };
    Elf64_Dyn dynamic[32];
    size_t count = 0, used = 1;
    memset(bytes, 0, ELF_SIZE_MAX);
    for (size_t i = 0; wish->needed[i]; i++)
        dynamic[count++] = (Elf64_Dyn){ DT_NEEDED, { add_string(bytes, &used, wish->needed[i]) } };
    const struct {
        const char *text;
        s64 tag;
    } texts[] = { { wish->soname, DT_SONAME }, { wish->rpath, DT_RPATH }, { wish->runpath, DT_RUNPATH } };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (texts[i].text)
            dynamic[count++] = (Elf64_Dyn){ texts[i].tag, { add_string(bytes, &used, texts[i].text) } };
    if (wish->interpreter) {
        u64 at = STRINGS_AT + add_string(bytes, &used, wish->interpreter);
        segments[2] = (Elf64_Phdr){
            .p_type = PT_INTERP, .p_offset = at, .p_vaddr = at, .p_filesz = strlen(wish->interpreter) + 1
        };
    }
    if (wish->flags_1)
        dynamic[count++] = (Elf64_Dyn){ DT_FLAGS_1, { wish->flags_1 } };
    dynamic[count++] = (Elf64_Dyn){ DT_STRTAB, { STRINGS_AT } };
    dynamic[count++] = (Elf64_Dyn){ DT_STRSZ, { used } };
    dynamic[count++] = (Elf64_Dyn){ DT_NULL, { 0 } };
    segments[1].p_filesz = count * sizeof(Elf64_Dyn);
    segments[0].p_filesz = segments[0].p_memsz = STRINGS_AT + used;
    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + sizeof(header), segments, sizeof(segments));
    memcpy(bytes + DYNAMIC_AT, dynamic, count * sizeof(Elf64_Dyn));
    return STRINGS_AT + used;
}

size_t fixture_cache(const struct cache_wish *wishes, size_t count, bool old, u8 *bytes, size_t room)
{
    size_t begin = old ? 32 : 0, strings = 48 + count * 24;
    u32 header[12] = { 0 };
    memset(bytes, 0, room);
    if (old) {
        u32 one = 1; // entry of the old format
        memcpy(bytes, "ld.so-1.7.0", 11);
        memcpy(bytes + 12, &one, 4);
    }
    memcpy(header, "glibc-ld.so.cache1.1", 20);
    header[5] = (u32)count;
    header[7] = 2;
    memcpy(bytes + begin, header, sizeof(header));
    for (size_t i = 0; i < count; i++) {
        struct {
            s32 flags;
            u32 key, value, os_version;
            u64 hwcap;
        } entry = { .flags = wishes[i].flags ? wishes[i].flags : 0x0303,
                    .key = (u32)strings,
                    .hwcap = wishes[i].hwcap };
        strcpy((char *)bytes + begin + strings, wishes[i].name);
        strings += strlen(wishes[i].name) + 1;
        entry.value = (u32)strings;
        strcpy((char *)bytes + begin + strings, wishes[i].path);
        strings += strlen(wishes[i].path) + 1;
        memcpy(bytes + begin + 48 + i * 24, &entry, sizeof(entry));
    }
    return begin + strings;
}

int fixture_file(const void *bytes, size_t size)
{
    int fd = memfd_create("fixture", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    return fd;
}

static char folder[64];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw) { return remove(path); }
static void remove_folder(void) { nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

const char *fixture_folder(void)
{
    if (!folder[0]) {
        strcpy(folder, "/tmp/occlum-bom-XXXXXX");
        if (!mkdtemp(folder))
            abort();
        atexit(remove_folder);
    }
    return folder;
}

const char *fixture_path(const char *name)
{
    static char paths[16][PATH_MAX];
    static size_t next;
    char *path = paths[next++ % ARRAY_SIZE(paths)];
    snprintf(path, PATH_MAX, "%s/%s", fixture_folder(), name);
    return path;
}

const char *fixture_write(const char *name, const void *bytes, size_t size)
{
    const char *path = fixture_path(name);
    char above[PATH_MAX];
    for (const char *slash = strchr(path + strlen(folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(above, sizeof(above), "%.*s", (int)(slash - path), path);
        mkdir(above, 0755);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
    return path;
}

static char *said;
static size_t said_size;
static FILE *stream;

static void forget(void)
{
    if (stream)
        fclose(stream);
    free(said);
    stream = NULL;
    said = NULL;
}

struct report fixture_report(void)
{
    static bool once;
    if (!once)
        atexit(forget);
    once = true;
    forget();
    stream = open_memstream(&said, &said_size);
    return (struct report){ .out = stream, .level = REPORT_WARN };
}

const char *fixture_said(void)
{
    fflush(stream);
    return said;
}
