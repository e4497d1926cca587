// SPDX-License-Identifier: BSD-3-Clause
// copy_bom: brings the files that a bill of materials lists, and the libraries they need, into a root file system.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "bom/apply.h"
#include "bom/autodep.h"
#include "bom/paths.h"
#include "bom/source.h"

enum { STATUS_OK = 0, STATUS_ERROR = 1, STATUS_USAGE = 2 };

static const char help[] =
    "usage: copy_bom -f BOM --root DIR [--dry-run] [--include-dir DIR]... [--library-dir DIR]...\n\n"
    "Copies what the bill of materials BOM (YAML) lists, and the libraries that it needs, into "
    "the root file system DIR:\n"
    "the image/ of an Occlum instance. DIR is made if it is not there. What is up to date is "
    "left alone; nothing is removed.\n\n"
    "  -f, --file BOM         the bill of materials; - is standard input, and a name without / "
    "may be one that comes with Occlum\n"
    "      --root DIR         where the files go\n"
    "      --dry-run          only print what would be done\n"
    "  -I, --include-dir DIR  where included BOMs are looked for, besides the folder of the BOM "
    "that includes them; may be given\n"
    "                         more than once. Those that come with Occlum (base.yaml, "
    "python3.yaml, busybox.yaml) are found last\n"
    "  -L, --library-dir DIR  libraries are looked for here before this machine's folders, and come to "
    "where the program will look; may be\n"
    "                         given more than once\n"
    "  -h, --help             this text\n"
    "      --version          the version\n\n"
    "environment:  OCCLUM_LOG_LEVEL=off|error|warn|info|debug|trace   what is said on stderr "
    "(warn). info: each thing done\n"
    "              LD_LIBRARY_PATH=DIR:DIR...   more such folders, behind those of --library-dir\n\n"
    "exit status:  0 done;  1 the BOM, its files or the root are wrong: nothing was changed, "
    "unless a message says that copying failed;\n"
    "              2 wrong command line\n\n"
    "A BOM:\n"
    "  includes: [base.yaml]\n"
    "  targets:\n"
    "    - target: /bin\n"
    "      copy:\n"
    "        - files: [../build/server, {name: tool, rename: helper}]\n";

static const struct option options[] = {
    { "file", required_argument, NULL, 'f' },        { "root", required_argument, NULL, 'r' },
    { "dry-run", no_argument, NULL, 'n' },           { "include-dir", required_argument, NULL, 'I' },
    { "library-dir", required_argument, NULL, 'L' }, { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'v' },           { 0 }
};

struct request {
    const char *file, *root;
    bool dry_run;
    struct text_list include_dirs, library_dirs;
};

static volatile int stop;
static void on_signal(int number) { stop = number; }

static int usage(const char *what, const char *word, const char *near)
{
    fprintf(stderr, "copy_bom: %s%s", what, word);
    if (near)
        fprintf(stderr, ". Did you mean --%s?", near);
    fprintf(stderr, "%s See: copy_bom --help\n", near ? "" : ".");
    return STATUS_USAGE;
}

static int unknown_option(const char *word)
{
    const char *names[ARRAY_SIZE(options)] = { NULL };
    for (size_t i = 0; options[i].name; i++)
        names[i] = options[i].name;
    return usage("unknown option: ", word, strncmp(word, "--", 2) == 0 ? nearest_word(word + 2, names) : NULL);
}

// Returns -1 to go on, or the exit status.
static int parse(struct arena *arena, int argc, char **argv, struct request *ret)
{
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":f:I:i:L:h", options, NULL)) != -1) {
        switch (c) {
        case 'f':
            ret->file = optarg;
            break;
        case 'r':
            ret->root = optarg;
            break;
        case 'n':
            ret->dry_run = true;
            break;
        case 'i': // as Occlum's documents have it
        case 'I':
            ARENA_PUSH(arena, &ret->include_dirs, optarg);
            break;
        case 'L':
            ARENA_PUSH(arena, &ret->library_dirs, path_absolute(arena, optarg));
            break;
        case 'h':
            fputs(help, stdout);
            return STATUS_OK;
        case 'v':
            puts("copy_bom " OCCLUM_VERSION);
            return STATUS_OK;
        case ':':
            return usage("a value is missing behind ", argv[optind - 1], NULL);
        default:
            return unknown_option(argv[optind - 1]);
        }
    }
    if (optind < argc)
        return usage("not an option: ", argv[optind], NULL);
    if (!ret->file)
        return usage("which BOM? Give -f BOM", "", NULL);
    if (!ret->root)
        return usage("where to? Give --root DIR", "", NULL);
    return -1;
}

// The BOMs that come with Occlum: in the build tree, or installed.
static void add_own_includes(struct arena *arena, struct text_list *list)
{
    static const char *const places[] = { "../../examples/bom", "../share/occlum/bom" };
    char self[PATH_MAX], real[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0)
        return;
    self[n] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        if (realpath(path_join(arena, path_parent(arena, self), places[i]), real))
            ARENA_PUSH(arena, list, arena_copy(arena, real, strlen(real)));
}

