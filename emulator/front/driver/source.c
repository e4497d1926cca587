// SPDX-License-Identifier: BSD-3-Clause
// Where ADD_PAGES may take its pages from. The supervisor can read everything; the driver reads as the program would,
// and refuses what a noexec file system holds.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "front/driver/source.h"

static int verdict(const char *rights, const char *path)
{
    struct statvfs info;
    if (path[0] == '/' && statvfs(path, &info) == 0 && (info.f_flag & ST_NOEXEC))
        return -EACCES;
    return rights[0] == 'r' ? 0 : -EFAULT;
}

int source_check(struct task *t, struct source *s, u64 address)
{
    char path[64], line[4352];
    if (address >= s->start && address < s->end)
        return s->verdict;
    snprintf(path, sizeof(path), "/proc/%d/maps", t->tid);
    FILE *f = fopen(path, "re");
    *s = (struct source){ 0 };
    while (f && fgets(line, sizeof(line), f)) {
        u64 start, end;
        char rights[5], name[4097] = "";
        if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %4096[^\n]", &start, &end, rights, name) < 3 || end <= address)
            continue;
        if (start > address) { // the kernel looks at the rights of the next area before it finds nothing here
            *s = (struct source){ address, address + 1, verdict("-", name) };
            break;
        }
        *s = (struct source){ start, end, verdict(rights, name) };
        break;
    }
    if (f)
        fclose(f);
    return s->end ? s->verdict : -EFAULT;
}

bool source_interrupted(struct task *t)
{
    char path[64], line[128];
    u64 pending = 0, blocked = 0, value;
    snprintf(path, sizeof(path), "/proc/%d/status", t->tid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "SigPnd: %lx", &value) == 1 || sscanf(line, "ShdPnd: %lx", &value) == 1)
            pending |= value;
        else if (sscanf(line, "SigBlk: %lx", &value) == 1)
            blocked = value;
    }
    if (f)
        fclose(f);
    return pending & ~blocked;
}
