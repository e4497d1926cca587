// SPDX-License-Identifier: BSD-3-Clause
// clone(2), clone3(2), vfork(2): threads, and children that borrow the parent's memory until they exec.
#include "base/string.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/fork.h"
#include "libos/vm/user.h"
#include "trusted/layout.h"

struct clone_request {
    u64 flags;
    u64 stack;
    u64 parent_tid, child_tid;
    u64 tls;
    u32 exit_signal;
};

static int share_or_copy(struct thread *child, const struct clone_request *request)
{
    const struct thread *parent = current;
    int err = 0;

    if (request->flags & CLONE_VM) {
        child->mm = mm_ref(parent->mm);
        vm_thread_starts(child->mm);
    }
    if (request->flags & CLONE_FILES)
        child->files = files_ref(parent->files);
    else
        err = files_copy(parent->files, &child->files);
    if (err)
        return err;
    if (request->flags & CLONE_FS)
        child->fs = fs_context_ref(parent->fs);
    else
        err = fs_context_copy(parent->fs, &child->fs);
    return err;
}

static void drop(struct thread *child)
{
    if (child->fs)
        fs_context_unref(child->fs);
    if (child->files)
        files_unref(child->files);
    if (child->mm) {
        vm_thread_ends(child->mm, false);
        mm_unref(child->mm);
    }
    signals_thread_free(child);
    thread_discard(child);
}

static struct user_regs child_regs(const struct clone_request *request)
{
    struct user_regs regs = *current->regs;
    regs.rax = 0;
    regs.orig_rax = (u64)-1;
    regs.full_restore = 1;
    if (request->stack)
        regs.rsp = request->stack;
    return regs;
}

static int new_process(const struct clone_request *request, struct process **ret_process)
{
    struct process *process;
    int err = process_create(current_process(), &process);
    if (err)
        return err;
    process->exit_signal = request->exit_signal;
    *ret_process = process;
    return 0;
}

static void unlink_process(struct process *process)
{
    mutex_lock(&process_lock);
    list_del(&process->siblings);
    list_del(&process->all);
    if (process->tty)
        process_tty.drop(process);
    mutex_unlock(&process_lock);
    process_free(process);
}

// The child is in the tree and has its id before it runs.
static void enter_tree(struct thread *child, struct process *process, bool is_thread)
{
    mutex_lock(&process_lock);
    child->tid = is_thread ? process_new_id() : process->pid;
    process_add_thread(process, child);
    mutex_unlock(&process_lock);
}

static void leave_tree(struct thread *child, struct process *process)
{
    mutex_lock(&process_lock);
    list_del(&child->siblings);
    (void)process_drop_thread(process);
    process->live_count--;
    mutex_unlock(&process_lock);
}

static void put_id(u64 address, u32 id)
{
    if (put_user(id, (u32 __user *)address))
        log_debug("clone: thread id address %#lx", address);
}

// For fork the child's memory is told apart from the parent's in between: what is written then, the child has.
static int apply_ids(struct thread *child, const struct clone_request *request)
{
    if (request->flags & CLONE_PARENT_SETTID)
        put_id(request->parent_tid, child->tid);
    if (!(request->flags & CLONE_VM)) {
        struct mm *mm;
        int err = vm_fork(current->mm, &mm);
        if (err)
            return err;
        spin_lock(&child->resources_lock);
        child->mm = mm;
        spin_unlock(&child->resources_lock);
    }
    if (request->flags & CLONE_CHILD_SETTID)
        put_id(request->child_tid, child->tid);
    if (request->flags & CLONE_CHILD_CLEARTID)
        child->clear_child_tid = request->child_tid;
    if (!(request->flags & CLONE_VM))
        vm_fork_done(current->mm, child->mm);
    return 0;
}

// A thread with a stack of its own has no alternate one; a child that goes on with the caller's stack keeps it.
static void inherit_stack(struct thread *child, const struct clone_request *request)
{
    if ((request->flags & CLONE_VM) && !(request->flags & CLONE_VFORK))
        return;
    child->altstack_sp = current->altstack_sp;
    child->altstack_size = current->altstack_size;
}

