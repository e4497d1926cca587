// SPDX-License-Identifier: BSD-3-Clause
// Scheduling: policies, priorities, affinity, nice values.
#include "surface.h"

#include <sched.h>
#include <sys/resource.h>

CASE(policies)
{
    for (int policy = -1; policy < 7; policy++) {
        errno = 0;
        int max = sched_get_priority_max(policy), min = sched_get_priority_min(policy);
        tell("%d: %d %d %s", policy, min, max, errno ? strerrorname_np(errno) : "");
    }
    SEE(sched_get_priority_max(SCHED_RESET_ON_FORK));
}
static void set_and_tell(int policy, int priority)
{
    struct sched_param p = { priority };
    errno = 0;
    int r = sched_setscheduler(0, policy, &p);
    tell("%x %d: %d %s", policy, priority, r, r ? strerrorname_np(errno) : "");
}
static void other_policies(void)
{
    set_and_tell(SCHED_OTHER, 0);
    set_and_tell(SCHED_OTHER, 1);
    set_and_tell(SCHED_BATCH, 0);
    SEE(sched_getscheduler(0));
    set_and_tell(SCHED_BATCH, 1);
    set_and_tell(SCHED_IDLE, 0);
    SEE(sched_getscheduler(0));
    set_and_tell(SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
    tell("%x", sched_getscheduler(0));
    set_and_tell(7, 0);
    set_and_tell(4, 0);
    set_and_tell(-1, 0);
    set_and_tell(SCHED_FIFO, 0);
    set_and_tell(SCHED_FIFO, 100);
    set_and_tell(SCHED_FIFO, -1);
    set_and_tell(SCHED_RR, 0);
}
CASE(set_policy) { in_child(other_policies); }
static void real_time(void)
{
    struct sched_param p = { 1 };
    struct timespec t;
    SEE(sched_setscheduler(0, SCHED_FIFO, &p));
    SEE(sched_getscheduler(0));
    SEE(sched_getparam(0, &p));
    tell("%d", p.sched_priority);
    p.sched_priority = 5;
    SEE(sched_setparam(0, &p));
    SEE(sched_getparam(0, &p));
    tell("%d", p.sched_priority);
    p.sched_priority = 0;
    SEE(sched_setparam(0, &p));
    SEE(sched_rr_get_interval(0, &t));
    tell("%ld %ld", (long)t.tv_sec, t.tv_nsec);
    p.sched_priority = 3;
    SEE(sched_setscheduler(0, SCHED_RR, &p));
    SEE(sched_rr_get_interval(0, &t));
    tell("%ld", (long)t.tv_sec);
    p.sched_priority = 0;
    SEE(sched_setscheduler(0, SCHED_OTHER, &p));
}
CASE(real_time_policies) { in_child(real_time); }
CASE(arguments)
{
    struct sched_param p = { 0 };
    struct timespec t;
    SEE(sched_setscheduler(-1, SCHED_OTHER, &p));
    SEE(sched_setscheduler(999999, SCHED_OTHER, &p));
    SEE(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL));
    SEE(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, bad));
    SEE(sched_getscheduler(-1));
    SEE(sched_getscheduler(999999));
    SEE(syscall(SYS_sched_setparam, 0, NULL));
    SEE(syscall(SYS_sched_setparam, 0, bad));
    SEE(sched_setparam(-1, &p));
    SEE(sched_setparam(999999, &p));
    SEE(syscall(SYS_sched_getparam, 0, NULL));
    SEE(syscall(SYS_sched_getparam, 0, bad));
    SEE(sched_getparam(-1, &p));
    SEE(sched_getparam(999999, &p));
    SEE(sched_rr_get_interval(-1, &t));
    SEE(sched_rr_get_interval(999999, &t));
    SEE(syscall(SYS_sched_rr_get_interval, 0, bad));
    SEE(sched_yield());
}
static void nobody_schedules(void)
{
    struct sched_param p = { 1 };
    SEE(sched_setscheduler(0, SCHED_FIFO, &p));
    p.sched_priority = 0;
    SEE(sched_setscheduler(0, SCHED_BATCH, &p));
    SEE(sched_setscheduler(getppid(), SCHED_OTHER, &p));
    SEE(sched_setparam(getppid(), &p));
    SEE(sched_getparam(getppid(), &p));
    SEE(setpriority(PRIO_PROCESS, 0, -1));
    SEE(setpriority(PRIO_PROCESS, 0, 5));
    SEE(setpriority(PRIO_PROCESS, 0, 4));
    SEE(setpriority(PRIO_PROCESS, getppid(), 5));
    SEE(nice(-1));
    cpu_set_t set;
    sched_getaffinity(0, sizeof(set), &set);
    SEE(sched_setaffinity(getppid(), sizeof(set), &set));
    set_and_tell(SCHED_IDLE, 0);
    set_and_tell(SCHED_OTHER, 0);
}
CASE(as_nobody_schedule) { as_nobody(nobody_schedules); }
struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t min, max, more;
};
static void attributes(void)
{
    struct attr a = { 0 };
    SEE(syscall(SYS_sched_getattr, 0, &a, 48, 0));
    tell("size %d policy %d nice %d priority %d", a.size, a.policy, a.nice, a.priority);
    SEE(syscall(SYS_sched_getattr, 0, &a, 47, 0));
    SEE(syscall(SYS_sched_getattr, 0, &a, 48, 1));
    SEE(syscall(SYS_sched_getattr, 0, NULL, 48, 0));
    SEE(syscall(SYS_sched_getattr, -1, &a, 48, 0));
    SEE(syscall(SYS_sched_getattr, 999999, &a, 48, 0));
    SEE(syscall(SYS_sched_getattr, 0, bad, 48, 0));
    SEE(syscall(SYS_sched_getattr, 0, &a, 5000, 0));
    a = (struct attr){ .size = 48, .policy = SCHED_BATCH, .nice = 3 };
    SEE(syscall(SYS_sched_setattr, 0, &a, 0));
    SEE(sched_getscheduler(0));
    SEE(getpriority(PRIO_PROCESS, 0));
    SEE(syscall(SYS_sched_setattr, 0, &a, 1));
    SEE(syscall(SYS_sched_setattr, 0, NULL, 0));
    SEE(syscall(SYS_sched_setattr, 0, bad, 0));
    SEE(syscall(SYS_sched_setattr, -1, &a, 0));
    SEE(syscall(SYS_sched_setattr, 999999, &a, 0));
    a.policy = 99;
    SEE(syscall(SYS_sched_setattr, 0, &a, 0));
    a = (struct attr){ .size = 10, .policy = SCHED_OTHER };
    SEE(syscall(SYS_sched_setattr, 0, &a, 0));
    a = (struct attr){ .size = 48, .policy = SCHED_FIFO, .priority = 100 };
    SEE(syscall(SYS_sched_setattr, 0, &a, 0));
    a = (struct attr){ .size = 48, .policy = SCHED_OTHER, .flags = 1ull << 40 };
    SEE(syscall(SYS_sched_setattr, 0, &a, 0));
    a = (struct attr){ .size = 60, .policy = SCHED_OTHER, .more = 1 };
    SEE(syscall(SYS_sched_setattr, 0, &a, 0));
    tell("size told %d", a.size >= 48);
}
CASE(attribute_calls) { in_child(attributes); }
static void nice_values(void)
{
    SEE(getpriority(PRIO_PROCESS, 0));
    SEE(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    SEE(setpriority(PRIO_PROCESS, 0, 7));
    SEE(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    SEE(setpriority(PRIO_PROCESS, 0, 100));
    SEE(getpriority(PRIO_PROCESS, getpid()));
    SEE(setpriority(PRIO_PROCESS, 0, -100));
    SEE(getpriority(PRIO_PROCESS, 0));
    SEE(setpriority(PRIO_PROCESS, 0, 0));
    SEE(nice(3));
    SEE(nice(100));
    SEE(nice(-5));
    SEE(getpriority(3, 0));
    SEE(getpriority(-1, 0));
    SEE(setpriority(3, 0, 0));
    SEE(getpriority(PRIO_PROCESS, 999999));
    SEE(setpriority(PRIO_PROCESS, 999999, 0));
    SEE(getpriority(PRIO_PROCESS, -1));
    SEE(getpriority(PRIO_PGRP, 999999));
    SEE(setpriority(PRIO_PGRP, 999999, 1));
    SEE(getpriority(PRIO_USER, 4242));
    setpgid(0, 0);
    SEE(setpriority(PRIO_PGRP, 0, 9));
    SEE(getpriority(PRIO_PGRP, 0));
    SEE(getpriority(PRIO_PROCESS, 0));
}
CASE(nice_of_processes) { in_child(nice_values); }
CASE(affinity)
{
    unsigned long set[128], own[128] = { 0 }; // who started it may have tied it to any processor
    GOOD(syscall(SYS_sched_getaffinity, 0, sizeof(own), own));
    memcpy(set, own, sizeof(set));
    SEE(syscall(SYS_sched_getaffinity, 0, 7, set));
    SEE(syscall(SYS_sched_getaffinity, 0, 0, set));
    SEE(syscall(SYS_sched_getaffinity, 0, sizeof(set), bad));
    SEE(syscall(SYS_sched_getaffinity, 999999, sizeof(set), set));
    SEE(syscall(SYS_sched_getaffinity, -1, sizeof(set), set));
    SEE(syscall(SYS_sched_setaffinity, 0, sizeof(set), bad));
    SEE(syscall(SYS_sched_setaffinity, 999999, sizeof(set), set));
    SEE(syscall(SYS_sched_setaffinity, -1, sizeof(set), set));
    memset(set, 0, sizeof(set));
    SEE(syscall(SYS_sched_setaffinity, 0, sizeof(set), set));
    set[100] = 1;
    SEE(syscall(SYS_sched_setaffinity, 0, sizeof(set), set));
    memcpy(set, own, sizeof(set));
    set[100] = 1;
    SEE(syscall(SYS_sched_setaffinity, 0, sizeof(set), set));
    SEE(sched_getcpu() >= 0);
    SEE(syscall(SYS_getcpu, bad, NULL, NULL));
    SEE(syscall(SYS_getcpu, NULL, bad, NULL));
    SEE(syscall(SYS_getcpu, NULL, NULL, NULL));
    memset(set, 0xff, sizeof(set));
    SEE(syscall(SYS_sched_setaffinity, 0, sizeof(set), set));
}
CASE(io_priorities)
{
    SEE(syscall(SYS_ioprio_get, 1, 0));
    SEE(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 4));
    SEE(syscall(SYS_ioprio_get, 1, 0));
    SEE(syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 4));
    SEE(syscall(SYS_ioprio_get, 1, 0));
    SEE(syscall(SYS_ioprio_set, 1, 0, 3 << 13));
    SEE(syscall(SYS_ioprio_get, 1, 0));
    SEE(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 8));
    SEE(syscall(SYS_ioprio_set, 1, 0, 4 << 13));
    SEE(syscall(SYS_ioprio_set, 1, 0, 7 << 13));
    SEE(syscall(SYS_ioprio_set, 0, 0, 2 << 13));
    SEE(syscall(SYS_ioprio_set, 4, 0, 2 << 13));
    SEE(syscall(SYS_ioprio_set, 1, 999999, 2 << 13));
    SEE(syscall(SYS_ioprio_set, 1, 0, 0));
    SEE(syscall(SYS_ioprio_set, 1, 0, 1));
    SEE(syscall(SYS_ioprio_get, 4, 0));
    SEE(syscall(SYS_ioprio_get, 0, 0));
    SEE(syscall(SYS_ioprio_get, 1, 999999));
    SEE(syscall(SYS_ioprio_get, 2, 999999));
    SEE(syscall(SYS_ioprio_get, 3, 4242));
}
static void nobody_io(void)
{
    SEE(syscall(SYS_ioprio_set, 1, 0, 1 << 13));
    SEE(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7));
    SEE(syscall(SYS_ioprio_set, 1, getppid(), 2 << 13 | 7));
    SEE(syscall(SYS_ioprio_set, 1, 0, 3 << 13));
}
CASE(io_priorities_as_nobody) { as_nobody(nobody_io); }
