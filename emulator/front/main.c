// SPDX-License-Identifier: BSD-3-Clause
// sgx2emu: options, start of the program, its exit status.
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cpuid.h>

#include "front/cpu/fsgsbase.h"
#include "front/driver/epc.h"
#include "front/driver/script.h"
#include "front/front.h"
#include "front/loop.h"
#include "front/os/emu.h"
#include "front/os/filter.h"
#include "front/os/task.h"
#include "front/profile.h"

struct emu emu;

static const char usage[] =
    "Usage: sgx2emu [OPTIONS] PROGRAM [ARGS...]\n"
    "Runs PROGRAM on a software model of SGX1 and SGX2. Gives no confidentiality.\n"
    "  --epc SIZE            EPC size, with suffix K, M or G (default 128M)\n"
    "  --max-map-count N     mappings of enclaves a process may have (default: vm.max_map_count)\n"
    "  --sgx1                a CPU without SGX2\n"
    "  --driver=5.11|6.0     the driver without or with the SGX2 ioctls (default 6.0)\n"
    "  --no-vdso             a kernel whose vDSO has no enclave entry: exceptions inside come as signals\n"
    "  --profile NAME        cost model: client-skl, server-icx (default) or a file, see sgx2emu(1)\n"
    "  --script FILE         a hostile driver: acts on pages at chosen events, see sgx2emu(1)\n"
    "  --fuses FILE          the 32 bytes that all keys derive from (default: published ones)\n"
    "  --stats[=FILE.json]   counts at exit, on standard error or as JSON\n"
    "  --trace               one line an event on standard error\n"
    "  --pin                 the program and the emulator on one core: fastest transitions\n"
    "  --no-pin              undoes --pin: threads of the program run at the same time\n"
    "  --abort-page          accesses from outside see ones also where the enclave uses the page: slow\n"
    "  --no-batch            a stop for every leaf and page touched, for comparison\n"
    "  --check               says what this machine and the emulated one offer\n"
    "  --help\n";

static _Noreturn void wrong(const char *format, const char *text)
{
    fputs("sgx2emu: ", stderr);
    fprintf(stderr, format, text);
    fputs(". sgx2emu --help says more\n", stderr);
    exit(125);
}

static u64 parse_size(const char *text)
{
    char *end;
    if (*text < '0' || *text > '9')
        return 0;
    u64 value = strtoull(text, &end, 0), unit = 1;
    if (*end == 'K' || *end == 'k')
        unit = 1ull << 10, end++;
    else if (*end == 'M' || *end == 'm')
        unit = 1ull << 20, end++;
    else if (*end == 'G' || *end == 'g')
        unit = 1ull << 30, end++;
    return *end || value > (1ull << 43) / unit ? 0 : value * unit / EMU_PAGE * EMU_PAGE;
}

static u64 kernel_max_map_count(void)
{
    u64 value = 65530;
    FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
    if (f && fscanf(f, "%lu", &value) != 1)
        value = 65530;
    if (f)
        fclose(f);
    return value;
}

static void pin(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)sched_getcpu(), &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0)
        perror("sgx2emu: --pin");
}

static int pinned; // the last of --pin and --no-pin

static const struct option long_options[] = { { "epc", required_argument, NULL, 'e' },
                                              { "max-map-count", required_argument, NULL, 'm' },
                                              { "sgx1", no_argument, NULL, '1' },
                                              { "driver", required_argument, NULL, 'd' },
                                              { "profile", required_argument, NULL, 'p' },
                                              { "stats", optional_argument, NULL, 's' },
                                              { "trace", no_argument, NULL, 't' },
                                              { "pin", no_argument, &pinned, 1 },
                                              { "no-pin", no_argument, &pinned, 0 },
                                              { "fuses", required_argument, NULL, 'f' },
                                              { "script", required_argument, NULL, 'x' },
                                              { "no-vdso", no_argument, NULL, 'v' },
                                              { "check", no_argument, NULL, 'c' },
                                              { "no-batch", no_argument, NULL, 'b' },
                                              { "abort-page", no_argument, NULL, 'a' },
                                              { "help", no_argument, NULL, 'h' },
                                              { NULL, 0, NULL, 0 } };

// One option of the command line, as getopt_long says it.
static void take_option(int c, char **argv)
{
    struct emu_options *o = &emu.options;
    switch (c) {
    case 'e':
        o->epc_bytes = parse_size(optarg);
        if (o->epc_bytes < 1u << 20)
            wrong("--epc %s: not a size of 1M or more, such as 128M", optarg);
        break;
    case 'm':
        o->max_map_count = strtoull(optarg, NULL, 10);
        if (!o->max_map_count)
            wrong("--max-map-count %s: not a number above 0", optarg);
        break;
    case '1':
        o->sgx1 = true;
        break;
    case 'd':
        if (strcmp(optarg, "5.11") && strcmp(optarg, "6.0"))
            wrong("--driver=%s: there are 5.11 and 6.0", optarg);
        o->driver_sgx1 = optarg[0] == '5';
        break;
    case 'p':
        o->profile = optarg;
        break;
    case 'f':
        o->fuses = optarg;
        break;
    case 's':
        o->stats = true;
        o->stats_file = optarg;
        break;
    case 't':
        o->trace = true;
        break;
    case 0: // --pin, --no-pin
        break;
    case 'v':
        o->no_vdso = true;
        break;
    case 'x':
        if (script_load(optarg) < 0)
            exit(125);
        break;
    case 'a':
        o->abort_page = true;
        break;
    case 'b':
        o->no_batch = true;
        break;
    case 'c':
        o->check = true;
        break;
    case 'h':
        fputs(usage, stdout);
        exit(0);
    case ':':
        wrong("%s: a value is missing", argv[optind - 1]);
    default:
        wrong("%s: there is no such option", argv[optind - 1]);
    }
}

