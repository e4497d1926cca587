// SPDX-License-Identifier: BSD-3-Clause
// Every stub of a host call against a host that answers anything (lies.c invents all answers): no byte outside the
// buffers is touched, nothing but what the table allows is returned, and only the calls that the table marks end the
// enclave.
#include "base/string.h"
#include "fuzz_stubs.h"
#include "libos/mem/heap.h"
#include "programs.h"
#include "trusted/ocall.h"

enum { STRING_MAX = 300, ELEMENTS_MAX = 600 };

u64 fuzz_value(struct user_random *random)
{
    u64 value = random_next(random);
    return value >> random_below(random, 64);
}

u64 fuzz_size(struct user_random *random)
{
    if (random_below(random, 64) == 0)
        return UINT64_MAX >> random_below(random, 46); // 2^18 and more
    return random_below(random, ELEMENTS_MAX);
}

char *fuzz_string(struct user_random *random)
{
    size_t len = random_below(random, STRING_MAX);
    char *text = kmalloc(len + 1);
    memset(text, 'a', len);
    text[len] = '\0';
    return text;
}

void *fuzz_buffer(u64 count, size_t element) { return kmalloc(count <= ELEMENTS_MAX ? count * element : 1); }

void fuzz_buffer_free(void *buffer) { kfree(buffer); }

void fuzz_check(const char *name, s64 result, s64 limit)
{
    enum { LAST_ERRNO = 133 };
    if (result < -LAST_ERRNO || result > limit)
        bench_fail("%s returned %ld", name, result);
}

int program_stubs(int argc, char **argv)
{
    struct user_random random = { bench_options.seed };
    u64 calls = 0, refusals = 0, end_ns = bench_now_ns() + bench_options.seconds * 1000000000ull;

    bench_options.invent = true;
    for (; bench_options.operations ? calls < bench_options.operations : bench_now_ns() < end_ns; calls++) {
        u64 index = random_below(&random, fuzz_stubs_count);
        refusals += bench_refused(fuzz_stubs[index], &random);
    }
    bench_options.invent = false;
    bench_print("# stubs: seed %lu, %lu host calls, %lu refusals\n", bench_options.seed, calls, refusals);
    return 0;
}
