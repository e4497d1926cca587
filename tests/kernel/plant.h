// SPDX-License-Identifier: BSD-3-Clause
// Faults to be planted into single objects of the bench (planted.py): the real headers first, then a word of theirs
// takes another meaning. PLANT_* says which.
#pragma once

#ifndef __ASSEMBLER__

#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/mem/heap.h"
#include "libos/sync/mutex.h"
#include "libos/sync/wait.h"
#include "libos/thread/thread.h"
#include "libos/thread/wake.h"
#include "libos/vm/family.h"
#include "libos/vm/user.h"
#include "libos/vm/vm.h"
#include "trusted/spinlock.h"

#ifdef PLANT_NO_SPINLOCK
#define spin_lock(lock) ((void)(lock))
#define spin_unlock(lock) ((void)(lock))
#define spin_assert_held(lock) ((void)(lock))
#endif
#ifdef PLANT_NO_MUTEX
#define mutex_lock(mutex) ((void)(mutex))
#define mutex_unlock(mutex) ((void)(mutex))
#define mutex_assert_held(mutex) ((void)(mutex)) // else that were told, and no race
#define mm_lock(mm) ((void)(mm))
#define mm_unlock(mm) ((void)(mm))
#endif
#ifdef PLANT_NO_MUTEX_UNLOCK
#define mutex_unlock(mutex) ((void)(mutex))
#endif
#ifdef PLANT_NO_SPIN_UNLOCK
#define spin_unlock(lock) ((void)(lock))
#endif
#ifdef PLANT_NO_WAKE
#define wake_up(queue, count) ((size_t)0 * (size_t)(queue))
#define wake_up_all(queue) ((size_t)0 * (size_t)(queue))
#define wake_collect(queue, count, list) ((void)0)
#define wake_collect_all(queue, list) ((void)0)
#define wake_list_add(list, slot) ((void)(slot))
#endif
#ifdef PLANT_NO_UNPARK
#define thread_unpark(thread) ((void)(thread))
#endif
#ifdef PLANT_NO_INODE_REF
#define inode_ref(inode) (inode)
#endif
#ifdef PLANT_NO_FILE_REF
#define file_ref(file) (file)
#endif
#ifdef PLANT_NO_MM_REF
#define mm_ref(mm) (mm)
#endif
#ifdef PLANT_NO_FILES_REF
#define files_ref(files) (files)
#endif
#ifdef PLANT_SMALL_BLOCK
#define kmalloc(size) kmalloc((size)-1)
#define kzalloc(size) kzalloc((size)-1)
#endif
#ifdef PLANT_FREE_EARLY
#define kfree(block) (kfree(block), kfree_once_more(block))
static inline void kfree_once_more(void *block)
{
    if (block)
        (kfree)(block);
}
#endif
#ifdef PLANT_LONG_COPY
#define copy_from_user(dst, src, size) copy_from_user(dst, src, (size) + 64)
#endif

#endif
