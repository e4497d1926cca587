// SPDX-License-Identifier: BSD-3-Clause
// The end of a process's contexts of asynchronous I/O.
#include "libos/mem/heap.h"
#include "libos/process/aio.h"
#include "libos/process/process.h"

void aio_drop_all(struct process *process)
{
    mutex_assert_held(&process_lock);
    struct aio_context *context, *next;
    list_for_each_safe (context, next, &process->aio, link) {
        list_del(&context->link);
        context->destroyed = true;
        if (--context->refs == 0)
            kfree(context);
    }
}
