// SPDX-License-Identifier: BSD-3-Clause
// The root file system against Linux's tmpfs: the same random system calls on both, each result compared, errno
// included, and the whole trees every now and then. Once from an empty root, once above an image.
#include "test.h"

#include "base/fmt.h"
#include "base/string.h"
#include "fake_kernel.h"
#include "fake_lower.h"
#include "libos/syscall/prototypes.h"
#include "model.h"

enum { SLOTS = 6, BUFFER = 24000, PATH = 128 };

static u64 pick(u64 n) { return test_random() % n; }
static bool chance(u64 percent) { return pick(100) < percent; }

static int fds[SLOTS][2]; // ours, the model's; -1: free
static char what[512];    // the call, for the message
static long steps;

static void random_path(char *path)
{
    static const char *const names[] = { "a", "b", "c", "f", "g", "l" };
    size_t parts = 1 + pick(3), at = 0;

    if (chance(10))
        path[at++] = '/';
    for (size_t i = 0; i < parts; i++) {
        const char *name = names[pick(ARRAY_SIZE(names))];
        if (i)
            path[at++] = '/';
        at += fmt_format(path + at, 40, "%s%s", name, chance(5) ? "/." : chance(5) ? "/.." : "");
    }
    if (chance(6))
        path[at++] = '/';
    path[at] = '\0';
    if (chance(1))
        path[0] = '\0';
}

#define SAME(ours, theirs)                                                                          \
    do {                                                                                            \
        long same_ours = (ours), same_theirs = (theirs);                                            \
        if (same_ours != same_theirs) {                                                             \
            test_fail(__FILE__, __LINE__, "%s: ours %ld, Linux %ld", what, same_ours, same_theirs); \
            return false;                                                                           \
        }                                                                                           \
    } while (0)
#define SAY(...) fmt_format(what, sizeof(what), __VA_ARGS__)

static bool step_open(void)
{
    static const u32 extra[] = { 0,
                                 O_CREAT,
                                 O_CREAT | O_EXCL,
                                 O_TRUNC,
                                 O_CREAT | O_TRUNC,
                                 O_APPEND | O_CREAT,
                                 O_NOFOLLOW,
                                 O_DIRECTORY,
                                 O_PATH,
                                 O_PATH | O_NOFOLLOW,
                                 O_CREAT | O_DIRECTORY,
                                 O_CREAT | O_NOFOLLOW };
    u32 flags = (u32)pick(3) | extra[pick(ARRAY_SIZE(extra))] | O_NONBLOCK;
    size_t slot = pick(SLOTS);
    u32 mode = chance(80) ? 0644 : 0755;
    char path[PATH];

    if (fds[slot][0] >= 0)
        return true;
    random_path(path);
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return true; // kernels differ
    SAY("step %ld: open(%s, 0%o)", steps, path, flags);
    long ours = sys_openat(AT_FDCWD, path, (int)flags, mode);
    long theirs = model_call(__NR_openat, (u64)AT_FDCWD, (u64)path, flags, mode, 0);
    SAME(ours < 0 ? ours : 0, theirs < 0 ? theirs : 0);
    if (ours >= 0) {
        fds[slot][0] = (int)ours;
        fds[slot][1] = (int)theirs;
    }
    return true;
}

static bool step_close(size_t slot)
{
    if (fds[slot][0] >= 0) {
        SAY("step %ld: close", steps);
        SAME(sys_close(fds[slot][0]), model_call(__NR_close, (u64)fds[slot][1], 0, 0, 0, 0));
        fds[slot][0] = fds[slot][1] = -1;
    }
    return true;
}

