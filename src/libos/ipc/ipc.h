// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// At boot, before the first file is opened: tells fs/ what FIFOs are and who watches files (struct fs_special).
void ipc_init(void);
