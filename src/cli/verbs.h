// SPDX-License-Identifier: BSD-3-Clause
// One function per verb of `occlum`, each in a file of its own: verb_NAME.c. argv[0] is the verb. Returns the exit
// status.
#pragma once

#include <stddef.h>

struct verb {
    const char *name;
    const char *arguments; // of the usage line
    const char *summary;   // one line
    int (*run)(int argc, char **argv);
    const char *help; // what --help prints below the usage line
};

// NULL if there is none of that name.
const struct verb *cli_find_verb(const struct verb *verbs, size_t count, const char *name);
// Runs it, or prints its help if that is asked for.
int cli_run_verb(const struct verb *verb, int argc, char **argv);
// Hands the verb over to occlum-build, which stands beside this program.
int cli_delegate(int argc, char **argv);
// The same to copy_bom and occlum-mount.
int cli_copy_bom(int argc, char **argv);
int cli_mount(int argc, char **argv);

int verb_new(int argc, char **argv);
int verb_init(int argc, char **argv);
int verb_build(int argc, char **argv);
int verb_run(int argc, char **argv);
int verb_start(int argc, char **argv);
int verb_exec(int argc, char **argv);
int verb_stop(int argc, char **argv);
int verb_gdb(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_print(int argc, char **argv);
int verb_config(int argc, char **argv);
int verb_gen_image_key(int argc, char **argv);
int verb_volume(int argc, char **argv);

extern const char help_new[], help_init[], help_build[], help_run[], help_gdb[], help_status[], help_print[],
    help_config[], help_volume[], help_gen_image_key[], help_start[], help_exec[], help_stop[];
