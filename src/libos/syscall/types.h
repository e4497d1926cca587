// SPDX-License-Identifier: BSD-3-Clause
// The types that system calls take pointers to.
#pragma once

#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/openat2.h>
#include <linux/sysinfo.h>
#include <linux/sem.h>
#include <linux/times.h>
#include <linux/utsname.h>

#include "abi/linux/abi.h"
#include "abi/linux/shm.h"

struct io_event;
struct signal_action;
struct linux_dirent64;
struct __kernel_timex;
struct sched_attr;
struct msghdr;
struct mmsghdr;