// Takes the child out of the tree again, with its process.
static void undo(struct thread *child, struct process *process, const struct clone_request *request)
{
    leave_tree(child, process);
    drop(child);
    if (!(request->flags & CLONE_THREAD))
        unlink_process(process);
}

static long run_child(struct thread *child, struct process *process, const struct clone_request *request)
{
    struct user_regs regs = child_regs(request);
    u32 tid = child->tid;
    struct vfork_wait vfork;

    if (request->flags & CLONE_VFORK)
        process_vfork_begin(process, &vfork);
    int err = thread_start(child, &regs);
    if (err) {
        undo(child, process, request);
        return -EAGAIN;
    }
    if (request->flags & CLONE_VFORK)
        process_vfork_wait(&vfork);
    return tid;
}

static long do_clone(const struct clone_request *request)
{
    bool is_thread = request->flags & CLONE_THREAD;
    struct process *process = current_process();
    struct thread *child;

    int err = thread_create(&child);
    if (err)
        return err == -ENOMEM ? -ENOMEM : -EAGAIN;
    memcpy(child->name, current->name, sizeof(child->name));
    memcpy(child->cpus, current->cpus, sizeof(child->cpus));
    child->nice = current->nice;
    child->policy = current->policy;
    child->pinned = current->pinned;
    child->fs_base = request->flags & CLONE_SETTLS ? request->tls : current->fs_base;
    err = signals_thread_init(child, current);
    if (!err)
        err = share_or_copy(child, request);
    if (!err && !is_thread)
        err = new_process(request, &process);
    if (err) {
        drop(child);
        return err;
    }
    enter_tree(child, process, is_thread);
    inherit_stack(child, request);
    err = apply_ids(child, request);
    if (err) {
        undo(child, process, request);
        return err;
    }
    return run_child(child, process, request);
}

static long checked_clone(const struct clone_request *request)
{
    u64 flags = request->flags;

    if (((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) || ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM)))
        return -EINVAL;
    if (flags &
        (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP))
        return -EPERM;
    if (flags & (CLONE_PIDFD | CLONE_PTRACE | CLONE_PARENT))
        return -EINVAL;
    if ((flags & CLONE_SETTLS) && request->tls >= enclave_layout.user_end)
        return -EPERM; // also keeps WRFSBASE from faulting on a non-canonical address
    return do_clone(request);
}

long sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls)
{
    struct clone_request request = {
        .flags = flags & ~0xffull,
        .stack = stack,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
        .tls = tls,
        .exit_signal = flags & 0xff,
    };
    return checked_clone(&request);
}

long sys_vfork(void)
{
    struct clone_request request = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };
    return checked_clone(&request);
}

long sys_fork(void)
{
    struct clone_request request = { .exit_signal = SIGCHLD };
    return checked_clone(&request);
}

long sys_clone3(const struct clone_args __user *user, size_t size)
{
    struct clone_args args = { 0 };

    if (size < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    if (size > sizeof(args))
        return -E2BIG;
    if (copy_from_user(&args, user, size))
        return -EFAULT;
    if (args.exit_signal > SIGNALS || (args.flags & 0xff) || (args.stack && !args.stack_size) || args.set_tid_size)
        return -EINVAL;
    struct clone_request request = {
        .flags = args.flags & ~(u64)(CLONE_DETACHED | CLONE_CLEAR_SIGHAND),
        .stack = args.stack ? args.stack + args.stack_size : 0,
        .parent_tid = args.parent_tid,
        .child_tid = args.child_tid,
        .tls = args.tls,
        .exit_signal = (u32)args.exit_signal,
    };
    if (args.flags & CLONE_CLEAR_SIGHAND)
        return -ENOSYS; // posix_spawn falls back to clone
    return checked_clone(&request);
}

long sys_set_tid_address(u64 address)
{
    current->clear_child_tid = address;
    return current->tid;
}
