// SPDX-License-Identifier: BSD-3-Clause
// The page tables: rights that the host gives to the pages of an enclave where a program maps it.
#pragma once

#include "front/cpu/encl.h"
#include "front/os/task.h"

// Where one address space maps one enclave. A byte per page: vma has PROT_* | VIEW_MAPPED | VIEW_START, applied the
// PROT_* that the host's page tables allow now.
#define VIEW_MAPPED 0x80
#define VIEW_START 0x40 // the first page of a mapping: Linux never merges those of an enclave (VM_IO, VM_PFNMAP)
struct view {
    struct view *next;
    struct encl *encl;
    u8 *vma, *applied;
    u64 mapped;   // pages
    u64 mappings; // as the kernel would count them
};

struct view *view_find(struct mm *mm, const struct encl *e);
struct view *view_get(struct mm *mm, struct encl *e);
void view_free(struct view *v);
void view_map(struct view *v, u64 page, u64 count,
              u8 vma); // the program maps (PROT_* | VIEW_MAPPED) or unmaps (0) pages
// mprotect of mapped pages: 0, or -ENOMEM where a mapping would have to be split and there are max_map_count; those
// before it are changed.
__nodiscard int view_protect(struct view *v, u64 page, u64 count, u8 prot);
struct view *view_at(struct mm *mm, u64 address, u64 *ret_page);
u8 view_wanted(const struct view *v, u64 page);
void view_lower(struct task *t, struct encl *e, u64 page, u64 count); // takes rights away at once
void view_raise(struct task *t, struct view *v, u64 page);            // gives what is due around a page
void view_hide(struct task *t, struct encl *e); // takes all rights away, if no other thread is inside
