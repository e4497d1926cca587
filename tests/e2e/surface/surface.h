// SPDX-License-Identifier: BSD-3-Clause
// The differential suite: the same binary runs on Linux and inside, and prints the same. A case is a function that
// makes calls and prints each with its answer; it begins in an empty folder of its own. Nothing is printed that may
// differ from run to run (addresses, times, inode numbers): such answers are only told to be good (GOOD), or compared.
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void add_case(const char *name, void (*run)(void), const char *file);
#define CASE(name)                                                                                 \
    static void name(void);                                                                        \
    __attribute__((constructor)) static void add_##name(void) { add_case(#name, name, __FILE__); } \
    static void name(void)

// Prints "  text = answer", and the name of errno where the answer is -1.
void see(const char *text, long answer);
// The same with "good" for every answer that is not negative (or MAP_FAILED).
void see_good(const char *text, long answer);
#define SEE(call) (errno = 0, see(#call, (long)(call)))
#define GOOD(call) (errno = 0, see_good(#call, (long)(call)))
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern char *bad;                                  // an address that cannot be accessed
extern char long_name[];                           // a component one byte too long
extern char long_path[];                           // a path one byte too long
int file_with(const char *name, const char *text); // makes it; 0644
const char *contents(const char *name);            // of a small file, or the name of the error
int in_child(void (*run)(void));                   // its wait status
const char *status_text(int status);               // "exit 3", "signal 11"
int as_nobody(void (*run)(void));                  // a child without any right (uid and gid 65534); its wait status
