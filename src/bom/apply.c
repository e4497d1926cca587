// SPDX-License-Identifier: BSD-3-Clause
#include "bom/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bom/copy.h"
#include "bom/root.h"
#include "bom/source.h"

enum state { UP_TO_DATE, LACKING, OTHER_MODE, OTHER_TIME, IMPOSSIBLE };

struct applying {
    const struct plan *plan;
    int root;
    FILE *show; // NULL: lines go to the report
    struct applied *applied;
};

static void refuse(const struct applying *applying, const struct step *step, const char *why)
{
    report_error(applying->plan->report, step->place, "%s: %s in the root: %s", step->key, step->to, why);
}

static void __printf_like(2, 3) show(const struct applying *applying, const char *format, ...)
{
    char line[3 * PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    report_mask(line);
    if (applying->show)
        fprintf(applying->show, "%s\n", line);
    else
        report_note(applying->plan->report, REPORT_INFO, "%s", line);
}

static bool same_time(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum state look_at_folder(const struct applying *applying, const struct step *step)
{
    struct stat there;
    enum state state = UP_TO_DATE;
    int fd = root_open(applying->root, step->to, false);
    if (fd == -ENOENT)
        return LACKING;
    if (fd < 0) {
        refuse(applying, step, fd == -ENOTDIR ? "a file is where a folder must be: remove it first" : strerror(-fd));
        return IMPOSSIBLE;
    }
    if (step->from && fstat(fd, &there) == 0) {
        if ((there.st_mode & 07777) != (step->status.st_mode & 07777))
            state = OTHER_MODE;
        else if (!same_time(&there, &step->status))
            state = OTHER_TIME;
    }
    close(fd);
    return state;
}

static bool has_hash(int folder, const char *name, const u8 hash[32])
{
    u8 found[32];
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool good = fd >= 0 && source_hash(fd, found) == 0 && memcmp(found, hash, sizeof(found)) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static enum state compare_file(const struct step *step, int folder, const char *name, const struct stat *there)
{
    if (!S_ISREG(there->st_mode) || there->st_size != step->status.st_size || !same_time(there, &step->status))
        return LACKING;
    if (step->hashed && !has_hash(folder, name, step->hash))
        return LACKING;
    return (there->st_mode & 07777) == (step->status.st_mode & 07777) ? UP_TO_DATE : OTHER_MODE;
}

static enum state compare_link(const struct step *step, int folder, const char *name, const struct stat *there)
{
    char text[PATH_MAX];
    ssize_t length = S_ISLNK(there->st_mode) ? readlinkat(folder, name, text, sizeof(text) - 1) : -1;
    if (length < 0)
        return LACKING;
    text[length] = '\0';
    return strcmp(text, step->from) == 0 ? UP_TO_DATE : LACKING;
}

static enum state look(const struct applying *applying, const struct step *step)
{
    const char *name;
    struct stat there;
    enum state state = LACKING;
    if (step->kind == STEP_FOLDER)
        return look_at_folder(applying, step);
    int folder = root_open_parent(applying->root, step->to, false, &name);
    if (folder == -ENOENT)
        return LACKING;
    if (folder < 0) {
        refuse(applying, step, folder == -ENOTDIR ? "a file is where a folder above it must be" : strerror(-folder));
        return IMPOSSIBLE;
    }
    if (fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) != 0)
        state = errno == ENOENT ? LACKING : IMPOSSIBLE;
    else if (S_ISDIR(there.st_mode))
        state = IMPOSSIBLE;
    else
        state = step->kind == STEP_FILE ? compare_file(step, folder, name, &there)
                                        : compare_link(step, folder, name, &there);
    close(folder);
    if (state == IMPOSSIBLE)
        refuse(applying, step,
               step->kind == STEP_FILE ? "a folder is where the file must be: remove it first"
                                       : "a folder is where the link must be: remove it first");
    return state;
}

static void tell(const struct applying *applying, const struct step *step, enum state state)
{
    struct applied *applied = applying->applied;
    unsigned mode = step->status.st_mode & 07777;
    if (state == UP_TO_DATE) {
        applied->unchanged += step->kind != STEP_FOLDER;
        report_note(applying->plan->report, REPORT_DEBUG, "same  %s", step->to);
    } else if (state == OTHER_MODE) {
        applied->changed_modes++;
        show(applying, "mode  %s to %o", step->to, mode);
    } else if (state == OTHER_TIME) {
        show(applying, "time  %s", step->to);
    } else if (step->kind == STEP_FOLDER) {
        applied->folders++;
        show(applying, "mkdir %s", step->to);
    } else if (step->kind == STEP_LINK) {
        applied->links++;
        show(applying, "link  %s -> %s", step->to, step->from);
    } else {
        applied->files++;
        applied->bytes += (u64)step->status.st_size;
        show(applying, "copy  %s -> %s (%lld bytes)", step->from, step->to, (long long)step->status.st_size);
    }
}

void apply_check(const struct plan *plan, int root_fd, FILE *out, struct applied *ret)
{
    struct applying applying = { plan, root_fd, out, ret };
    *ret = (struct applied){ 0 };
    for (size_t i = 0; i < plan->count; i++) {
        enum state state = look(&applying, plan->items[i]);
        if (out && state != IMPOSSIBLE)
            tell(&applying, plan->items[i], state);
    }
}

static int make_link(const struct step *step, int folder, const char *name)
{
    char temporary[64];
    snprintf(temporary, sizeof(temporary), ".copy_bom.%ld", (long)getpid());
    unlinkat(folder, temporary, 0);
    if (symlinkat(step->from, folder, temporary) != 0)
        return -errno;
    if (renameat(folder, temporary, folder, name) == 0)
        return 0;
    int err = -errno;
    unlinkat(folder, temporary, 0);
    return err;
}

static int do_step(const struct applying *applying, const struct step *step, enum state state, const volatile int *stop)
{
    const char *name;
    if (step->kind == STEP_FOLDER) {
        int fd = state == LACKING ? root_open(applying->root, step->to, true) : 0;
        if (state == LACKING && fd >= 0)
            close(fd);
        return MIN(fd, 0);
    }
    int folder = root_open_parent(applying->root, step->to, true, &name);
    if (folder < 0)
        return folder;
    int err = 0;
    if (state == OTHER_MODE)
        err = fchmodat(folder, name, step->status.st_mode & 07777, 0) == 0 ? 0 : -errno;
    else
        err = step->kind == STEP_LINK ? make_link(step, folder, name) : copy_file(step, folder, name, stop);
    close(folder);
    return err;
}

// Mode and time of a copied folder, when all in it is done: it may be one that forbids writing.
static int finish_folder(const struct applying *applying, const struct step *step)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, step->status.st_mtim };
    char path[64];
    struct stat there;
    int fd = root_open(applying->root, step->to, false), err = 0;
    if (fd < 0)
        return fd;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); // the descriptor is O_PATH
    if (fstat(fd, &there) != 0)
        err = -errno;
    else if ((there.st_mode & 07777) != (step->status.st_mode & 07777) &&
             chmod(path, step->status.st_mode & 07777) != 0)
        err = -errno;
    else if (!same_time(&there, &step->status) && utimensat(AT_FDCWD, path, times, 0) != 0)
        err = -errno;
    close(fd);
    return err;
}

