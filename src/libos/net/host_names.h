// SPDX-License-Identifier: BSD-3-Clause
// The files that resolvers read, where the image has none.
#pragma once

// A program is about to open the path: /etc/resolv.conf that is empty, lacks or came from here is made of the host's;
// /etc/hosts that is empty or lacks names this machine. Once each. No lock held.
void host_names_before_open(const char *path);
