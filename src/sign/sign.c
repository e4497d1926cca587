// SPDX-License-Identifier: BSD-3-Clause
#include "sign/sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sign/enclave_xml.h"
#include "sign/key.h"
#include "sign/layout.h"
#include "sign/libos_elf.h"
#include "sign/sigstruct.h"
#include "sign/writer.h"

#define INPUT_MAX MIB(256)

static int refuse(int err, const char *path, const char *why)
{
    fprintf(stderr, "occlum: %s: %s\n", path, why);
    return err;
}

static int read_stream(FILE *file, u8 **ret_bytes, size_t *ret_len)
{
    if (fseeko(file, 0, SEEK_END) != 0)
        return -errno;
    off_t size = ftello(file);
    if (size < 0 || (u64)size > INPUT_MAX)
        return -EFBIG;
    rewind(file);
    u8 *bytes = malloc((size_t)size + 1);
    if (!bytes)
        return -ENOMEM;
    *ret_len = fread(bytes, 1, (size_t)size, file);
    if (ferror(file)) {
        free(bytes);
        return -EIO;
    }
    *ret_bytes = bytes;
    return 0;
}

static int read_whole(const char *path, u8 **ret_bytes, size_t *ret_len)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return refuse(-errno, path, strerror(errno));
    int err = read_stream(file, ret_bytes, ret_len);
    fclose(file);
    return err ? refuse(err, path, strerror(-err)) : 0;
}

static int read_xml(const struct sign_request *request, struct enclave_xml *ret_xml)
{
    u8 *text;
    size_t len;
    int err = read_whole(request->xml_path, &text, &len);
    if (err)
        return err;
    err = enclave_xml_parse((const char *)text, len, request->xml_path, request->edmm, stderr, ret_xml);
    free(text);
    return err;
}

static int read_libos(const char *path, struct libos_image *ret_image)
{
    const char *why;
    u8 *elf;
    size_t len;
    int err = read_whole(path, &elf, &len);
    if (err)
        return err;
    err = libos_image_read(elf, len, ret_image, &why);
    free(elf);
    return err ? refuse(err, path, why) : 0;
}

static int place_and_write(const struct sign_request *request, const struct enclave_xml *xml, struct libos_image *image,
                           EVP_PKEY *key, struct sign_result *ret_result)
{
    const struct layout_input input = { .xml = xml, .mode = request->mode, .edmm = request->edmm,
                                        .image_size = image->size, .entry = image->entry,
                                        .config_size = request->config_size };
    struct sign_result result;
    struct sgx_sigstruct sig;
    int err = layout_compute(&input, &result.layout);

    if (err)
        return refuse(err, request->xml_path, "the sizes add up to more than the 2^46 bytes an enclave may have");
    libos_image_place(image, &result.layout);
    const struct writer_input writer = { .xml = xml, .layout = &result.layout, .image = image, .key = key,
                                         .config = request->config, .path = request->output_path };
    err = enclave_write(&writer, &sig);
    if (!err)
        err = sigstruct_mrsigner(&sig, result.mrsigner);
    if (err)
        return refuse(err, request->output_path, strerror(-err));
    memcpy(result.mrenclave, sig.enclavehash, sizeof(result.mrenclave));
    *ret_result = result;
    return 0;
}

int sign_enclave(const struct sign_request *request, struct sign_result *ret_result)
{
    struct enclave_xml xml;
    struct libos_image image;
    EVP_PKEY *key;

    if (request->edmm && request->mode != ENCLAVE_MODE_HW)
        return refuse(-EINVAL, request->output_path, "simulation has no EDMM");
    int err = read_xml(request, &xml);
    if (err)
        return err;
    err = read_libos(request->libos_path, &image);
    if (err)
        return err;
    err = sign_key_load(request->key_path, &key);
    if (!err) {
        err = place_and_write(request, &xml, &image, key, ret_result);
        EVP_PKEY_free(key);
    }
    libos_image_free(&image);
    return err;
}