static bool step_write(size_t slot)
{
    static u8 data[BUFFER];
    size_t n = chance(30) ? pick(BUFFER) : pick(200);
    u64 offset = pick(40000);
    u8 value = (u8)test_random();

    for (size_t i = 0; i < n; i++)
        data[i] = (u8)(value + i);
    if (chance(50)) {
        SAY("step %ld: write(%zu)", steps, n);
        SAME(sys_write(fds[slot][0], data, n), model_call(__NR_write, (u64)fds[slot][1], (u64)data, n, 0, 0));
    } else {
        SAY("step %ld: pwrite(%zu, %lu)", steps, n, offset);
        SAME(sys_pwrite64(fds[slot][0], data, n, (s64)offset),
             model_call(__NR_pwrite64, (u64)fds[slot][1], (u64)data, n, offset, 0));
    }
    return true;
}

static bool step_read(size_t slot)
{
    static u8 ours[BUFFER], theirs[BUFFER];
    size_t n = chance(50) ? pick(BUFFER) : pick(200);
    u64 offset = pick(40000);
    long got;

    memset(ours, 1, sizeof(ours));
    memset(theirs, 1, sizeof(theirs));
    if (chance(50)) {
        SAY("step %ld: read(%zu)", steps, n);
        got = sys_read(fds[slot][0], ours, n);
        SAME(got, model_call(__NR_read, (u64)fds[slot][1], (u64)theirs, n, 0, 0));
    } else {
        SAY("step %ld: pread(%zu, %lu)", steps, n, offset);
        got = sys_pread64(fds[slot][0], ours, n, (s64)offset);
        SAME(got, model_call(__NR_pread64, (u64)fds[slot][1], (u64)theirs, n, offset, 0));
    }
    SAME(memcmp(ours, theirs, BUFFER), 0);
    return true;
}

