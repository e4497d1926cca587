// SPDX-License-Identifier: BSD-3-Clause
// Who is resident: threads come, sleep, wait for their turn.
#include "libos/vm/family.h"
#include "libos/vm/fork.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "trusted/log.h"

// How long a resident may run while a relative waits: ten times what the exchange took, and at least 10 ms.
enum { SLICE_MIN_NS = 10000000, SLICE_FACTOR = 10, RETRY_NS = 10000000 };

static struct spinlock residents =
    SPINLOCK_INIT(LOCK_RESIDENTS); // the fields of families that say so, and mm->running of their members

static struct mutex all_lock = MUTEX_INIT(LOCK_FAMILIES);
static struct list_head all =
    LIST_INIT(all); // struct mm.all; guarded by all_lock, inside of which no other lock is taken

void (*vm_kick)(const struct mm *mm);

void family_list(struct mm *mm)
{
    mutex_lock(&all_lock);
    list_add_tail(&mm->all, &all);
    mutex_unlock(&all_lock);
}

void family_unlist(struct mm *mm)
{
    mutex_lock(&all_lock);
    list_del(&mm->all);
    mutex_unlock(&all_lock);
}

// The resident's last running thread stopped, or a change is over: those who wait look again. The family stays: the
// caller's mm, or who waits, is a member.
static void tell(struct family *family) { wake_up_all(&family->turn); }

static bool stop_running(struct mm *mm) { return __atomic_sub_fetch(&mm->running, 1, __ATOMIC_ACQ_REL) == 0; }

static void go_away(struct thread *self)
{
    struct mm *mm = self->mm;
    struct family *family = mm->family;

    spin_lock(&residents);
    self->away = true;
    slot_set_pending(self->wake, THREAD_AWAY);
    bool last = stop_running(mm);
    bool wanted = family->wanted || family->exclusive;
    spin_unlock(&residents);
    if (last || wanted)
        tell(family);
}

// Sleeping threads let the memory go.
static void sleeps(struct thread *self)
{
    if (self->mm && mm_family(self->mm) && !self->away && !self->stays)
        go_away(self);
}

void vm_yield(void)
{
    struct thread *self = current;
    if (!(thread_take_pending(self, THREAD_YIELD) & THREAD_YIELD))
        return;
    sleeps(self);
}

// Under the lock: may a thread of mm come in now?
static bool may_join(const struct family *family, const struct mm *mm, s64 now)
{
    bool over = family->wanted && now >= family->slice_end;
    return !family->exclusive && family->resident == mm && !(over && mm->running == 0);
}

static bool may_exchange(const struct family *family, const struct mm *mm)
{
    return !family->exclusive && family->resident != mm && (!family->resident || family->resident->running == 0);
}

static void arrive(struct thread *self)
{
    self->away = false;
    thread_take_pending(self, THREAD_AWAY);
    __atomic_fetch_add(&self->mm->running, 1, __ATOMIC_ACQ_REL);
}

// The exclusive thread changes the resident, without the lock. False: no memory for it now.
static bool exchange(struct family *family, struct thread *self)
{
    s64 begin = time_monotonic_ns();

    self->stays++;
    mutex_lock(&family->lock);
    int err = family_exchange(family, family->resident, self->mm);
    s64 now = time_monotonic_ns();
    spin_lock(&residents); // before the family's lock is dropped: who removes areas asks whose pages are in place
    family->resident = err ? NULL : self->mm;
    family->exclusive = NULL;
    family->wanted = err != 0;
    family->slice_end = now + MAX((now - begin) * SLICE_FACTOR, (s64)SLICE_MIN_NS);
    if (!err)
        arrive(self);
    spin_unlock(&residents);
    mutex_unlock(&family->lock);
    self->stays--;
    if (err)
        log_once(LOG_ERROR, "no memory to bring a process's pages back: it waits until there is some");
    tell(family);
    return !err;
}

// One try to come in. True: the thread's memory is in place.
static bool try_enter(struct family *family, struct thread *self)
{
    s64 now = time_monotonic_ns(); // may leave the enclave

    spin_lock(&residents);
    bool joined = may_join(family, self->mm, now), exchanges = !joined && may_exchange(family, self->mm);
    if (joined)
        arrive(self);
    else if (exchanges)
        family->exclusive = self;
    else if (family->resident != self->mm)
        family->wanted = true;
    spin_unlock(&residents);
    return joined || (exchanges && exchange(family, self));
}

