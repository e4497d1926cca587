// SPDX-License-Identifier: BSD-3-Clause
// sigaltstack(2): the stack that handlers with SA_ONSTACK run on. SS_AUTODISARM takes it away while one does.
#include "base/string.h"
#include "libos/signal/signal.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

static bool altstack_active(const struct thread *thread, u64 sp)
{
    return thread->altstack_size && !(thread->altstack_flags & SS_AUTODISARM) && sp > thread->altstack_sp &&
           sp - thread->altstack_sp <= thread->altstack_size;
}

void signal_altstack_get(u64 sp, stack_t *ret_stack)
{
    const struct thread *thread = current;

    memset(ret_stack, 0, sizeof(*ret_stack));
    ret_stack->ss_sp = (void *)thread->altstack_sp;
    ret_stack->ss_size = thread->altstack_size;
    ret_stack->ss_flags = (int)(thread->altstack_flags & SS_AUTODISARM);
    if (!thread->altstack_size)
        ret_stack->ss_flags |= SS_DISABLE;
    else if (altstack_active(thread, sp))
        ret_stack->ss_flags |= SS_ONSTACK;
}

int signal_altstack_set(u64 sp, const stack_t *stack)
{
    struct thread *thread = current;
    int mode = stack->ss_flags & ~(int)SS_AUTODISARM;
    bool off = mode == SS_DISABLE;

    if (altstack_active(thread, sp))
        return -EPERM;
    if (mode != 0 && mode != SS_ONSTACK && !off)
        return -EINVAL;
    if (!off && stack->ss_size < MINSIGSTKSZ)
        return -ENOMEM;
    thread->altstack_sp = off ? 0 : (u64)stack->ss_sp;
    thread->altstack_size = off ? 0 : stack->ss_size;
    thread->altstack_flags = (u32)stack->ss_flags;
    return 0;
}

long sys_sigaltstack(const stack_t __user *new, stack_t __user *old)
{
    u64 sp = current->regs->rsp;
    stack_t previous, stack;

    signal_altstack_get(sp, &previous);
    if (new) {
        if (copy_from_user(&stack, new, sizeof(stack)))
            return -EFAULT;
        int err = signal_altstack_set(sp, &stack);
        if (err)
            return err;
    }
    return old && copy_to_user(old, &previous, sizeof(previous)) ? -EFAULT : 0;
}
