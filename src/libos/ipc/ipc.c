// SPDX-License-Identifier: BSD-3-Clause
#include "libos/ipc/ipc.h"

#include "libos/ipc/epoll.h"
#include "libos/ipc/pipe.h"
#include "libos/ipc/sysv.h"

void ipc_init(void)
{
    fs_special.open_fifo = fifo_open;
    fs_special.forget_watched = epoll_forget_file;
    fs_special.show_sysv = sysv_show;
}
