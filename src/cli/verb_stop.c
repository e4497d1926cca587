// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/served.h"
#include "cli/verbs.h"

enum { SECONDS_MOST = 24 * 3600 };

const char help_stop[] =
    "Ends the enclave that occlum start began, in order: its programs get SIGTERM, after the time SIGKILL; what they\n"
    "wrote is brought to the disk. Returns when the enclave has ended. No program begins meanwhile. Another stop may\n"
    "shorten the time, never lengthen it.\n\n"
    "options:\n"
    "  -t, --time SECONDS   from SIGTERM to SIGKILL (10); 0: SIGKILL at once\n\n"
    "exit status:  0 stopped, 1 no enclave of this instance runs, or it belongs to another user\n";

static bool parse_seconds(const char *text, u64 *ret_seconds)
{
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *ret_seconds = value;
    return *text >= '0' && *text <= '9' && !*end && !errno && value <= SECONDS_MOST;
}

int verb_stop(int argc, char **argv)
{
    const char *time = "10";
    const struct cli_option options[] = { { "time", 't', &time, NULL } };
    struct serve_packet packet = { .kind = SERVE_STOP };

    int first = cli_parse(argc, argv, options, sizeof(options) / sizeof(options[0]));
    if (first < 0)
        return STATUS_USAGE;
    if (first < argc)
        return cli_usage("stop takes no arguments. See: occlum stop --help");
    if (!parse_seconds(time, &packet.value))
        return cli_usage("stop: --time %s: not a number of seconds from 0 to %d", time, SECONDS_MOST);
    if (!instance_check())
        return STATUS_ERROR;
    int fd = served_connect_or_say();
    if (fd < 0)
        return STATUS_ERROR;
    int err = served_send(fd, packet, NULL, 0);
    if (err)
        return cli_error("the enclave cannot be asked to stop: %s", strerror(-err));
    // The end of the connection is the end of the enclave's process.
    while (served_receive(fd, &packet) == 0)
        ;
    return packet.kind == SERVE_DENIED ? STATUS_ERROR : STATUS_OK;
}