static bool step_descriptor(void)
{
    size_t slot = pick(SLOTS);
    u64 length = chance(50) ? pick(100) : pick(60000), offset = pick(30000);
    int fd = fds[slot][0], whence = (int)pick(5), mode = 0;

    if (fd < 0)
        return true;
    switch (pick(10)) {
    case 0:
    case 1:
        return step_close(slot);
    case 2:
    case 3:
        return step_write(slot);
    case 4:
    case 5:
    case 6:
        return step_read(slot);
    case 7:
        SAY("step %ld: ftruncate(%lu)", steps, length);
        SAME(sys_ftruncate(fd, (s64)length), model_call(__NR_ftruncate, (u64)fds[slot][1], length, 0, 0, 0));
        return true;
    case 8: {
        // Positions in a directory are the file system's own, and so is what it calls a hole.
        struct stat st;
        if (sys_fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
            return true;
        SAY("step %ld: lseek(%lu, %d)", steps, offset, whence);
        long ours = sys_lseek(fd, (s64)offset, (u32)whence),
             theirs = model_call(__NR_lseek, (u64)fds[slot][1], offset, (u64)whence, 0, 0);
        if (whence <= SEEK_END) {
            SAME(ours, theirs);
        } else if (ours >= 0 || theirs >= 0) {
            SAME(sys_lseek(fd, (s64)offset, SEEK_SET), (long)offset);
            SAME(model_call(__NR_lseek, (u64)fds[slot][1], offset, SEEK_SET, 0, 0), (long)offset);
        }
        return true;
    }
    default:
        mode = chance(40) ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : chance(50) ? FALLOC_FL_KEEP_SIZE : 0;
        SAY("step %ld: fallocate(%d, %lu, %lu)", steps, mode, offset, length);
        if (length < 100 && chance(90))
            length = 0;
        SAME(sys_fallocate(fd, mode, (s64)offset, (s64)length),
             model_call(__NR_fallocate, (u64)fds[slot][1], (u64)mode, offset, length, 0));
        return true;
    }
}

static bool same_stat(const char *path, int flags)
{
    struct stat ours, theirs;

    memset(&ours, 0, sizeof(ours));
    memset(&theirs, 0, sizeof(theirs));
    SAY("step %ld: fstatat(%s, %x)", steps, path, (u32)flags);
    long result = sys_newfstatat(AT_FDCWD, path, &ours, flags);
    SAME(result, model_call(__NR_newfstatat, (u64)AT_FDCWD, (u64)path, (u64)&theirs, (u64)flags, 0));
    if (result)
        return true;
    SAY("step %ld: fstatat(%s, %x).st_mode", steps, path, (u32)flags);
    SAME(ours.st_mode, theirs.st_mode);
    SAY("step %ld: fstatat(%s, %x).st_nlink", steps, path, (u32)flags);
    SAME((long)ours.st_nlink, (long)theirs.st_nlink);
    SAY("step %ld: fstatat(%s, %x).st_size", steps, path, (u32)flags);
    if (!S_ISDIR(ours.st_mode))
        SAME(ours.st_size, theirs.st_size);
    return true;
}

static bool step_rename(const char *one, const char *two)
{
    u32 flags = chance(60) ? 0 : chance(50) ? RENAME_NOREPLACE : RENAME_EXCHANGE;
    SAY("step %ld: renameat2(%s, %s, %u)", steps, one, two, flags);
    long ours = sys_renameat2(AT_FDCWD, one, AT_FDCWD, two, flags);
    if (ours == -EXDEV && fake_on_volume) // folders that show the image stay where they are
        return true;
    SAME(ours, model_call(__NR_renameat2, (u64)AT_FDCWD, (u64)one, (u64)AT_FDCWD, (u64)two, flags));
    return true;
}

static bool step_readlink(const char *path)
{
    char ours[64] = { 0 }, theirs[64] = { 0 };
    SAY("step %ld: readlink(%s)", steps, path);
    SAME(sys_readlink(path, ours, sizeof(ours)),
         model_call(__NR_readlink, (u64)path, (u64)theirs, sizeof(theirs), 0, 0));
    SAME(memcmp(ours, theirs, sizeof(ours)), 0);
    return true;
}

static bool step_path(void)
{
    char one[PATH], two[PATH];
    u32 mode = (u32)pick(2) ? 0755 : 0700;

    random_path(one);
    random_path(two);
    switch (pick(17)) {
    case 0:
    case 1:
        SAY("step %ld: mkdir(%s)", steps, one);
        SAME(sys_mkdir(one, mode), model_call(__NR_mkdir, (u64)one, mode, 0, 0, 0));
        return true;
    case 2:
        SAY("step %ld: rmdir(%s)", steps, one);
        SAME(sys_rmdir(one), model_call(__NR_rmdir, (u64)one, 0, 0, 0, 0));
        return true;
    case 3:
        SAY("step %ld: unlink(%s)", steps, one);
        SAME(sys_unlink(one), model_call(__NR_unlink, (u64)one, 0, 0, 0, 0));
        return true;
    case 4:
    case 5:
    case 6:
        return step_rename(one, two);
    case 7:
        SAY("step %ld: link(%s, %s)", steps, one, two);
        SAME(sys_link(one, two), model_call(__NR_link, (u64)one, (u64)two, 0, 0, 0));
        return true;
    case 8:
        SAY("step %ld: symlink(%s, %s)", steps, one, two);
        SAME(sys_symlink(one, two), model_call(__NR_symlink, (u64)one, (u64)two, 0, 0, 0));
        return true;
    case 9:
        return step_readlink(one);
    case 10:
        SAY("step %ld: chmod(%s, %o)", steps, one, mode);
        SAME(sys_chmod(one, mode), model_call(__NR_chmod, (u64)one, mode, 0, 0, 0));
        return true;
    case 11:
        SAY("step %ld: truncate(%s)", steps, one);
        SAME(sys_truncate(one, 5000), model_call(__NR_truncate, (u64)one, 5000, 0, 0, 0));
        return true;
    case 12:
        SAY("step %ld: mknod(%s)", steps, one);
        SAME(sys_mknod(one, S_IFIFO | 0644, 0), model_call(__NR_mknod, (u64)one, S_IFIFO | 0644, 0, 0, 0));
        return true;
    case 13:
        SAY("step %ld: linkat(%s, %s, FOLLOW)", steps, one, two);
        SAME(sys_linkat(AT_FDCWD, one, AT_FDCWD, two, AT_SYMLINK_FOLLOW),
             model_call(__NR_linkat, (u64)AT_FDCWD, (u64)one, (u64)AT_FDCWD, (u64)two, AT_SYMLINK_FOLLOW));
        return true;
    case 14:
        SAY("step %ld: access(%s)", steps, one);
        SAME(sys_access(one, 0), model_call(__NR_access, (u64)one, 0, 0, 0, 0));
        return true;
    default:
        return same_stat(one, chance(50) ? AT_SYMLINK_NOFOLLOW : 0);
    }
}

// The names in a directory, sorted, one per line with their types. Also checks that d_ino is what stat says (ours
// only).
static bool list(const char *path, bool model, char *out)
{
    static u8 buf[8192];
    char names[64][40];
    size_t count = 0;
    long fd = model ? model_call(__NR_open, (u64)path, O_RDONLY | O_DIRECTORY, 0, 0, 0)
                    : sys_open(path, O_RDONLY | O_DIRECTORY, 0);
    out[0] = '\0';
    if (fd < 0)
        return false;
    for (;;) {
        u32 room = model ? sizeof(buf) : 100; // ours in small pieces
        long n =
            model ? model_call(__NR_getdents64, (u64)fd, (u64)buf, room, 0, 0) : sys_getdents64((int)fd, buf, room);
        if (n <= 0)
            break;
        for (long at = 0; at < n && count < 64; at += *(u16 *)(buf + at + 16))
            fmt_format(names[count++], sizeof(names[0]), "%s %u", (char *)buf + at + 19, buf[at + 18]);
    }
    model ? model_call(__NR_close, (u64)fd, 0, 0, 0, 0) : sys_close((int)fd);
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (strcmp(names[k], names[i]) < 0) {
                char swap[40];
                memcpy(swap, names[i], sizeof(swap));
                memcpy(names[i], names[k], sizeof(swap));
                memcpy(names[k], swap, sizeof(swap));
            }
    for (size_t i = 0, at = 0; i < count; i++)
        at += fmt_format(out + at, 2000 - at, "%s\n", names[i]);
    return true;
}

static bool same_file(const char *path)
{
    static u8 ours[70000], theirs[70000];
    long a = sys_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    long b = model_call(__NR_open, (u64)path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, 0, 0);
    SAY("step %ld: contents of %s", steps, path);
    SAME(a < 0 ? a : 0, b < 0 ? b : 0);
    if (a < 0)
        return true;
    long n = sys_pread64((int)a, ours, sizeof(ours), 0);
    SAME(n, model_call(__NR_pread64, (u64)b, (u64)theirs, sizeof(theirs), 0, 0));
    SAME(n > 0 ? memcmp(ours, theirs, (size_t)n) : 0, 0);
    sys_close((int)a);
    model_call(__NR_close, (u64)b, 0, 0, 0, 0);
    return true;
}

static bool same_tree(const char *path, int depth)
{
    static char listing[10][2][2000];
    char *ours = listing[depth][0], *theirs = listing[depth][1], child[400];

    if (!list(path, false, ours) || !list(path, true, theirs)) {
        test_fail(__FILE__, __LINE__, "step %ld: cannot list %s", steps, path);
        return false;
    }
    if (!str_eq(ours, theirs)) {
        test_fail(__FILE__, __LINE__, "step %ld: %s holds, ours:\n%sLinux:\n%s", steps, path, ours, theirs);
        return false;
    }
    for (char *line = theirs; *line; line = strchr(line, '\n') + 1) {
        size_t n = (size_t)(strchr(line, ' ') - line);
        u32 type = (u32)(line[n + 1] - '0');
        if (line[0] == '.')
            continue;
        fmt_format(child, sizeof(child), "%s/%s", str_eq(path, "/") ? "" : path, line);
        *strchr(child, ' ') = '\0';
        if (!same_stat(child, AT_SYMLINK_NOFOLLOW) || (type == 8 && !same_file(child)))
            return false;
        if (type == 4 && depth < 9 && !same_tree(child, depth + 1))
            return false;
    }
    return true;
}

static void run_steps(long count)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (fds[i][1] > 0) // a round that failed left it
            model_call(__NR_close, (u64)fds[i][1], 0, 0, 0, 0);
        fds[i][0] = fds[i][1] = -1;
    }
    for (steps = 0; steps < count; steps++) {
        u64 kind = pick(10);
        if (!(kind < 2 ? step_open() : kind < 5 ? step_descriptor() : step_path()))
            return;
        if (steps % 200 == 199 && !same_tree("/", 0))
            return;
    }
    for (size_t i = 0; i < SLOTS; i++)
        step_close(i);
    same_tree("/", 0);
}

