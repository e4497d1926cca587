// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

struct test {
    const char *name;
    void (*run)(void);
};

static struct test tests[1024];
static size_t test_count;
static bool failed;
static u64 random_state = 0x9e3779b97f4a7c15ull;

void test_register(const char *name, void (*run)(void))
{
    if (test_count == ARRAY_SIZE(tests))
        abort();
    tests[test_count++] = (struct test){ name, run };
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    failed = true;
    printf("# %s:%d: ", file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

u64 test_random(void)
{
    u64 z = (random_state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

int main(int argc, char **argv)
{
    int failures = 0;
    const char *only = argc > 1 ? argv[1] : NULL, *seed = getenv("TEST_SEED");

    if (seed)
        random_state = strtoull(seed, NULL, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%zu\n", test_count);
    for (size_t i = 0; i < test_count; i++) {
        failed = false;
        if (!only || __builtin_strcmp(only, tests[i].name) == 0)
            tests[i].run();
        failures += failed;
        printf("%s %zu - %s\n", failed ? "not ok" : "ok", i + 1, tests[i].name);
    }
    return failures ? 1 : 0;
}
