// SPDX-License-Identifier: BSD-3-Clause
// clone(2), clone3(2), vfork(2): threads, and children that borrow the parent's memory until they exec.
#include "base/string.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/fs/file.h"
#include "libos/process/pidfd.h"
#include "libos/process/process.h"
#include "libos/process/sched.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/cred.h"
#include "libos/vm/fork.h"
#include "libos/vm/user.h"
#include "trusted/layout.h"

struct clone_request {
    u64 flags;
    u64 stack;
    u64 parent_tid, child_tid;
    u64 tls;
    u32 exit_signal;
    u64 pidfd;           // where its descriptor is told (CLONE_PIDFD)
    bool reset_handlers; // CLONE_CLEAR_SIGHAND
};

static int share_or_copy(struct thread *child, const struct clone_request *request)
{
    const struct thread *parent = current;
    int err = 0;

    if (request->flags & CLONE_VM) {
        child->mm = mm_ref(parent->mm);
        vm_come_back(); // the child counts as running: so its memory must be in place
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

// CLONE_PARENT: the child's parent is the caller's.
static void become_sibling(struct process *child)
{
    mutex_lock(&process_lock);
    list_del(&child->siblings);
    child->parent = current_process()->parent;
    child->exit_signal = current_process()->exit_signal;
    list_add_tail(&child->siblings, &child->parent->children);
    mutex_unlock(&process_lock);
}

static int new_process(const struct clone_request *request, struct process **ret_process)
{
    struct process *process;
    int err = process_create(current_process(), request->exit_signal, &process);
    if (err)
        return err;
    if (request->reset_handlers)
        signals_reset(&process->signals);
    if (request->flags & CLONE_PARENT)
        become_sibling(process);
    *ret_process = process;
    return 0;
}

// The child is in the tree and has its id before it runs.
static void enter_tree(struct thread *child, struct process *process, bool is_thread)
{
    mutex_lock(&process_lock);
    child->tid = is_thread ? process_new_id() : process->pid;
    process_add_thread(process, child);
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
        WRITE_ONCE(child->mm, mm);
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
    child->altstack_flags = current->altstack_flags;
}

// Takes the child out of the tree again, with its process.
static void undo(struct thread *child, struct process *process, const struct clone_request *request)
{
    process_remove_thread(process, child);
    drop(child);
    if (!(request->flags & CLONE_THREAD))
        process_unlink(process);
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

// CLONE_PIDFD: a descriptor for the child, in the parent's table, told to the parent.
static int give_pidfd(struct process *process, const struct clone_request *request, int *ret_fd)
{
    struct file *file;

    if (!(request->flags & CLONE_PIDFD))
        return 0;
    mutex_lock(&process_lock);
    int err = pidfd_make(process, 0, &file);
    mutex_unlock(&process_lock);
    if (err)
        return err;
    int fd = files_give(file, 0, true);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return put_user(fd, (int __user *)request->pidfd) ? -EFAULT : 0;
}

static long do_clone(const struct clone_request *request)
{
    bool is_thread = request->flags & CLONE_THREAD;
    struct process *process = current_process();
    struct thread *child;

    int err = process_may_clone();
    if (!err)
        err = thread_create(&child);
    if (err)
        return err == -ENOMEM ? -ENOMEM : -EAGAIN;
    memcpy(child->name, current->name, sizeof(child->name));
    sched_inherit(child, current);
    child->cred = cred_ref(current->cred);
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
    int pidfd = -1;
    err = give_pidfd(process, request, &pidfd);
    if (!err)
        err = apply_ids(child, request);
    if (err) {
        if (pidfd >= 0)
            (void)!files_close(pidfd);
        undo(child, process, request);
        return err;
    }
    long tid = run_child(child, process, request);
    if (tid < 0 && pidfd >= 0)
        (void)!files_close(pidfd);
    return tid;
}

static long checked_clone(const struct clone_request *request)
{
    u64 flags = request->flags;

    if (((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) || ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM)))
        return -EINVAL;
    if ((flags & CLONE_FS) && (flags & (CLONE_NEWNS | CLONE_NEWUSER)))
        return -EINVAL;
    if ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID | CLONE_PIDFD)))
        return -EINVAL;
    if ((flags & CLONE_PARENT) && current_process() == process_first) // its siblings would have no parent
        return -EINVAL;
    if (flags &
        (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP))
        return -EPERM;
    if (flags & CLONE_PTRACE) // nobody traces
        return -EPERM;
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
        .pidfd = parent_tid,
    };
    if ((flags & CLONE_PIDFD) && (flags & (CLONE_PARENT_SETTID | CLONE_DETACHED))) // they have one place for both
        return -EINVAL;
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

// struct clone_args of any version: what this one does not know must be zero.
static long take_args(struct clone_args *args, const struct clone_args __user *user, size_t size)
{
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    for (size_t at = sizeof(*args); at < size; at++) {
        u8 byte;
        if (copy_from_user(&byte, (const u8 __user *)user + at, 1))
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    return copy_from_user(args, user, MIN(size, sizeof(*args))) ? -EFAULT : 0;
}

static long check_args(const struct clone_args *args)
{
    enum { SET_TID_MOST = 32 }; // levels of pid namespaces
    const u64 known = 0xffffffffull | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

    if (args->set_tid_size > SET_TID_MOST || !args->set_tid != !args->set_tid_size)
        return -EINVAL;
    if (args->exit_signal > SIGNALS || ((args->flags & (CLONE_THREAD | CLONE_PARENT)) && args->exit_signal))
        return -EINVAL;
    if ((args->flags & ~known) || (args->flags & (CLONE_DETACHED | (0xff & ~(u64)CLONE_NEWTIME))))
        return -EINVAL;
    if ((args->flags & CLONE_CLEAR_SIGHAND) && (args->flags & CLONE_SIGHAND))
        return -EINVAL;
    if (!args->stack != !args->stack_size || (args->stack && !range_is_user(args->stack, args->stack_size)))
        return -EINVAL;
    if (args->flags & CLONE_INTO_CGROUP)
        return -EBADF; // no descriptor is one of a control group that can be entered
    return args->set_tid_size || (args->flags & CLONE_NEWTIME) ? -EPERM : 0;
}

long sys_clone3(const struct clone_args __user *user, size_t size)
{
    struct clone_args args = { 0 };

    long err = take_args(&args, user, size);
    if (!err)
        err = check_args(&args);
    if (err)
        return err;
    struct clone_request request = {
        .flags = args.flags & ~(u64)CLONE_CLEAR_SIGHAND,
        .stack = args.stack ? args.stack + args.stack_size : 0,
        .parent_tid = args.parent_tid,
        .child_tid = args.child_tid,
        .tls = args.tls,
        .exit_signal = (u32)args.exit_signal,
        .pidfd = args.pidfd,
        .reset_handlers = args.flags & CLONE_CLEAR_SIGHAND,
    };
    return checked_clone(&request);
}

long sys_set_tid_address(u64 address)
{
    current->clear_child_tid = address;
    return current->tid;
}
