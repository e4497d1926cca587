// SPDX-License-Identifier: BSD-3-Clause
// The driver's fault handler.
#include <errno.h>

#include "front/cpu/encl.h"
#include "front/cpu/enclu.h"
#include "front/driver/driver.h"
#include "front/driver/epc.h"
#include "front/os/emu.h"

int encl_fault(struct task *t, struct view *v, u64 page)
{
    struct encl *e = v->encl;
    struct encl_page *p = &e->pages[page];
    emu.page_faults++;
    script_event(t, "fault");
    if (p->state == PAGE_ABSENT) {
        int ret = driver_eaug(t, e, page);
        if (ret == 0)
            script_event(t, "EAUG");
        return ret;
    }
    if ((v->vma[page] & 7) & ~p->max_prot)
        return -EFAULT;
    return epc_load(t, e, page);
}
