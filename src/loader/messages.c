// SPDX-License-Identifier: BSD-3-Clause
#include "loader/messages.h"

#include <stdio.h>
#include <unistd.h>

#include "abi/occlum/entry.h"

static const char *program = "";

void messages_set_program(const char *name) { program = name; }

void message_aborted(u64 value)
{
    static const char *const reasons[] = {
        "?",
        "a host pointer was not the host's",
        "an impossible answer of the host",
        "a fault inside the LibOS",
        "stack smashing",
        "the start failed",
        "RDRAND does not answer",
        "a bug of the LibOS",
        "build/image.erofs is not there, or does not match the enclave: it was changed after the build. Build again: "
        "occlum build",
    };
    u64 reason = value & 0xff;
    fprintf(stderr, "occlum: the enclave stopped: %s (%#llx)\n", reason < ARRAY_SIZE(reasons) ? reasons[reason] : "?",
            (unsigned long long)value);
    _exit(125);
}

const char *message_of_refusal(u64 refusal)
{
    static const char *const reasons[] = {
        [REFUSED_ENTRY_POINT] = "entry_points of Occlum.json does not permit it",
        [REFUSED_NOT_FOUND] = "not found in the image",
        [REFUSED_NOT_EXECUTABLE] = "not an executable file",
        [REFUSED_FORMAT] = "not a program for x86-64 Linux, or a script without an interpreter",
        [REFUSED_TOO_BIG] = "too many arguments, or too large an environment",
        [REFUSED_MEMORY] = "not enough memory: see user_space_size and kernel_space_heap_size in Occlum.json",
        [REFUSED_IMAGE] =
            "the image does not match the enclave: it was changed after the build. Build again: occlum build -f",
        [REFUSED_VOLUME] =
            "the volume under run/mount/__ROOT (or of an ext2 mount) cannot be used: the host's file system "
            "failed, or its file is no volume (OCCLUM_LOG_LEVEL=error says more)",
        [REFUSED_VOLUME_BUSY] = "the volume under run/mount/__ROOT (or of an ext2 mount): another enclave has it open",
        [REFUSED_VOLUME_KEY] =
            "the volume under run/mount/__ROOT (or of an ext2 mount) was made with another key or by "
            "another signer, or its file was changed. Simulation and SGX have different keys, unless an image key is "
            "given (occlum build --image-key). Without what it holds: remove its folder, and a new one is made",
        [REFUSED_VOLUME_ACCESS] =
            "the volume under run/mount/__ROOT (or of an ext2 mount) cannot be opened for writing by "
            "this user; \"temporary\": true in its layer keeps what programs write in memory instead",
        [REFUSED_VOLUME_SPACE] =
            "no space on the host's disk for the volume under run/mount/__ROOT (or of an ext2 mount)",
        [REFUSED_IMAGE_KEY_NONE] =
            "the image is encrypted: give the key that it was built with (occlum run --image-key FILE)",
        [REFUSED_IMAGE_KEY_WRONG] = "this is not the image key that the image was built with",
        [REFUSED_VOLUME_STALE] =
            "the volume under run/mount/__ROOT (or of an ext2 mount) is not what its freshness anchor names: an older "
            "state or a copy that went on elsewhere is in its place, or the volume or the anchor was taken away",
        [REFUSED_THREADS] = "no thread is free: see max_num_of_threads in Occlum.json",
        [REFUSED_STOPPING] = "the enclave is being stopped",
        [REFUSED_FOLDER] = "the working folder is not there, or none",
        [REFUSED_REQUEST] = "the enclave does not accept the request",
        [REFUSED_OTHER] = "it cannot be started (OCCLUM_LOG_LEVEL=error says more in a debuggable enclave)",
    };
    return refusal < ARRAY_SIZE(reasons) && reasons[refusal] ? reasons[refusal] : "?";
}

void message_refused_start(u64 refusal)
{
    if (refusal)
        fprintf(stderr, "occlum: %s: %s\n", program, message_of_refusal(refusal));
}

// A thread that starts, or comes back from a host call, while the enclave shuts down is turned away too: then its slot
// is done. The thread that brings the last word may still be on its way.
void message_refused_entry(u64 slot, const bool *shutting_down)
{
    for (int tenths = 0; tenths < 100; tenths++) {
        if (__atomic_load_n(shutting_down, __ATOMIC_ACQUIRE))
            return;
        usleep(100000);
    }
    fprintf(stderr, "occlum: the enclave refused an entry at slot %llu\n", (unsigned long long)slot);
    _exit(125);
}
