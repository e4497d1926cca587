// SPDX-License-Identifier: BSD-3-Clause
// Credentials of processes: what follows from changing them, and what one may do to another.
#pragma once

#include "libos/thread/cred.h"

struct process;
struct elf_image;
struct file;

// cred_set for a change that a program made: a process that changes who it is may not be looked into, and hears no more
// of its parent's end (prctl(2), PR_SET_DUMPABLE and PR_SET_PDEATHSIG). Takes over the reference.
void process_set_cred(struct cred *new);
// What execve of this file makes of the caller's credentials: set-id bits, and capabilities(7), "Transformation of
// capabilities during execve()". *ret_secure: AT_SECURE. 0, -ENOMEM, or what the file system says.
__nodiscard int cred_for_exec(struct file *file, struct cred **ret_new, bool *ret_secure);