// Opens the root. -1: it is not there yet; -2: after an error.
static int open_root(struct report *report, const char *path)
{
    struct stat own, root;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return -1;
    if (fd < 0) {
        report_error(report, (struct place){ 0 }, "--root %s: %s", path,
                     errno == ENOTDIR ? "it is no folder" : strerror(errno));
        return -2;
    }
    if (stat("/", &own) == 0 && fstat(fd, &root) == 0 && own.st_dev == root.st_dev && own.st_ino == root.st_ino) {
        report_error(report, (struct place){ 0 },
                     "--root %s is this machine's own root; it must be the folder of an image", path);
        close(fd);
        return -2;
    }
    return fd;
}

static int make_root(struct report *report, const char *path)
{
    if (mkdir(path, 0755) != 0) {
        report_error(report, (struct place){ 0 }, "--root %s cannot be made: %s", path, strerror(errno));
        return -2;
    }
    return open_root(report, path);
}

static const char *readable_size(struct arena *arena, u64 bytes)
{
    if (bytes < KIB(10))
        return arena_format(arena, "%llu bytes", (unsigned long long)bytes);
    if (bytes < MIB(10))
        return arena_format(arena, "%.1f KiB", (double)bytes / 1024);
    return arena_format(arena, "%.1f MiB", (double)bytes / 1024 / 1024);
}

static void summarize(struct arena *arena, const struct report *report, const struct request *request,
                      const struct applied *applied)
{
    if (report->level < REPORT_WARN)
        return;
    fprintf(request->dry_run ? stderr : stdout,
            "copy_bom: %s%s: %llu files (%s), %llu links, %llu folders; %llu up to date\n",
            request->dry_run ? "would bring into " : "brought into ", request->root, (unsigned long long)applied->files,
            readable_size(arena, applied->bytes), (unsigned long long)applied->links,
            (unsigned long long)applied->folders, (unsigned long long)applied->unchanged);
}

// As ld.so(8) reads it: an empty one is the working folder.
static void add_library_path(struct arena *arena, struct text_list *list, const char *text)
{
    for (size_t length; text && *text; text += length + (text[length] != '\0')) {
        length = strcspn(text, ":;");
        ARENA_PUSH(arena, list, path_absolute(arena, length ? arena_copy(arena, text, length) : "."));
    }
}

// All that can be found out before anything is touched.
static void make_plan(struct plan *plan, const struct request *request)
{
    struct library_files files = LIBRARY_FILES_OF_THIS_MACHINE;
    struct libraries libraries;
    struct bom_list boms = { 0 };
    struct dependents dependents = { 0 };
    bom_load(plan->arena, plan->report, request->file, &request->include_dirs, &boms);
    for (size_t i = 0; i < boms.count; i++)
        targets_plan(plan, boms.items[i], &dependents);
    files.folders = request->library_dirs;
    add_library_path(plan->arena, &files.folders, getenv("LD_LIBRARY_PATH"));
    libraries_open(&libraries, plan->arena, plan->report, plan, &files);
    autodep_plan(plan, &libraries, &dependents);
}

// From here on an interrupted run ends between two files.
static void catch_signals(void)
{
    const struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int run(struct arena *arena, struct report *report, const struct request *request)
{
    struct plan plan = { .arena = arena, .report = report };
    struct applied applied;
    int root = open_root(report, request->root);
    struct stat status;
    if (root >= 0 && fstat(root, &status) == 0) {
        plan.root_device = status.st_dev;
        plan.root_inode = status.st_ino;
    }
    make_plan(&plan, request);
    if (root != -2)
        apply_check(&plan, root, NULL, &applied);
    if (report->errors > REPORT_ERRORS_MAX)
        fprintf(stderr, "copy_bom: %u more errors\n", report->errors - REPORT_ERRORS_MAX);
    if (report->errors) {
        fprintf(stderr, "copy_bom: %u error%s; nothing was changed\n", report->errors, report->errors == 1 ? "" : "s");
        return STATUS_ERROR;
    }
    if (request->dry_run) {
        if (root < 0)
            printf("mkdir / (%s itself)\n", request->root);
        apply_check(&plan, root, stdout, &applied);
    } else {
        catch_signals();
        root = root < 0 ? make_root(report, request->root) : root;
        if (root >= 0)
            apply_plan(&plan, root, &stop, &applied);
    }
    if (stop)
        report_error(report, (struct place){ 0 },
                     "stopped by signal %d; what was copied so far is whole, the same command goes on", stop);
    if (report->errors == 0)
        summarize(arena, report, request, &applied);
    return fflush(stdout) == 0 && report->errors == 0 ? STATUS_OK : STATUS_ERROR;
}

int main(int argc, char **argv)
{
    struct arena arena = { 0 };
    struct report report = { .out = stderr };
    struct request request = { 0 };
    const char *level = getenv("OCCLUM_LOG_LEVEL");
    int status = parse(&arena, argc, argv, &request);

    if (!report_parse_level(level, &report.level))
        report_warning(&report, (struct place){ 0 },
                       "OCCLUM_LOG_LEVEL=%s is no level (off error warn info debug trace); taking warn", level);
    if (status < 0) {
        umask(022); // the modes of folders are part of what is measured
        source_hash_init();
        add_own_includes(&arena, &request.include_dirs);
        status = run(&arena, &report, &request);
    }
    arena_free(&arena);
    return status;
}
