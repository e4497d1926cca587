// SPDX-License-Identifier: BSD-3-Clause
// `occlum VERB ...`: finds the verb, prints help, suggests. What needs OpenSSL stands in a program of its own,
// occlum-build, so that `occlum run` starts without loading it.
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/verbs.h"

static const struct verb verbs[] = {
    { "new", "PATH", "make a folder PATH and an instance in it", verb_new, help_new },
    { "init", "", "make an instance in the current, empty or not, folder", verb_init, help_init },
    { "copy-bom", "-f BOM --root image", "bring what a bill of materials lists into image/ (the program copy_bom)",
      cli_copy_bom, NULL },
    { "build", "[options]", "build and sign the enclave of this instance", cli_delegate, NULL },
    { "run", "[options] PROGRAM [ARGS...]", "run a program of the image inside the enclave", verb_run, help_run },
    { "start", "[options]", "start the enclave, for programs that exec runs in it", verb_start, help_start },
    { "exec", "[options] PROGRAM [ARGS...]", "run a program inside the enclave that was started", verb_exec,
      help_exec },
    { "stop", "[options]", "end the programs and the enclave that was started", verb_stop, help_stop },
    { "gdb", "PROGRAM [ARGS...]", "run a program of the image under gdb, with symbols (simulation)", verb_gdb,
      help_gdb },
    { "config", "[options]", "show what Occlum.json means, for both kinds of platform", verb_config, help_config },
    { "status", "", "say what this instance is and in what state", verb_status, help_status },
    { "gen-image-key", "FILE", "make a new key that images are encrypted with", verb_gen_image_key,
      help_gen_image_key },
    { "volume", "info|check|export FILE|import FILE|resize SIZE|rekey [options]",
      "look at, fill, enlarge the encrypted volume that keeps what programs write", verb_volume, help_volume },
    { "mount", "[options] FOLDER", "show the volume in a folder of this machine (FUSE)", cli_mount, NULL },
    { "print", "mrenclave|mrsigner|sigstruct", "print the identity of the built enclave", cli_delegate, NULL },
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void print_usage(FILE *to)
{
    fprintf(to, "usage: occlum VERB [options]\n\n"
                "Runs unmodified Linux programs inside one Intel SGX enclave.\n\n");
    for (size_t i = 0; i < VERBS; i++)
        fprintf(to, "  %-13s %s\n", verbs[i].name, verbs[i].summary);
    fprintf(to, "\n  occlum VERB --help says more of a verb; occlum --version prints the version.\n\n"
                "The usual way:\n"
                "  occlum new hello && cd hello\n"
                "  copy_bom -f BOM --root image        programs and what they need; copy_bom --help shows a BOM\n"
                "  SGX_MODE=SIM occlum build\n"
                "  occlum run /bin/PROGRAM\n");
}

static int unknown_verb(const char *word)
{
    const char *names[VERBS + 1] = { NULL };
    for (size_t i = 0; i < VERBS; i++)
        names[i] = verbs[i].name;
    const char *near = cli_nearest(word, names);
    if (near)
        return cli_usage("unknown verb: %s. Did you mean: occlum %s? See: occlum --help", word, near);
    return cli_usage("unknown verb: %s. See: occlum --help", word);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return STATUS_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("occlum %s\n", OCCLUM_VERSION);
        return STATUS_OK;
    }
    const struct verb *verb = cli_find_verb(verbs, VERBS, argv[1]);
    return verb ? cli_run_verb(verb, argc - 1, argv + 1) : unknown_verb(argv[1]);
}