static void wait_for_turn(struct family *family, struct thread *self)
{
    struct waiter waiter;

    waiter_init(&waiter);
    wait_add(&family->turn, &waiter);
    while (!try_enter(family, self)) {
        s64 now = time_monotonic_ns();
        spin_lock(&residents);
        const struct mm *resident = family->resident;
        bool over = resident && resident != self->mm && resident->running && now >= family->slice_end;
        s64 until = over ? now + RETRY_NS : MIN(MAX(family->slice_end, now + 1000), now + RETRY_NS);
        spin_unlock(&residents);
        if (over)
            vm_kick(resident); // it is only compared
        (void)waiter_sleep_uninterruptible(&waiter, until);
    }
    wait_remove(&family->turn, &waiter);
}

void vm_come_back(void)
{
    struct thread *self = current;
    if (likely(!self->away))
        return;
    struct family *family = self->mm->family;
    if (!try_enter(family, self))
        wait_for_turn(family, self);
}

void mm_look(struct mm *mm)
{
    current->stays++;
    mutex_lock(&mm->lock);
    if (unlikely(mm->family))
        mutex_lock(&mm->family->lock);
}

void mm_lock(struct mm *mm)
{
    if (current->mm == mm)
        vm_come_back();
    mm_look(mm);
}

void vm_thread_starts(struct mm *mm) { __atomic_fetch_add(&mm->running, 1, __ATOMIC_ACQ_REL); }

void vm_thread_ends(struct mm *mm, bool away)
{
    if (!mm || away)
        return;
    spin_lock(&residents);
    struct family *family = mm->family;
    (void)stop_running(mm);
    spin_unlock(&residents);
    if (family)
        tell(family);
}

// A family of one, in which all threads of the mm count as running: each leaves when it next sleeps.
static int make_family(struct mm *mm)
{
    struct family *family = kzalloc(sizeof(*family));
    if (!family)
        return -ENOMEM;
    mutex_init(&family->lock, LOCK_FAMILY);
    list_init(&family->members);
    wait_queue_init(&family->turn);
    family->resident = mm;
    mutex_lock(&mm->lock);
    bool late = mm->family != NULL;
    if (!late) {
        list_add_tail(&mm->relatives, &family->members);
        spin_lock(&residents);
        __atomic_store_n(&mm->family, family, __ATOMIC_RELEASE);
        spin_unlock(&residents);
    }
    mutex_unlock(&mm->lock);
    if (late) // another thread of it forks as well
        kfree(family);
    WRITE_ONCE(thread_sleeps_hook, sleeps);
    return 0;
}

// Waits for the family's exclusive place. The others are sent away: those that sleep wake up and go to sleep as they
// ought to, those that run are interrupted.
static void become_exclusive(struct family *family, struct thread *self)
{
    struct waiter waiter;

    waiter_init(&waiter);
    wait_add(&family->turn, &waiter);
    for (;;) {
        vm_come_back();
        spin_lock(&residents);
        bool mine = !family->exclusive && !self->away;
        if (mine)
            family->exclusive = self;
        spin_unlock(&residents);
        if (mine)
            break;
        (void)waiter_sleep_uninterruptible(&waiter, time_monotonic_ns() + RETRY_NS); // letting the memory go
    }
    self->stays++;
    while (__atomic_load_n(&self->mm->running, __ATOMIC_ACQUIRE) > 1) {
        vm_kick(self->mm);
        (void)waiter_sleep_uninterruptible(&waiter, time_monotonic_ns() + RETRY_NS);
    }
    wait_remove(&family->turn, &waiter);
}

int family_begin_alone(struct mm *mm)
{
    int err = mm_family(mm) ? 0 : make_family(mm);
    if (!err)
        become_exclusive(mm_family(mm), current);
    return err;
}

void family_end_alone(struct mm *mm, struct mm *to)
{
    struct family *family = mm->family;
    struct thread *self = current;
    s64 now = time_monotonic_ns();

    self->stays--;
    spin_lock(&residents);
    family->exclusive = NULL;
    if (to) {
        family->resident = to;
        family->wanted = false;
        family->slice_end = now + SLICE_MIN_NS;
        to->running = 1;
        self->away = true;
        slot_set_pending(self->wake, THREAD_AWAY);
        (void)stop_running(mm);
    }
    spin_unlock(&residents);
    tell(family);
}

void family_leave(struct mm *mm)
{
    struct family *family = mm->family;

    mutex_lock(&family->lock);
    list_del(&mm->relatives);
    kept_free(mm);
    bool last = list_empty(&family->members);
    spin_lock(&residents);
    if (family->resident == mm)
        family->resident = NULL;
    spin_unlock(&residents);
    if (!last) {
        // A member is left, and with it the family: but it may go as soon as the lock is free.
        wake_up_all(&family->turn);
    }
    mutex_unlock(&family->lock);
    if (last)
        kfree(family);
}

