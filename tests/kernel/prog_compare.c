// SPDX-License-Identifier: BSD-3-Clause
// One thread makes calls whose answers are determined, and says in a line each what came back. Run inside and, with
// --native, on Linux: the lines must be the same (run.py compare).
#include "base/string.h"
#include "generate.h"
#include "programs.h"

enum { SCRATCH = KIB(64) };

static u64 digest(user_addr at, size_t size)
{
    static u8 bytes[GENERATOR_BUFFER];
    u64 hash = 0xcbf29ce484222325ull;

    size = MIN(size, sizeof(bytes));
    user_read(bytes, at, size);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return hash;
}

// Of struct stat: what does not depend on where the file lies.
static u64 digest_stat(user_addr at)
{
    struct stat st;

    user_read(&st, at, sizeof(st));
    u64 size = S_ISDIR(st.st_mode) ? 0 : (u64)st.st_size;
    return st.st_mode | st.st_nlink << 16 | size << 24 | st.st_rdev << 56;
}

static u64 digest_pipe(user_addr at)
{
    u32 ends[2];
    user_read(ends, at, sizeof(ends));
    return (u64)ends[0] << 32 | ends[1];
}

static u64 output(const struct generated_call *call, long result)
{
    switch (call->number) {
    case __NR_read:
    case __NR_pread64:
    case __NR_readlinkat:
        return result > 0 ? digest(call->out, (size_t)result) : 0;
    case __NR_fstat:
    case __NR_newfstatat:
        return result == 0 ? digest_stat(call->out) : 0;
    case __NR_pipe2:
        return result == 0 ? digest_pipe(call->out) : 0;
    default:
        return 0;
    }
}

static user_addr map(size_t size)
{
    long at = os_call(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    USER_CHECK(at > 0);
    return (user_addr)at;
}

static void begin(void)
{
    const u64 ignore[4] = { 1 /* SIG_IGN */ };
    user_addr action = user_scratch(sizeof(ignore));

    user_write(action, ignore, sizeof(ignore));
    USER_CHECK_EQ(os_call(__NR_rt_sigaction, SIGPIPE, action, 0, 8), 0);
    os_call(__NR_close_range, 0, 100, 0);
    os_call(__NR_umask, 022);
    if (bench_options.native)
        return; // is in a folder of its own
    USER_CHECK_EQ(os_call(__NR_mkdir, user_string("/tmp/x"), 0755), 0);
    USER_CHECK_EQ(os_call(__NR_chdir, user_string("/tmp/x")), 0);
}

// The end of a folder is what its file system calls so: ext4 has another than tmpfs.
static bool is_undetermined(const struct generated_call *call, user_addr at)
{
    struct stat st;

    if (call->number != __NR_lseek || call->args[2] != SEEK_END || os_call(__NR_fstat, call->args[0], at) != 0)
        return false;
    user_read(&st, at, sizeof(st));
    return S_ISDIR(st.st_mode);
}

int program_compare(int argc, char **argv)
{
    static const u32 no_pids[GENERATOR_PIDS];
    struct generator generator = {
        .random.state = bench_options.seed, .pids = no_pids, .descriptors = 12, .determined = true
    };
    struct generated_call call;
    u8 bytes[256];

    user_scratch_set(map(SCRATCH), SCRATCH);
    generator.buffer = map(GENERATOR_BUFFER);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (u8)i;
    for (size_t i = 0; i < GENERATOR_BUFFER; i += sizeof(bytes))
        user_write(generator.buffer + i, bytes, sizeof(bytes));
    begin();
    user_addr stat_at = map(sizeof(struct stat));
    for (u64 i = 0; i < bench_options.operations; i++) {
        generate_call(&generator, &call);
        if (is_undetermined(&call, stat_at)) {
            bench_print("%lu %s of a folder: left out\n", i, call.name);
            continue;
        }
        long result =
            os(call.number, call.args[0], call.args[1], call.args[2], call.args[3], call.args[4], call.args[5]);
        bench_print("%lu %s %s %s %lx %lx %lx %lx = %ld %lx\n", i, call.name, call.path[0], call.path[1],
                    call.args[0] > BENCH_USER_START ? 0 : call.args[0],
                    call.args[1] > BENCH_USER_START ? 0 : call.args[1],
                    call.args[2] > BENCH_USER_START ? 0 : call.args[2],
                    call.args[3] > BENCH_USER_START ? 0 : call.args[3], result, output(&call, result));
    }
    return 0;
}
