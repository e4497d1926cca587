// SPDX-License-Identifier: BSD-3-Clause
// User mode: C functions in the place of a program's instructions. A function makes system calls through os(), which
// does what gate.S does on the way in and out; a signal handler is another such function.
#include "user.h"

#include <linux/elf.h>

#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/process/process.h"
#include "libos/syscall/dispatch.h"
#include "libos/thread/thread.h"
#include "machine.h"
#include "trusted/hooks.h"
#include "trusted/tls.h"

// Addresses of "code". They lie in the user range, as the LibOS may ask, where nothing is ever mapped by a hint.
#define CODE(n) (BENCH_USER_START + 16 * (n))
#define CODE_RETURN CODE(1)   // behind the `syscall` of os()
#define CODE_CHILD CODE(2)    // a new thread begins; r12 and r13 say with what
#define CODE_RESTORER CODE(3) // SA_RESTORER
#define CODE_HANDLERS CODE(16)

enum { HANDLERS_MAX = 64, CANARY = 0x5ca1ab1e };

static __thread u64 user_sp;

static _Noreturn void run_program(struct user_regs *regs);

static struct user_regs *registers(void) { return (struct user_regs *)tls_self()->slot.stack_top - 1; }

// --- activity, for the report of a hang

static struct {
    u64 call, operations;
} activity[BENCH_SLOTS];

u64 machine_activity(u64 slot, u64 *ret_operations)
{
    *ret_operations = __atomic_load_n(&activity[slot].operations, __ATOMIC_RELAXED);
    return __atomic_load_n(&activity[slot].call, __ATOMIC_RELAXED);
}

static void note_call(u64 number)
{
    u64 slot = tls_self()->slot.slot;
    __atomic_store_n(&activity[slot].call, number + 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&activity[slot].operations, 1, __ATOMIC_RELAXED);
}

static void note_return(void) { __atomic_store_n(&activity[tls_self()->slot.slot].call, 0, __ATOMIC_RELAXED); }

// --- handlers

static user_signal_fn handlers[HANDLERS_MAX];

