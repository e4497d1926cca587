// SPDX-License-Identifier: BSD-3-Clause
// The life of an enclave.
#pragma once

#include "front/cpu/view.h"

struct encl *encl_new(int memfd, u64 dev, u64 ino);
void encl_page_used(struct encl *e, u64 page); // the page is not absent any more
// The first page at or after this one that may not be absent; the number of pages where there is none.
u64 encl_next_page(const struct encl *e, u64 page);
void encl_count_untouched(struct encl *e); // adds to emu.untouched_*
void encl_collect(void);                   // destroys the enclaves that nobody has open or mapped

struct encl *encl_of_fd(struct task *t, int fd); // NULL: it is no enclave's
