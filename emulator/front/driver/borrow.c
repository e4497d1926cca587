// SPDX-License-Identifier: BSD-3-Clause
// Threads of the other address spaces that map an enclave: where the reclaimer takes pages of another process's
// enclave.
#include "front/cpu/view.h"
#include "front/driver/driver.h"
#include "front/os/borrow.h"
#include "front/os/emu.h"

bool encl_borrow(struct task *t, const struct encl *e, struct loans *ret_loans)
{
    ret_loans->count = 0;
    for (struct task *u = emu.tasks; u; u = u->next) {
        struct view *v = u->mm && u->mm != t->mm ? view_find(u->mm, e) : NULL;
        bool known = false;
        for (u32 i = 0; i < ret_loans->count; i++)
            known |= ret_loans->loan[i].task->mm == u->mm;
        if (!v || known)
            continue;
        if (ret_loans->count == MAX_LOANS || !mm_borrow(u->mm, &ret_loans->loan[ret_loans->count])) {
            encl_return(ret_loans);
            return false;
        }
        ret_loans->count++;
    }
    return true;
}

void encl_return(struct loans *loans)
{
    while (loans->count)
        mm_return(&loans->loan[--loans->count]);
}
