// SPDX-License-Identifier: BSD-3-Clause
// Signs an enclave: LibOS + Enclave.xml + measured configuration -> enclave file (abi/occlum/layout.h).
#pragma once

#include <stdio.h>

#include "abi/occlum/layout.h"
#include "base/types.h"

struct sign_request {
    const char *libos_path; // static-PIE ELF file
    const char *xml_path;   // Enclave.xml
    const void *config;     // struct occlum_config, config_size bytes
    size_t config_size;
    enum enclave_mode mode;
    bool edmm;
    const char *key_path; // PEM, RSA-3072 with exponent 3; NULL: the user's default key, made if there is none
    const char *output_path;
};

// Reads an Enclave.xml and checks it, for an EDMM build or not: what sign_enclave will accept. All that is wrong goes
// to stderr, and -errno. The text is the caller's to free.
__nodiscard int sign_xml_load(const char *path, bool edmm, u8 **ret_text, size_t *ret_len);

// Whether the PEM file path holds a key that sign_enclave will accept. 0, or -errno after saying on stderr what is
// wrong.
__nodiscard int sign_key_check(const char *path);

struct sign_result {
    u8 mrenclave[32], mrsigner[32];
    struct enclave_layout layout;
};

// Writes the signed enclave to output_path (through a temporary file; untouched on failure). Same input, same bytes.
// 0 or -errno, after saying on stderr what is wrong.
__nodiscard int sign_enclave(const struct sign_request *request, struct sign_result *ret_result);

// Reads the header of an enclave file and checks its form. 0 or -errno; silent.
__nodiscard int sign_read_file(const char *path, struct enclave_file_header *ret_header);

enum sign_print { SIGN_PRINT_MRENCLAVE, SIGN_PRINT_MRSIGNER, SIGN_PRINT_SIGSTRUCT };

// Prints one part of the identity of the enclave file at path: hex for the hashes, a table for SIGSTRUCT. 0 or -errno,
// after saying on stderr what is wrong.
__nodiscard int sign_print(const char *path, enum sign_print what, FILE *out);
