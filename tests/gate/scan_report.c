// SPDX-License-Identifier: BSD-3-Clause
// gate-scan [-l] [-m PERCENT] FILE...: what gate_find() makes of each file, and how long it takes (best of 5).
// -l lists the sites; -m fails if fewer of a file's sites can be rewritten.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gate/host_scan.h"
#include "gate/sites.h"

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void print_sites(const struct gate_table *table)
{
    static const char *const kinds[] = { "pre", "hole", "trap" };

    for (u32 i = 0; i < table->count; i++)
        printf("    %#llx %s\n", (unsigned long long)(table->base + table->sites[i].offset),
               kinds[table->sites[i].kind]);
}

static int report(const char *path, bool list, u32 min_percent)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || fstat(fd, &st) || st.st_size == 0) {
        printf("%-40s skipped: not here\n", path);
        return 0;
    }
    u8 *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    close(fd);
    void *table = NULL;
    size_t size = 0;
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        free(table);
        double start = now_ms();
        if (gate_scan_file(file, (size_t)st.st_size, &table, &size))
            return 1;
        double took = now_ms() - start;
        best = took < best ? took : best;
    }
    const struct gate_table *t = table;
    printf("%-40s sites %4u pre %4u hole %3u trap %3u  %7zu bytes  %6.2f ms\n", path, t ? t->count : 0,
           t ? t->kinds[GATE_PRE] : 0, t ? t->kinds[GATE_HOLE] : 0, t ? t->kinds[GATE_TRAP] : 0, size, best);
    if (t && list)
        print_sites(t);
    bool enough = !t || (t->count - t->kinds[GATE_TRAP]) * 100 >= t->count * min_percent;
    free(table);
    munmap(file, (size_t)st.st_size);
    return !enough;
}

int main(int argc, char **argv)
{
    bool list = false;
    u32 min_percent = 0;
    int failed = 0, option;

    while ((option = getopt(argc, argv, "lm:")) != -1) {
        if (option == 'l')
            list = true;
        else if (option == 'm')
            min_percent = (u32)atoi(optarg);
        else
            return 2;
    }
    for (; optind < argc; optind++)
        failed |= report(argv[optind], list, min_percent);
    return failed;
}
