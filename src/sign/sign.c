// SPDX-License-Identifier: BSD-3-Clause
#include "sign/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sign/enclave_xml.h"
#include "sign/key.h"
#include "sign/layout.h"
#include "sign/libos_elf.h"
#include "sign/sigstruct.h"
#include "sign/writer.h"

#define INPUT_MAX MIB(256)
#define XML_INPUT_MAX MIB(1)

static int refuse(int err, const char *path, const char *why)
{
    fprintf(stderr, "occlum: %s: %s\n", path, why);
    return err;
}

// size bytes, or fewer where the file ends.
static int read_all(int fd, u8 *bytes, size_t size, size_t *ret_len)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, bytes + done, size - done);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    *ret_len = done;
    return 0;
}

// O_NONBLOCK: opening a FIFO must not wait for a writer.
static int read_whole(const char *path, size_t limit, u8 **ret_bytes, size_t *ret_len)
{
    struct stat st;
    char why[96];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return refuse(-errno, path, strerror(errno));
    int err = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ? -EINVAL : (u64)st.st_size > limit ? -EFBIG : 0;
    snprintf(why, sizeof(why),
             err == -EINVAL ? "found something else; expected a regular file"
                            : "found %lld bytes; expected at most %zu",
             (long long)st.st_size, limit);
    u8 *bytes = err ? NULL : malloc((size_t)st.st_size + 1);
    if (!err)
        err = bytes ? read_all(fd, bytes, (size_t)st.st_size, ret_len) : -ENOMEM;
    close(fd);
    if (!err) {
        *ret_bytes = bytes;
        return 0;
    }
    free(bytes);
    return refuse(err, path, err == -EINVAL || err == -EFBIG ? why : strerror(-err));
}

static int read_xml(const char *path, bool edmm, u8 **ret_text, size_t *ret_len, struct enclave_xml *ret_xml)
{
    u8 *text;
    int err = read_whole(path, XML_INPUT_MAX, &text, ret_len);
    if (err)
        return err;
    err = enclave_xml_parse((const char *)text, *ret_len, path, edmm, stderr, ret_xml);
    if (err)
        free(text);
    else
        *ret_text = text;
    return err;
}

int sign_xml_load(const char *path, bool edmm, u8 **ret_text, size_t *ret_len)
{
    struct enclave_xml xml;
    return read_xml(path, edmm, ret_text, ret_len, &xml);
}

int sign_key_check(const char *path)
{
    EVP_PKEY *key;
    int err = sign_key_load(path, &key);
    if (!err)
        EVP_PKEY_free(key);
    return err;
}

static int read_libos(const char *path, struct libos_image *ret_image)
{
    const char *why;
    u8 *elf;
    size_t len;
    int err = read_whole(path, INPUT_MAX, &elf, &len);
    if (err)
        return err;
    err = libos_image_read(elf, len, ret_image, &why);
    free(elf);
    return err ? refuse(err, path, why) : 0;
}

static int place_and_write(const struct sign_request *request, const struct enclave_xml *xml, struct libos_image *image,
                           EVP_PKEY *key, struct sign_result *ret_result)
{
    const struct layout_input input = { .xml = xml,
                                        .mode = request->mode,
                                        .edmm = request->edmm,
                                        .image_size = image->size,
                                        .entry = image->entry,
                                        .config_size = request->config_size };
    struct sign_result result;
    struct sgx_sigstruct sig;
    int err = layout_compute(&input, &result.layout);

    if (err)
        return refuse(err, request->xml_path, "the sizes add up to more than the 2^46 bytes an enclave may have");
    libos_image_place(image, &result.layout);
    const struct writer_input writer = { .xml = xml,
                                         .layout = &result.layout,
                                         .image = image,
                                         .key = key,
                                         .config = request->config,
                                         .path = request->output_path };
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
    u8 *text;
    size_t len;

    if (request->edmm && request->mode != ENCLAVE_MODE_HW)
        return refuse(-EINVAL, request->output_path, "simulation has no EDMM");
    int err = read_xml(request->xml_path, request->edmm, &text, &len, &xml);
    if (err)
        return err;
    free(text);
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