// The first mm behind `after` (NULL: of all), referenced.
static struct mm *next_mm(const struct mm *after)
{
    struct mm *mm, *found = NULL;
    bool behind = !after;

    mutex_lock(&all_lock);
    list_for_each (mm, &all, all) {
        if (behind && (found = mm_ref_alive(mm)) != NULL)
            break;
        behind |= mm == after;
    }
    mutex_unlock(&all_lock);
    return found;
}

static bool covers(struct mm *mm, u64 addr, u64 end)
{
    mm_look(mm);
    const struct vma *vma = vma_find(mm, addr);
    bool found = vma && vma->start < end;
    mm_unlock(mm);
    return found;
}

// The family of whoever has areas in the range; made if he has none. NULL: nobody, several, or no memory. *ret_member:
// a reference that keeps the family.
static struct family *family_at(const struct mm *self, u64 addr, u64 end, struct mm **ret_member)
{
    struct family *family = NULL;
    struct mm *mm = next_mm(NULL), *next;
    bool several = false;

    for (; mm; mm = next) {
        if (mm != self && covers(mm, addr, end) && (mm_family(mm) || make_family(mm) == 0)) {
            several |= family && family != mm_family(mm);
            family = mm_family(mm);
            if (!*ret_member)
                *ret_member = mm_ref(mm);
        }
        next = next_mm(mm);
        mm_unref(mm);
    }
    return several ? NULL : family;
}

// The resident lets the family be: waits for that as for a turn.
static void take_over(struct family *family, struct thread *self)
{
    struct waiter waiter;

    waiter_init(&waiter);
    wait_add(&family->turn, &waiter);
    for (;;) {
        spin_lock(&residents);
        const struct mm *resident = family->resident;
        bool mine = !family->exclusive && (!resident || resident->running == 0);
        if (mine)
            family->exclusive = self;
        else
            family->wanted = true;
        spin_unlock(&residents);
        if (mine)
            break;
        if (resident)
            vm_kick(resident);
        (void)waiter_sleep_uninterruptible(&waiter, time_monotonic_ns() + RETRY_NS);
    }
    wait_remove(&family->turn, &waiter);
}

// mm becomes a relative of those that have areas in [addr, addr+len). *ret_holder: one of those, referenced, or NULL;
// until it is dropped nobody else can get those addresses. 0; -EAGAIN: nobody has areas there (who had them is about to
// leave); -ENOMEM.
static int join(struct mm *mm, u64 addr, u64 len, struct mm **ret_holder)
{
    struct thread *self = current;
    struct mm *other;

    *ret_holder = NULL;
    struct family *family = mm->family ? NULL : family_at(mm, addr, addr + len, ret_holder);
    if (!family)
        return mm->family || *ret_holder ? -ENOMEM : -EAGAIN;
    self->stays++;
    take_over(family, self);
    mutex_lock(&mm->lock);
    mutex_lock(&family->lock);
    int err = 0;
    list_for_each (other, &family->members, relatives)
        err = err ? err : family_withdraw(other);
    s64 now = time_monotonic_ns();
    spin_lock(&residents);
    if (!err) {
        __atomic_store_n(&mm->family, family, __ATOMIC_RELEASE);
        family->resident = mm;
        family->slice_end = now + SLICE_MIN_NS;
    }
    family->exclusive = NULL;
    family->wanted = err != 0;
    spin_unlock(&residents);
    if (!err)
        list_add_tail(&mm->relatives, &family->members);
    mutex_unlock(&family->lock);
    mutex_unlock(&mm->lock);
    self->stays--;
    tell(family);
    return err ? -ENOMEM : 0;
}

s64 vm_map_beside(struct mm *mm, const struct vm_map_args *args)
{
    enum { TRIES = 3000, PAUSE_NS = 1000000 };
    s64 at = -ENOMEM;

    for (int tries = 0; at < 0 && tries < TRIES; tries++) {
        struct mm *holder;
        int err = join(mm, args->addr, args->len, &holder);
        if (!err || err == -EAGAIN)
            at = vm_map(mm, args);
        mm_unref(holder);
        if (err != -EAGAIN)
            break;
        struct waiter waiter;
        waiter_init(&waiter);
        if (at < 0)
            (void)waiter_sleep_uninterruptible(&waiter, time_monotonic_ns() + PAUSE_NS);
    }
    return at;
}