static void failed(const struct applying *applying, const struct step *step, int err)
{
    if (err == -EUCLEAN)
        report_error(applying->plan->report, step->place, "%s: %s changed while it was copied; %s is as it was",
                     step->key, step->from, step->to);
    else
        report_error(applying->plan->report, step->place, "%s: %s could not be brought into the root: %s", step->key,
                     step->to, strerror(-err));
}

void apply_plan(const struct plan *plan, int root_fd, const volatile int *stop, struct applied *ret)
{
    struct applying applying = { plan, root_fd, NULL, ret };
    *ret = (struct applied){ 0 };
    for (size_t i = 0; i < plan->count && !*stop; i++) {
        const struct step *step = plan->items[i];
        enum state state = look(&applying, step);
        int err = state == UP_TO_DATE || state == IMPOSSIBLE || state == OTHER_TIME
                      ? 0
                      : do_step(&applying, step, state, stop);
        if (err && err != -EINTR)
            failed(&applying, step, err);
        else if (!err && state != IMPOSSIBLE)
            tell(&applying, step, state);
    }
    for (size_t i = plan->count; i > 0; i--) {
        const struct step *step = plan->items[i - 1];
        int err = step->kind == STEP_FOLDER && step->from ? finish_folder(&applying, step) : 0;
        if (err)
            failed(&applying, step, err);
    }
}
