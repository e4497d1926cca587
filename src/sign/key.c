// SPDX-License-Identifier: BSD-3-Clause
#include "sign/key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BITS 3072
#define KEY_EXPONENT 3
#define MAKE_ONE "Make one: openssl genrsa -3 -out key.pem 3072"

static int refuse(int err, const char *path, const char *what, const char *cure)
{
    fprintf(stderr, "occlum: signing key %s: %s. %s\n", path, what, cure);
    return err;
}

static int check_key(const char *path, EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    char what[80];

    if (!EVP_PKEY_is_a(key, "RSA"))
        return refuse(-EINVAL, path, "not an RSA key", MAKE_ONE);
    if (EVP_PKEY_get_bits(key) != KEY_BITS) {
        snprintf(what, sizeof(what), "it has %d bits, SGX takes %d", EVP_PKEY_get_bits(key), KEY_BITS);
        return refuse(-EINVAL, path, what, MAKE_ONE);
    }
    bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_word(exponent, KEY_EXPONENT);
    BN_free(exponent);
    return ok ? 0 : refuse(-EINVAL, path, "its public exponent is not 3, which SGX demands", MAKE_ONE);
}

static int no_passphrase(char *buffer, int size, int writing, void *data) { return -1; }

static int read_key(const char *path, int fd, EVP_PKEY **ret_key)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return refuse(-EINVAL, path, "not a regular file", MAKE_ONE);
    }
    if (st.st_mode & 077) {
        close(fd);
        return refuse(-EACCES, path, "others than its owner may use it", "chmod 600 it.");
    }
    FILE *file = fdopen(fd, "r");
    if (!file) {
        close(fd);
        return -ENOMEM;
    }
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
    fclose(file);
    if (!key)
        return refuse(-EINVAL, path, "not an unencrypted private key in PEM form", MAKE_ONE);
    int err = check_key(path, key);
    if (err) {
        EVP_PKEY_free(key);
        return err;
    }
    *ret_key = key;
    return 0;
}

static EVP_PKEY *generate(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    BIGNUM *exponent = BN_new();
    EVP_PKEY *key = NULL;

    if (ctx && exponent && BN_set_word(exponent, KEY_EXPONENT) && EVP_PKEY_keygen_init(ctx) > 0 &&
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, KEY_BITS) > 0 && EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent) > 0)
        (void)EVP_PKEY_keygen(ctx, &key);
    BN_free(exponent);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static int default_path(char path[PATH_MAX])
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int n = -1;

    if (config && config[0] == '/')
        n = snprintf(path, PATH_MAX, "%s/occlum/sign-key.pem", config);
    else if (home && home[0] == '/')
        n = snprintf(path, PATH_MAX, "%s/.config/occlum/sign-key.pem", home);
    return n > 0 && n < PATH_MAX - 8 ? 0 : refuse(-ENOENT, "(default)", "HOME is not set", "Use --sign-key FILE.");
}

static int make_folders(const char *path)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof(folder), "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

static int write_key(const char *temporary, int fd, EVP_PKEY *key)
{
    FILE *file = fdopen(fd, "w");

    if (!file) {
        close(fd);
        return -ENOMEM;
    }
    bool ok = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 && fflush(file) == 0 && fsync(fd) == 0;
    return fclose(file) == 0 && ok ? 0 : -EIO;
}

// link() and not rename(): of two builds that make the key at once, the first one's stays.
static int create_default(const char *path)
{
    char temporary[PATH_MAX];
    int err = make_folders(path);

    if (err)
        return err;
    if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    EVP_PKEY *key = generate();
    if (!key)
        return -EIO;
    int fd = mkostemp(temporary, O_CLOEXEC); // mode 0600
    err = fd < 0 ? -errno : write_key(temporary, fd, key);
    EVP_PKEY_free(key);
    if (fd < 0)
        return err;
    if (!err && link(temporary, path) != 0 && errno != EEXIST)
        err = -errno;
    unlink(temporary);
    if (!err)
        fprintf(stderr, "occlum: made a signing key for you: %s. Enclaves are known by it: keep it.\n", path);
    return err;
}

int sign_key_load(const char *path, EVP_PKEY **ret_key)
{
    char buffer[PATH_MAX];
    bool own = !path;

    if (own) {
        int err = default_path(buffer);
        if (err)
            return err;
        path = buffer;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && own) {
        int err = create_default(path);
        if (err)
            return refuse(err, path, strerror(-err), "It cannot be made; use --sign-key FILE.");
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0)
        return refuse(-errno, path, strerror(errno), MAKE_ONE);
    return read_key(path, fd, ret_key);
}