u64 user_handler(user_signal_fn fn)
{
    for (size_t i = 0; i < HANDLERS_MAX; i++) {
        user_signal_fn none = NULL;
        if (__atomic_compare_exchange_n(&handlers[i], &none, fn, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
            none == fn)
            return CODE_HANDLERS + i;
    }
    bench_fail("too many signal handlers");
}

static bool is_handler(u64 rip) { return rip - CODE_HANDLERS < HANDLERS_MAX; }

static void enter_kernel(struct user_regs *regs, u64 number, const u64 args[6], u64 rsp)
{
    *regs = (struct user_regs){
        .rdi = args[0],
        .rsi = args[1],
        .rdx = args[2],
        .r10 = args[3],
        .r8 = args[4],
        .r9 = args[5],
        .rbx = CANARY,
        .rbp = CANARY + 1,
        .r12 = CANARY + 2,
        .rax = number,
        .orig_rax = number,
        .rip = CODE_RETURN,
        .rcx = CODE_RETURN,
        .rsp = rsp,
        .rflags = 0x202,
    };
}

static void dispatch(struct user_regs *regs)
{
    note_call(regs->orig_rax);
    syscall_dispatch(regs);
    note_return();
}

// gate_return: what waits is done first.
static void run_pending(struct user_regs *regs)
{
    while (thread_pending(current))
        if (hooks->pending(regs))
            break;
}

// Runs a handler to its end; its frame's registers are in *regs then.
static void call_handler(struct user_regs *regs)
{
    static const u64 none[6];
    u64 frame = regs->rsp, interrupted_sp = user_sp;
    user_signal_fn fn = __atomic_load_n(&handlers[regs->rip - CODE_HANDLERS], __ATOMIC_SEQ_CST);

    if (frame % 16 != 8)
        bench_fail("a signal frame at %#lx", frame);
    user_sp = frame - 256;
    fn((int)regs->rdi, regs->rsi, regs->rdx);
    user_sp = interrupted_sp;
    enter_kernel(regs, __NR_rt_sigreturn, none, frame + 8); // its `ret` took the restorer's address
    dispatch(regs);
}

// On until the program is where it was: behind the system call, or at the instruction of a fault.
static void return_to_user(struct user_regs *regs)
{
    for (;;) {
        run_pending(regs);
        if (regs->rip == CODE_RETURN)
            return;
        if (regs->rip == CODE_RETURN - 2) { // the call is made again
            regs->rip = CODE_RETURN;
            regs->orig_rax = regs->rax;
            dispatch(regs);
        } else if (is_handler(regs->rip)) {
            call_handler(regs);
        } else {
            run_program(regs); // execve
        }
    }
}

static long libos_call(u64 number, const u64 args[6])
{
    struct user_regs *regs = registers();

    enter_kernel(regs, number, args, user_sp);
    dispatch(regs);
    return_to_user(regs);
    if (regs->rbx != CANARY || regs->rbp != CANARY + 1 || regs->r12 != CANARY + 2 || regs->rsp != user_sp)
        bench_fail("system call %lu changed the program's registers", number);
    return (long)regs->rax;
}

long os(long number, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
    const u64 args[6] = { a0, a1, a2, a3, a4, a5 };
    long result = bench_options.native ? bench_native_call(number, args) : libos_call((u64)number, args);

    if (bench_options.verbose)
        bench_print("%ld(%lx, %lx, %lx, %lx, %lx, %lx) = %ld\n", number, a0, a1, a2, a3, a4, a5, result);
    return result;
}

// --- memory

static void user_fault(u64 addr, bool write)
{
    static const u64 none[6];
    struct user_regs *regs = registers();

    enter_kernel(regs, (u64)-1, none, user_sp);
    hooks->fault(regs, 14, 4u | (write ? 2u : 0), addr);
    return_to_user(regs);
}

void user_write(user_addr to, const void *from, size_t size)
{
    for (size_t done = 0; done < size;) {
        done = size - machine_copy((void *)(to + done), (const u8 *)from + done, size - done);
        if (done < size)
            user_fault(to + done, true);
    }
}

void user_read(void *to, user_addr from, size_t size)
{
    for (size_t done = 0; done < size;) {
        done = size - machine_copy((u8 *)to + done, (const void *)(from + done), size - done);
        if (done < size)
            user_fault(from + done, false);
    }
}

u32 user_load32(user_addr at)
{
    u32 value = 0, fault = 1;
    while (machine_cmpxchg((u32 *)at, &value, value, &fault), fault)
        user_fault(at, true);
    return value;
}

u32 user_exchange32(user_addr at, u32 value)
{
    u32 old = user_load32(at), fault = 0;
    while (!machine_cmpxchg((u32 *)at, &old, value, &fault))
        if (fault)
            user_fault(at, true);
    return old;
}

static __thread u64 scratch_base, scratch_used;
static __thread size_t scratch_size;

void user_scratch_set(user_addr base, size_t size)
{
    scratch_base = base;
    scratch_size = size;
    scratch_used = 0;
}

user_addr user_scratch(size_t size)
{
    u64 at = scratch_base + scratch_used;
    if (size > scratch_size - scratch_used)
        bench_fail("the scratch memory of a program is full");
    scratch_used += ALIGN_UP(size, 16);
    return at;
}

void user_scratch_reset(void) { scratch_used = 0; }

user_addr user_string(const char *text)
{
    user_addr at = user_scratch(strlen(text) + 1);
    user_write(at, text, strlen(text) + 1);
    return at;
}

// --- signals, threads, programs

long user_sigaction(int signo, user_signal_fn fn, u64 flags)
{
    struct signal_action action = { 0 };
    user_addr at = user_scratch(sizeof(action));

    if (fn)
        action = (struct signal_action){ user_handler(fn), flags | 0x04000000 /* SA_RESTORER */, CODE_RESTORER, 0 };
    user_write(at, &action, sizeof(action));
    return os_call(__NR_rt_sigaction, signo, at, 0, 8);
}

long user_clone(u64 flags, int (*fn)(u64 arg), u64 arg, user_addr stack_top, user_addr child_tid)
{
    const u64 args[6] = { flags, stack_top, child_tid, child_tid, 0, 0 };
    struct user_regs *regs = registers();

    enter_kernel(regs, __NR_clone, args, user_sp);
    regs->r12 = (u64)(uintptr_t)fn;
    regs->r13 = arg;
    regs->r14 = CODE_CHILD; // the child has these registers and rax 0
    dispatch(regs);
    return_to_user(regs);
    return (long)regs->rax;
}

long user_execve(const char *path, const char *const *argv)
{
    u64 list[16] = { 0 };
    size_t n = 0;

    for (; argv[n] && n < 15; n++)
        list[n] = user_string(argv[n]);
    user_addr at = user_scratch((n + 2) * sizeof(u64));
    user_write(at, list, (n + 1) * sizeof(u64));
    return os_call(__NR_execve, user_string(path), at, at + n * sizeof(u64));
}

void user_exit(int status)
{
    for (;;)
        os_call(__NR_exit, status);
}

u64 random_next(struct user_random *random)
{
    u64 z = (random->state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

// --- programs: an ELF file whose first instruction is a number that says which function it is

struct program_entry {
    char magic[8];
    u64 index;
};
static const char program_magic[8] = "BENCHPRG";

enum { ARGS_MAX = 16, ARG_SIZE = 64 };

static _Noreturn void run_program(struct user_regs *regs)
{
    struct program_entry entry;
    char text[ARGS_MAX][ARG_SIZE], *argv[ARGS_MAX + 1] = { NULL };
    u64 argc, at;

    u64 stack = regs->rsp, entry_point = regs->rip; // a fault uses *regs
    user_sp = stack - 256;
    user_read(&entry, entry_point, sizeof(entry));
    if (memcmp(entry.magic, program_magic, sizeof(program_magic)) != 0)
        bench_fail("a program begins at %#lx, where there is none", entry_point);
    user_read(&argc, stack, sizeof(argc));
    argc = MIN(argc, (u64)ARGS_MAX);
    for (u64 i = 0; i < argc; i++) {
        user_read(&at, stack + 8 + i * 8, sizeof(at));
        for (size_t n = 0; n < ARG_SIZE; n++) {
            user_read(&text[i][n], at + n, 1);
            if (!text[i][n])
                break;
        }
        text[i][ARG_SIZE - 1] = '\0';
        argv[i] = text[i];
    }
    int status = bench_programs[entry.index]->main((int)argc, argv);
    for (;;)
        os_call(__NR_exit_group, status);
}

static _Noreturn void run_child(struct user_regs *regs)
{
    int (*fn)(u64) = (int (*)(u64))(uintptr_t)regs->r12;
    u64 arg = regs->r13;

    user_sp = regs->rsp - 256;
    run_pending(regs);
    user_exit(fn(arg));
}

// In the place of gate.S's way to the program.
void thread_return_to_user(struct user_regs *regs)
{
    user_sp = regs->rsp - 256;
    run_pending(regs);
    while (is_handler(regs->rip)) { // a signal came before the first instruction
        call_handler(regs);
        run_pending(regs);
    }
    if (regs->rip == CODE_RETURN && regs->r14 == CODE_CHILD)
        run_child(regs);
    run_program(regs);
}

static void make_program(size_t index)
{
    static struct {
        Elf64_Ehdr header;
        Elf64_Phdr segment;
        u8 fill[PAGE_SIZE - sizeof(Elf64_Ehdr) - sizeof(Elf64_Phdr)];
        struct program_entry entry;
    } image;
    char path[64];
    struct file *file;
    struct iovec one;
    struct uio uio;
    u64 offset = 0;

    image.header = (Elf64_Ehdr){
        .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = 1,
        .e_entry = PAGE_SIZE,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 1,
    };
    image.segment = (Elf64_Phdr){ .p_type = PT_LOAD,
                                  .p_flags = PF_R | PF_X,
                                  .p_filesz = sizeof(image),
                                  .p_memsz = sizeof(image),
                                  .p_align = PAGE_SIZE };
    memcpy(image.entry.magic, program_magic, sizeof(program_magic));
    image.entry.index = index;
    fmt_format(path, sizeof(path), "/bin/%s", bench_programs[index]->name);
    if (file_open(path, O_CREAT | O_RDWR, 0755, &file))
        bench_fail("%s: cannot be made", path);
    uio_kernel(&uio, &one, &image, sizeof(image));
    if (file->ops->write(file, &uio, &offset) != (long)sizeof(image))
        bench_fail("%s: cannot be written", path);
    file_unref(file);
}

// The programs stand in the root file system when the first process begins.
void __real_process_boot(const struct occlum_config *config, char **argv, char **envp);
_Noreturn void __wrap_process_boot(const struct occlum_config *config, char **argv, char **envp);

void __wrap_process_boot(const struct occlum_config *config, char **argv, char **envp)
{
    struct inode *dir;

    if (fs_root->ops->create(fs_root, "bin", S_IFDIR | 0755, 0, &dir))
        bench_fail("/bin: cannot be made");
    inode_unref(dir);
    for (size_t i = 0; bench_programs[i]; i++)
        make_program(i);
    __real_process_boot(config, argv, envp);
    __builtin_unreachable();
}

int machine_run_native(const char *const *argv)
{
    char text[ARGS_MAX][ARG_SIZE], *words[ARGS_MAX + 1] = { NULL };
    int argc = 0;

    for (; argv[argc] && argc < ARGS_MAX; argc++) {
        fmt_format(text[argc], ARG_SIZE, "%s", argv[argc]);
        words[argc] = text[argc];
    }
    for (size_t i = 0; bench_programs[i]; i++)
        if (strcmp(bench_programs[i]->name, words[0]) == 0)
            return bench_programs[i]->main(argc, words);
    bench_fail("%s: no such program", words[0]);
}