static void parse(int argc, char **argv)
{
    struct emu_options *o = &emu.options;
    int c;

    *o = (struct emu_options){ .epc_bytes = 128ull << 20,
                               .max_map_count = kernel_max_map_count(),
                               .profile = "server-icx" };
    while ((c = getopt_long(argc, argv, "+:", long_options, NULL)) >= 0)
        take_option(c, argv);
    if (pinned)
        pin();
    if (profile_load(o->profile, &emu_profile) < 0)
        exit(125);
    if (optind == argc && !o->check)
        wrong("%s", "the program to run is missing");
}

// The enclave may have the components the host has, laid out as the host's XSAVE lays them out: AVX, AVX-512, PKRU.
static void offer_xfrm(struct sgx_config *config)
{
    enum { XFRM_OFFERED = 0x2e7 };
    unsigned low, high, size, offset, unused;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    config->xfrm = low & XFRM_OFFERED;
    for (unsigned i = 2; i < 32; i++)
        if (config->xfrm >> i & 1) {
            __cpuid_count(0xd, i, size, offset, unused, unused);
            config->xsave[i] = (struct sgx_xsave_component){ offset, size };
        }
}

// Without a file the fuses are the emulator's: every machine and user shares them. With one too the keys are marked
// (model/keys.c) and worth nothing.
static int read_fuses(const char *path, u8 ret_fuse[32])
{
    u8 data[33];
    if (!path) {
        memcpy(ret_fuse, "sgx2emu: no secret is kept here.", 32);
        return 0;
    }
    FILE *f = fopen(path, "re");
    if (!f)
        return -errno;
    size_t size = fread(data, 1, sizeof(data), f);
    fclose(f);
    if (size != 32)
        return -EINVAL;
    memcpy(ret_fuse, data, 32);
    return 0;
}

static int model_start(void)
{
    static struct sgx_config config;
    emu.bases_native = fsgsbase_offered();
    config.sgx2 = !emu.options.sgx1;
    config.kss = true;
    config.epc_base = 0x100000000;
    offer_xfrm(&config);
    int ret = read_fuses(emu.options.fuses, config.fuse);
    if (ret < 0) {
        fprintf(stderr, "sgx2emu: --fuses %s: %s\n", emu.options.fuses,
                ret == -EINVAL ? "not 32 bytes" : strerror(-ret));
        exit(125);
    }
    config.security_version = 1;
    if (getrandom(config.paging_key, sizeof(config.paging_key), 0) < 0 || epc_init() < 0)
        return -ENOMEM;
    static const struct sgx_ops ops = { ops_page, ops_walk, ops_event };
    struct sgx_epcm *epcm = calloc(emu.pages, sizeof(*epcm));
    if (!epcm)
        return -ENOMEM;
    return sgx_model_init(&emu.model, &config, &ops, &emu, epcm, emu.pages);
}

static pid_t spawn(char **argv)
{
    int gate[2];
    char byte;
    if (pipe(gate) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        close(gate[1]);
        if (read(gate[0], &byte, 1) != 1)
            _exit(125);
        close(gate[0]);
        int ret = filter_install();
        if (ret < 0) {
            fprintf(stderr, "sgx2emu: seccomp: %s. What helps: a sandbox that permits seccomp(2)\n", strerror(-ret));
            _exit(125);
        }
        execvp(argv[0], argv);
        fprintf(stderr, "sgx2emu: %s: %s\n", argv[0], strerror(errno));
        _exit(errno == ENOENT ? 127 : 126);
    }
    close(gate[0]);
    unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                            PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (child > 0 && ptrace(PTRACE_SEIZE, child, NULL, options) < 0) {
        fprintf(
            stderr,
            "sgx2emu: ptrace: %s. What helps: kernel.yama.ptrace_scope 0 or 1, and a sandbox that permits ptrace (a "
            "container: --cap-add SYS_PTRACE)\n",
            strerror(errno));
        close(gate[1]);
        return -1;
    }
    if (write(gate[1], "", 1) != 1)
        return -1;
    close(gate[1]);
    return child;
}

static pid_t program;

// Signals that people send to the process they started are meant for the program. What comes from the terminal reaches
// it anyway.
static void pass_on(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code != SI_KERNEL)
        kill(program, sig);
}

static void pass_signals_on(pid_t child)
{
    static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT };
    struct sigaction old, action = { .sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART };
    program = child;
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    prctl(PR_SET_NAME, "sgx2emu"); // a program learns from its tracer's name that it is emulated
    parse(argc, argv);
    int ret = model_start();
    if (ret < 0) {
        fprintf(
            stderr,
            "sgx2emu: the model of the CPU: %s. What helps: ulimit -v and ulimit -d unlimited, or a smaller --epc\n",
            strerror(-ret));
        return 125;
    }
    if (emu.options.check)
        return check_machine();
    double start = now();
    pid_t child = spawn(argv + optind);
    if (child < 0)
        return 125;
    pass_signals_on(child);
    struct task *t = task_add(child);
    t->mm = mm_new();
    t->actions = calloc(1, sizeof(*t->actions));
    if (!t->actions)
        return 125;
    t->actions->refs = 1;
    int status = loop_run(child);
    report(now() - start);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    return 128 + WTERMSIG(status);
}
