// SPDX-License-Identifier: BSD-3-Clause
// What a program learns of the processors: how many it may use, by the call and by /proc/cpuinfo, and SHA-NI.
#include <sched.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    static unsigned long mask[8192 / 64];
    static char line[4096];
    int usable = 0, listed = 0, sha = 0;
    FILE *file = fopen("/proc/cpuinfo", "r");

    if (sched_getaffinity(0, sizeof(mask), (cpu_set_t *)mask) < 0)
        perror("sched_getaffinity");
    for (int i = 0; i < 8192 / 64; i++)
        usable += __builtin_popcountl(mask[i]);
    while (file && fgets(line, sizeof(line), file)) {
        listed += strncmp(line, "processor", 9) == 0;
        sha |= strstr(line, " sha_ni") != NULL;
    }
    printf("usable %d, listed %d, SHA-NI %s\n", usable, listed, sha ? "yes" : "no");
    return 0;
}
