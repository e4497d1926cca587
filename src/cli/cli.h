// SPDX-License-Identifier: BSD-3-Clause
// What the verbs share: messages, options, and the instance folder.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

// Exit statuses of occlum itself. `run` passes the program's own through.
enum {
    STATUS_OK = 0,
    STATUS_ERROR = 1,    // the request could not be carried out
    STATUS_USAGE = 2,    // the command line is wrong
    STATUS_LOADER = 125, // `run`: the enclave could not be started or had to stop
    STATUS_NOT_PERMITTED = 126,
    STATUS_NOT_FOUND = 127,
};

// Print "occlum: ..." on stderr. cli_error returns STATUS_ERROR, cli_usage STATUS_USAGE.
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

// On a terminal: a bar with the share (0..1) done of a step, gone at 1.
void cli_progress(const char *step, double share);

// Prints text (size bytes, without control characters) on stdout as a JSON string.
void cli_json_string(const char *text, size_t size);

// The entry of names (NULL-terminated) nearest to word by edit distance, or NULL when none is near.
const char *cli_nearest(const char *word, const char *const *names);

// An option of a verb. `value` takes the argument of --name VALUE or --name=VALUE; `flag` is set by a bare --name; with
// both, =VALUE may follow.
struct cli_option {
    const char *name; // without the dashes
    char letter;      // of the short form, 0 if none
    const char **value;
    bool *flag;
};
// Parses options up to the first argument that is none (or "--"). Returns its index, or -1 after a message.
int cli_parse(int argc, char **argv, const struct cli_option *options, size_t count);

// The parts of an instance, relative to its folder.
#define INSTANCE_CONFIG "Occlum.json"
#define INSTANCE_IMAGE "image"
#define INSTANCE_LEARNED "learned" // which pages programs touch (occlum run --learn)
#define INSTANCE_STATUS ".__occlum_status"
#define INSTANCE_BUILD "build"
#define INSTANCE_RUN "run"
#define BUILD_ENCLAVE_XML "build/Enclave.xml"
#define BUILD_IMAGE "build/image.erofs"
#define BUILD_ENCLAVE "build/lib/libocclum-libos.signed.so"
#define BUILD_STATE "build/.state"
#define TEMPORARY ".tmp" // followed by six characters of chance: a file that is being written (write_file_atomically)
#define STAGED ".new"    // outputs of a build carry it until all of them are whole

// True if the path of a program is absolute, as it must be; otherwise prints that.
bool program_path_check(const char *path);
// True if the working folder is an instance; otherwise prints what to do.
bool instance_check(void);
// Writes text to path through a temporary file and rename. 0 or -errno after a message.
int write_file_atomically(const char *path, const void *data, size_t size);
// Reads a whole small file into a malloc'ed, NUL-terminated buffer. NULL with errno set.
char *read_whole_file(const char *path, size_t *ret_size);
// Opens (makes) the lock file of the build folder; it stays open until the program ends. -1 with errno.
int open_lock(void);
// The header of the built enclave. False: there is none that this program knows.
struct enclave_file_header;
bool enclave_header_read(struct enclave_file_header *ret_header);
// mkdir that accepts an existing folder. 0 or -errno after a message.
int make_folder(const char *path);
// The running program's file. STATUS_OK, or STATUS_ERROR after a message.
int own_path(char path[PATH_MAX]);
// Where the LibOS's ELF file lies: beside the running program in the build tree, or in the installed prefix. NULL after
// a message.
const char *find_libos(void);
