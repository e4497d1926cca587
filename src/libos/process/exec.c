// SPDX-License-Identifier: BSD-3-Clause
// execve(2): from a path to a program's first instruction.
#include "base/string.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/process/cred.h"
#include "libos/process/elf_load.h"
#include "libos/process/process.h"
#include "libos/process/stack.h"
#include "libos/process/strings.h"
#include "libos/signal/posix_timer.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/fork.h"
#include "libos/vm/user.h"
#include "trusted/layout.h"
#include "trusted/vector.h"

enum { MAX_SCRIPTS = 4, SCRIPT_LINE = 256 };
#define STACK_FIRST KIB(16) // of the stack, every program uses

struct exec {
    struct elf_image program, interpreter;
    bool has_interpreter;
    struct file *file, *interpreter_file;
    char **argv; // of kmalloc, with the interpreter's words of scripts in front
    char script_words[MAX_SCRIPTS][SCRIPT_LINE];
    const char *path;
    struct cred *cred; // what the program will have
    bool secure;       // AT_SECURE
    struct elf_parts parts;
    struct memory_layout layout;
};

static void release(struct exec *exec)
{
    if (exec->file)
        file_unref(exec->file);
    if (exec->interpreter_file)
        file_unref(exec->interpreter_file);
    kfree(exec->argv);
    cred_unref(exec->cred);
}

static size_t count(char *const *list)
{
    size_t n = 0;
    while (list[n])
        n++;
    return n;
}

// argv = words in front + the script's path instead of argv[0] + the rest.
static int prepend(struct exec *exec, char **words, size_t n)
{
    size_t old = count(exec->argv);
    char **argv = kmalloc((old + n + 2) * sizeof(char *));
    if (!argv)
        return -ENOMEM;
    memcpy(argv, words, n * sizeof(char *));
    memcpy(argv + n, exec->argv, (old + 1) * sizeof(char *));
    if (!old)
        argv[n + 1] = NULL;
    argv[n] = (char *)(uintptr_t)exec->path;
    kfree(exec->argv);
    exec->argv = argv;
    return 0;
}

// "#!interpreter [argument]": the rest of the line is one argument, as on Linux.
static int script_line(struct exec *exec, int depth, char *line, size_t size)
{
    char *words[2];
    size_t n = 0;
    char *text = exec->script_words[depth], *end;

    memcpy(text, line + 2, size - 2);
    text[size - 2] = '\0';
    end = strchr(text, '\n');
    if (!end && size == SCRIPT_LINE - 1)
        return -ENOEXEC; // longer than a line may be
    if (!end)
        end = text + strlen(text); // the file ends without a newline
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    while (*text == ' ' || *text == '\t')
        text++;
    if (!*text)
        return -ENOEXEC;
    words[n++] = text;
    while (*text && *text != ' ' && *text != '\t')
        text++;
    if (*text) {
        *text++ = '\0';
        while (*text == ' ' || *text == '\t')
            text++;
        if (*text)
            words[n++] = text;
    }
    int err = prepend(exec, words, n);
    exec->path = words[0];
    return err;
}

// Opens the program itself, through up to MAX_SCRIPTS scripts.
static int open_program(struct exec *exec)
{
    char line[SCRIPT_LINE];

    for (int depth = 0;; depth++) {
        int err = file_open_exec(exec->path, &exec->file);
        if (err)
            return err;
        long n = file_read_at(exec->file, 0, line, sizeof(line) - 1);
        if (n < 0)
            return (int)n;
        if (n < 2 || line[0] != '#' || line[1] != '!')
            return elf_image_open(exec->file, &exec->program);
        if (depth == MAX_SCRIPTS)
            return -ELOOP;
        err = script_line(exec, depth, line, (size_t)n);
        file_unref(exec->file);
        exec->file = NULL;
        if (err)
            return err;
    }
}

static int open_interpreter(struct exec *exec)
{
    if (!exec->program.interpreter[0])
        return 0;
    int err = file_open_exec(exec->program.interpreter, &exec->interpreter_file);
    if (err) {
        log_error("%s needs the loader %s, which is not in the image (copy_bom brings it)", exec->path,
                  exec->program.interpreter);
        return err;
    }
    exec->has_interpreter = true;
    err = elf_image_open(exec->interpreter_file, &exec->interpreter);
    return err == 0 && exec->interpreter.fixed ? -ENOEXEC : err;
}

static int map_stack(struct mm *mm, u64 size, bool executable, u64 *ret_top)
{
    struct vm_map_args args = {
        .len = size + PAGE_SIZE,
        .prot = PROT_NONE,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | MAP_GROWSDOWN,
    };
    s64 at = vm_map(mm, &args);
    if (at < 0)
        return (int)at;
    *ret_top = (u64)at + PAGE_SIZE + size;
    u32 prot = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
    int err = vm_protect(mm, (u64)at + PAGE_SIZE, size, prot); // the lowest page stays a guard
    if (!err)
        vm_populate(mm, *ret_top - STACK_FIRST, STACK_FIRST);
    return err;
}

static u64 stack_size(void)
{
    u64 size = current_process()->limits[RLIMIT_STACK].rlim_cur;
    if (size == RLIM64_INFINITY || size > GIB(1))
        size = enclave_config()->default_stack_size;
    return MAX(ALIGN_UP(size, PAGE_SIZE), (u64)128 << 10);
}

