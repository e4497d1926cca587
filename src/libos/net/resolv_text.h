// SPDX-License-Identifier: BSD-3-Clause
// resolv.conf(5) of the host, taken over as if it were hostile.
#pragma once

#include "base/types.h"

#define RESOLV_MARK "# from the host\n"
enum { RESOLV_MAX = 2048, RESOLV_NAMESERVERS = 3 }; // bytes of what is made of it

// Makes a text of the lines that are understood: at most 3 nameservers, search and domain, options, with no characters
// but those that such words have. Its length; 0: there is no nameserver.
size_t resolv_text(const char *from, size_t size, char ret_text[RESOLV_MAX]);