static void remove_all(const char *path)
{
    char names[2000], child[400];
    if (!list(path, true, names))
        return;
    for (char *line = names; *line; line = strchr(line, '\n') + 1) {
        if (line[0] == '.')
            continue;
        fmt_format(child, sizeof(child), "%s/%s", str_eq(path, "/") ? "" : path, line);
        *strchr(child, ' ') = '\0';
        if (strchr(line, ' ')[1] == '4')
            remove_all(child);
        model_call(__NR_unlinkat, (u64)AT_FDCWD, (u64)child, strchr(line, ' ')[1] == '4' ? AT_REMOVEDIR : 0, 0, 0);
    }
}

static void clear_model(void)
{
    remove_all("/");
    model_call(__NR_chmod, (u64) "/", 0755, 0, 0, 0);
}

static bool confined(void)
{
    static int state;
    if (!state)
        state = model_start(false) ? 1 : -1;
    return state > 0;
}

TEST(empty_root)
{
    CHECK(confined());
    for (int round = 0; round < 20; round++) {
        s64 before = fake_blocks();
        clear_model();
        fake_boot(NULL, 0);
        fake_short_copies = round % 2;
        run_steps(2000);
        fake_shutdown();
        CHECK_EQ(fake_blocks(), before + 1); // a file system itself is never freed
    }
    CHECK(fake_short_copies_seen > 1000);
    fake_short_copies = false;
}

