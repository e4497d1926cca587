// SPDX-License-Identifier: BSD-3-Clause
#include "libos/process/strings.h"
#include "abi/linux/abi.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/vm/user.h"

enum { MAX_STRING = 128 << 10, MAX_TOTAL = 2 << 20, MAX_COUNT = 64 << 10 };

static int copy_one(u64 address, char *scratch, size_t *total, char **ret_text)
{
    long len = strncpy_from_user(scratch, (const char __user *)address, MAX_STRING);
    if (len < 0)
        return len == -ENAMETOOLONG ? -E2BIG : (int)len;
    *total += (size_t)len + 1;
    if (*total > MAX_TOTAL)
        return -E2BIG;
    *ret_text = kstrdup(scratch);
    return *ret_text ? 0 : -ENOMEM;
}

static int count_user(const u64 __user *user, size_t *ret_count)
{
    u64 address;
    for (size_t n = 0; n < MAX_COUNT; n++) {
        if (get_user(address, user + n))
            return -EFAULT;
        if (!address) {
            *ret_count = n;
            return 0;
        }
    }
    return -E2BIG;
}

int strings_from_user(const u64 __user *user, char ***ret_list)
{
    size_t count = 0, total = 0;
    u64 address;
    int err = user ? count_user(user, &count) : 0;

    if (err)
        return err;
    char **list = kzalloc((count + 1) * sizeof(char *)), *scratch = kmalloc(MAX_STRING);
    err = list && scratch ? 0 : -ENOMEM;
    for (size_t i = 0; !err && i < count; i++) {
        err = get_user(address, user + i);
        if (!err)
            err = copy_one(address, scratch, &total, &list[i]);
    }
    kfree(scratch);
    if (err)
        strings_free(list);
    else
        *ret_list = list;
    return err;
}

char **strings_split(char *text, size_t size)
{
    size_t count = 0, n = 0;

    for (size_t i = 0; i < size; i++)
        count += text[i] == '\0';
    char **list = kzalloc((count + 1) * sizeof(char *));
    for (size_t at = 0; list && n < count; at += strlen(text + at) + 1)
        list[n++] = text + at;
    return list;
}

void strings_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        kfree(list[i]);
    kfree(list);
}

char *strings_flatten(char *const *list, size_t *ret_size)
{
    size_t size = 0;
    for (size_t i = 0; list[i]; i++)
        size += strlen(list[i]) + 1;
    char *text = kmalloc(size + 1), *at = text;
    if (!text) {
        *ret_size = 0;
        return NULL;
    }
    for (size_t i = 0; list[i]; i++) {
        size_t n = strlen(list[i]) + 1;
        memcpy(at, list[i], n);
        at += n;
    }
    *at = '\0';
    *ret_size = size;
    return text;
}