static void note_layout(struct exec *exec, u64 stack_size)
{
    const struct elf_image *program = &exec->program;
    struct memory_layout *layout = &exec->layout;

    layout->code_start = exec->parts.code_start;
    layout->code_end = exec->parts.code_end;
    layout->data_start = exec->parts.data_start;
    layout->data_end = exec->parts.data_end;
    layout->brk_start = program->end + program->bias;
    layout->stack_size = stack_size;
}

// Everything that can be done in the new address space. The current thread's mm is already the new one.
static int build(struct exec *exec, char *const *envp, const char *execfn)
{
    struct mm *mm = current->mm;
    u64 size = stack_size(), top = 0;
    struct memory_layout *layout = &exec->layout;

    int err = file_run(exec->program.file, mm);
    if (!err)
        err = elf_image_map(&exec->program, mm, &exec->parts);
    if (!err && exec->has_interpreter)
        err = elf_image_map(&exec->interpreter, mm, NULL);
    if (!err)
        err = map_stack(mm, size, exec->program.exec_stack, &top);
    if (!err)
        err = mm_set_brk(mm, exec->program.end + exec->program.bias, enclave_config()->default_heap_size);
    if (!err)
        err = stack_fill(top, size, exec->argv, envp, &exec->program, exec->has_interpreter ? &exec->interpreter : NULL,
                         execfn, exec->secure, layout);
    if (err)
        return err;
    note_layout(exec, size);
    const struct elf_image *first = exec->has_interpreter ? &exec->interpreter : &exec->program;
    *current->regs = (struct user_regs){
        .rip = first->entry + first->bias,
        .rsp = layout->stack,
        .rflags = 0x202,
        .orig_rax = (u64)-1,
        .full_restore = 1,
    };
    return 0;
}

static void rename_process(struct exec *exec, char *const *envp)
{
    struct process *process = current_process();
    char path[512];
    const char *slash = strrchr(exec->path, '/'), *base = slash ? slash + 1 : exec->path;
    size_t n = strnlen(base, sizeof(current->name) - 1);

    memset(current->name, 0, sizeof(current->name));
    memcpy(current->name, base, n);
    file_path(exec->file, path, sizeof(path));
    mutex_lock(&process_lock);
    kfree(process->exe);
    kfree(process->cmdline);
    kfree(process->environ);
    process->exe = kstrdup(path);
    process->layout = exec->layout;
    process->cmdline = strings_flatten(exec->argv, &process->cmdline_size);
    process->environ = strings_flatten(envp, &process->environ_size);
    mutex_unlock(&process_lock);
}

// The point of no return: an error from here on ends the process.
static int replace(struct exec *exec, char *const *envp, const char *execfn)
{
    struct mm *mm;
    struct files *own;
    int err = cred_for_exec(exec->file, &exec->cred, &exec->secure);

    if (!err)
        err = process_kill_siblings();
    if (err)
        return err;
    err = mm_create(&mm);
    if (err)
        return err;
    err = files_own(current->files, &own); // a table shared by vfork or CLONE_FILES stays with the others
    if (err) {
        mm_unref(mm);
        return err;
    }
    struct mm *old = current->mm;
    if (old)
        vm_thread_ends(old, current->away);
    vm_thread_starts(mm);
    current->away = false;
    thread_take_pending(current, THREAD_AWAY | THREAD_YIELD);
    old = thread_swap(mm, mm);
    mm_unref(old);
    files_unref(thread_swap(files, own));
    files_close_on_exec(own);
    process_vfork_release(current_process());
    signals_reset(&current_process()->signals);
    mutex_lock(&process_lock);
    posix_timers_free(&current_process()->signals);
    current->tid = current_process()->pid;
    current_process()->execed = old != NULL;
    current_process()->exit_signal = SIGCHLD;
    current_process()->undumpable =
        exec->cred->uid != exec->cred->euid || exec->cred->gid != exec->cred->egid; // set-id: before and after
    mutex_unlock(&process_lock);
    process_set_cred(exec->cred);
    exec->cred = NULL;
    current->altstack_sp = current->altstack_size = 0;
    current->altstack_flags = 0;
    current->clear_child_tid = current->robust_list = 0;
    err = build(exec, envp, execfn);
    if (!err)
        err = thread_set_fs(0);
    if (err && !old)
        return err; // the first program of all: the caller says why it cannot start
    if (err) {
        log_error("%s: cannot be loaded: error %d", execfn, -err);
        process_kill(current_process(), SIGKILL);
        process_thread_exit(SIGKILL);
    }
    rename_process(exec, envp);
    vector_reset();
    return 0;
}

int process_exec(const char *path, char **argv, char **envp)
{
    struct exec *exec = kzalloc(sizeof(*exec));
    if (!exec)
        return -ENOMEM;
    exec->path = path;
    size_t n = count(argv);
    exec->argv = kmalloc((n + 2) * sizeof(char *));
    int err = exec->argv ? 0 : -ENOMEM;
    if (!err) {
        memcpy(exec->argv, argv, (n + 1) * sizeof(char *));
        err = open_program(exec);
    }
    if (!err)
        err = open_interpreter(exec);
    if (!err)
        err = replace(exec, envp, path);
    release(exec);
    kfree(exec);
    return err;
}
