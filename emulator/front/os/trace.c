// SPDX-License-Identifier: BSD-3-Clause
// --trace, and names.
#include <stdarg.h>
#include <stdio.h>

#include "front/os/emu.h"

const char *const encls_names[16] = { "ECREATE", "EADD",   "EINIT", "EREMOVE", "EDBGRD", "EDBGWR", "EEXTEND", "ELDB",
                                      "ELDU",    "EBLOCK", "EPA",   "EWB",     "ETRACK", "EAUG",   "EMODPR",  "EMODT" };
const char *const enclu_names[16] = { "EREPORT", "EGETKEY", "EENTER",      "ERESUME",        "EEXIT",
                                      "EACCEPT", "EMODPE",  "EACCEPTCOPY", "EVERIFYREPORT2", "EDECCSSA" };

const char *enclu_name(u32 leaf) { return leaf < 16 && enclu_names[leaf] ? enclu_names[leaf] : "?"; }

void trace(const char *format, ...)
{
    if (!emu.options.trace)
        return;
    va_list args;
    va_start(args, format);
    fputs("sgx2emu: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}
