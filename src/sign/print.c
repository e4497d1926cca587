// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/rsa.h"
#include "sign/sign.h"
#include "sign/sigstruct.h"

int sign_read_file(const char *path, struct enclave_file_header *ret_header)
{
    struct enclave_file_header header;
    struct stat st;
    FILE *file = fopen(path, "re");

    if (!file)
        return -errno;
    bool ok = fread(&header, sizeof(header), 1, file) == 1 && fstat(fileno(file), &st) == 0 &&
              header.magic == ENCLAVE_FILE_MAGIC && header.version == ENCLAVE_FILE_VERSION &&
              header.size == (u64)st.st_size;
    fclose(file);
    if (!ok)
        return -EBADMSG;
    *ret_header = header;
    return 0;
}

static void hex(FILE *out, const char *label, const u8 *bytes, size_t len)
{
    fputs(label, out);
    for (size_t i = 0; i < len; i++)
        fprintf(out, "%02x", bytes[i]);
    fputc('\n', out);
}

static void print_attributes(FILE *out, const struct sgx_sigstruct *s)
{
    fprintf(out, "attributes:    0x%016" PRIx64 "%s%s%s\n", s->attributes.flags,
            s->attributes.flags & SGX_ATTR_DEBUG ? " DEBUG" : "",
            s->attributes.flags & SGX_ATTR_MODE64BIT ? " MODE64BIT" : "",
            s->attributes.flags & SGX_ATTR_KSS ? " KSS" : "");
    fprintf(out, "  mask:        0x%016" PRIx64 "\n", s->attributemask.flags);
    fprintf(out, "xfrm:          0x%016" PRIx64 "\n", s->attributes.xfrm);
    fprintf(out, "  mask:        0x%016" PRIx64 "\n", s->attributemask.xfrm);
    fprintf(out, "miscselect:    0x%08x\n", s->miscselect);
    fprintf(out, "  mask:        0x%08x\n", s->miscmask);
}

static int print_sigstruct(FILE *out, const struct sgx_sigstruct *s, const u8 mrsigner[32])
{
    int verified = rsa_sigstruct_verify(s);

    hex(out, "mrenclave:     ", s->enclavehash, sizeof(s->enclavehash));
    hex(out, "mrsigner:      ", mrsigner, 32);
    fprintf(out, "date:          %04x-%02x-%02x\n", s->date >> 16, s->date >> 8 & 0xff, s->date & 0xff);
    fprintf(out, "vendor:        0x%08x\nisvprodid:     %u\nisvsvn:        %u\n", s->vendor, s->isvprodid, s->isvsvn);
    print_attributes(out, s);
    hex(out, "isvextprodid:  ", s->isvextprodid, sizeof(s->isvextprodid));
    hex(out, "isvfamilyid:   ", s->isvfamilyid, sizeof(s->isvfamilyid));
    fprintf(out, "signature:     RSA-3072, exponent %u, %s\n", s->exponent, verified == 0 ? "valid" : "NOT VALID");
    return verified;
}

int sign_print(const char *path, enum sign_print what, FILE *out)
{
    struct enclave_file_header header;
    u8 mrsigner[32];
    int err = sign_read_file(path, &header);

    if (!err)
        err = sigstruct_mrsigner(&header.sigstruct, mrsigner);
    if (err) {
        fprintf(stderr, "occlum: %s: %s. Has the instance been built? (occlum build)\n", path,
                err == -EBADMSG ? "not a signed enclave of this version" : strerror(-err));
        return err;
    }
    if (what == SIGN_PRINT_MRENCLAVE)
        hex(out, "", header.sigstruct.enclavehash, sizeof(header.sigstruct.enclavehash));
    else if (what == SIGN_PRINT_MRSIGNER)
        hex(out, "", mrsigner, sizeof(mrsigner));
    else
        return print_sigstruct(out, &header.sigstruct, mrsigner);
    return ferror(out) ? -EIO : 0;
}
