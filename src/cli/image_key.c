// SPDX-License-Identifier: BSD-3-Clause
#include "cli/image_key.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The number of bytes in the text, of which the first IMAGE_KEY_BYTES go to key; -1: it is no such text.
static int parse(const char *text, u8 *key)
{
    int count = 0;

    while (*text) {
        if (*text == '-' || isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);
        if (low < 0)
            return -1;
        if (count < IMAGE_KEY_BYTES)
            key[count] = (u8)(high << 4 | low);
        count++;
        text += 2;
    }
    return count;
}

int image_key_read(const char *path, u8 ret_key[IMAGE_KEY_BYTES])
{
    size_t size;
    char *text = read_whole_file(path, &size);

    if (!text)
        return cli_error("image key %s: %s. Make one with: occlum gen-image-key FILE", path, strerror(errno));
    int count = strlen(text) == size ? parse(text, ret_key) : -1;
    explicit_bzero(text, size);
    free(text);
    if (count == IMAGE_KEY_BYTES)
        return 0;
    if (count < 0)
        return cli_error("image key %s: it is not hexadecimal text. Make one with: occlum gen-image-key FILE", path);
    return cli_error(
        "image key %s: found %d bytes; expected %d (a key of Occlum's with 16 is too short here). Make one "
        "with: occlum gen-image-key FILE",
        path, count, IMAGE_KEY_BYTES);
}