static void above_image(int rounds)
{
    static u8 byte;
    CHECK(confined());
    for (int round = 0; round < rounds; round++) {
        s64 before = fake_blocks();
        clear_model();
        for (size_t i = 1; i < fake_lower_count; i++) {
            const struct fake_lower_node *node = &fake_lower_nodes[i];
            if (S_ISDIR(node->mode))
                model_call(__NR_mkdir, (u64)node->path, node->mode & 07777, 0, 0, 0);
            else if (S_ISLNK(node->mode))
                model_call(__NR_symlink, (u64)node->text, (u64)node->path, 0, 0, 0);
            else {
                long fd = model_call(__NR_open, (u64)node->path, O_CREAT | O_WRONLY, node->mode & 07777, 0, 0);
                for (u64 at = 0; at < node->size; at++) {
                    byte = fake_lower_byte(node, at);
                    model_call(__NR_write, (u64)fd, (u64)&byte, 1, 0, 0);
                }
                model_call(__NR_close, (u64)fd, 0, 0, 0, 0);
            }
        }
        fake_boot(&fake_lower, 0);
        run_steps(2000);
        fake_shutdown();
        // A file system itself is never freed.
        if (!fake_on_volume)
            CHECK_EQ(fake_blocks(), before + 1);
        else
            CHECK(fake_volume_clean());
    }
}

TEST(above_image) { above_image(20); }

// The same with the root on a volume. Then the disk is one that e2fsck has nothing to say about.
TEST(on_volume)
{
    fake_on_volume = true;
    above_image(6);
    fake_on_volume = false;
}

TEST(empty_root_on_volume)
{
    CHECK(confined());
    fake_on_volume = true;
    for (int round = 0; round < 5; round++) {
        clear_model();
        fake_boot(NULL, 0);
        fake_short_copies = round % 2;
        run_steps(2000);
        fake_shutdown();
        CHECK(fake_volume_clean());
    }
    fake_short_copies = fake_on_volume = false;
}
