// SPDX-License-Identifier: BSD-3-Clause
// Clocks set and adjusted: the time is the host's claim, so nobody inside may; all that is wrong with a request is told
// before that, as Linux does.
#include <linux/timex.h>

#include "base/string.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/cred.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

enum {
    // Bits of modes that linux/timex.h of programs only has within ADJ_OFFSET_SINGLESHOT and ADJ_OFFSET_SS_READ.
    SINGLESHOT = 0x0001,
    READONLY = 0x2000,
    ADJTIME = 0x8000,
    TICK_USEC = 10000,      // USER_HZ is 100
    TICK_LEAST = 9000,      // 10% off
    TICK_MOST = 11000,      // likewise
    ERROR_MOST = 16000000,  // us: NTP_PHASE_LIMIT, of a clock that nobody disciplines
    TOLERANCE = 32768000,   // ppm << 16: MAXFREQ_SCALED
    TIME_CONSTANT = 2,      // of the kernel's loop as it starts
    ZONE_MINUTES = 15 * 60, // west or east of Greenwich
};

long sys_clock_settime(int id, const struct __kernel_timespec __user *user)
{
    struct __kernel_timespec ts;

    if (id != CLOCK_REALTIME && id >= 0)
        return -EINVAL;
    if (copy_from_user(&ts, user, sizeof(ts)))
        return -EFAULT;
    if (id < 0) { // the CPU clock of a process, which nobody sets
        long err = sys_clock_getres(id, NULL);
        return err ? err : -EPERM;
    }
    return timespec_valid(&ts) ? -EPERM : -EINVAL;
}

long sys_settimeofday(const struct __kernel_old_timeval __user *user_tv, const struct timezone __user *user_tz)
{
    struct __kernel_old_timeval tv = { 0 };
    struct timezone tz = { 0 };

    if (user_tv && copy_from_user(&tv, user_tv, sizeof(tv)))
        return -EFAULT;
    if (tv.tv_usec < 0 || tv.tv_usec > 1000000)
        return -EINVAL;
    if (user_tz && copy_from_user(&tz, user_tz, sizeof(tz)))
        return -EFAULT;
    if (tv.tv_sec < 0 || tv.tv_usec == 1000000)
        return -EINVAL;
    if (user_tv || user_tz || !capable(CAP_SYS_TIME))
        return -EPERM;
    return 0;
}

// What of the request would be refused to anybody, or to who may not set clocks. 0: nothing.
static int check(const struct __kernel_timex *timex)
{
    bool may = capable(CAP_SYS_TIME);

    if (timex->modes & ADJTIME) { // adjtime(3): alone, or reading
        if (!(timex->modes & SINGLESHOT))
            return -EINVAL;
        return (timex->modes & READONLY) || may ? 0 : -EPERM;
    }
    if (timex->modes && !may)
        return -EPERM;
    if ((timex->modes & ADJ_TICK) && (timex->tick < TICK_LEAST || timex->tick > TICK_MOST))
        return -EINVAL;
    return 0;
}

static long adjust(struct __kernel_timex __user *user, struct __kernel_timex *timex)
{
    int err = check(timex);
    bool reads = !timex->modes || ((timex->modes & ADJTIME) && (timex->modes & READONLY));
    s64 now = time_realtime_ns();

    if (err)
        return err;
    if (!reads)
        return -EPERM;
    *timex = (struct __kernel_timex){ .modes = timex->modes,
                                      .maxerror = ERROR_MOST,
                                      .esterror = ERROR_MOST,
                                      .status = STA_UNSYNC,
                                      .constant = TIME_CONSTANT,
                                      .precision = 1,
                                      .tolerance = TOLERANCE,
                                      .time = { now / NSEC_PER_SEC, now % NSEC_PER_SEC / 1000 },
                                      .tick = TICK_USEC };
    return copy_to_user(user, timex, sizeof(*timex)) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(struct __kernel_timex __user *user)
{
    struct __kernel_timex timex;
    return copy_from_user(&timex, user, sizeof(timex)) ? -EFAULT : adjust(user, &timex);
}

long sys_clock_adjtime(int id, struct __kernel_timex __user *user)
{
    struct __kernel_timex timex;
    struct __kernel_timespec now;

    if (copy_from_user(&timex, user, sizeof(timex)))
        return -EFAULT;
    if (id == CLOCK_REALTIME)
        return adjust(user, &timex);
    return id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID && time_get(id, &now) ? -EINVAL
                                                                                                 : -EOPNOTSUPP;
}
