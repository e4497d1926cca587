// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/uio.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/vm/user.h"

static void single(struct uio *uio, struct iovec *one, const void *buf, size_t size, bool kernel)
{
    *one = (struct iovec){ (void *)(uintptr_t)buf, size };
    *uio = (struct uio){ .iov = one, .count = 1, .left = size, .kernel = kernel };
}

void uio_user(struct uio *uio, struct iovec *one, const void *user_buf, size_t size)
{
    single(uio, one, user_buf, MIN(size, (size_t)UIO_MAX_BYTES), false);
}

void uio_kernel(struct uio *uio, struct iovec *one, void *buf, size_t size) { single(uio, one, buf, size, true); }

enum direction { PUT, TAKE, ZERO };

static int move_piece(const struct uio *uio, enum direction direction, u8 *at, void *buf, size_t n)
{
    if (uio->kernel) {
        if (direction == PUT)
            memcpy(at, buf, n);
        else if (direction == TAKE)
            memcpy(buf, at, n);
        else
            memset(at, 0, n);
        return 0;
    }
    switch (direction) {
    case PUT:
        return copy_to_user(at, buf, n);
    case TAKE:
        return copy_from_user(buf, at, n);
    default:
        return clear_user(at, n);
    }
}

static int move(struct uio *uio, enum direction direction, u8 *buf, size_t n)
{
    while (n) {
        size_t room = uio->iov->iov_len - uio->offset, piece = MIN(room, n);
        if (piece) {
            int err = move_piece(uio, direction, (u8 *)uio->iov->iov_base + uio->offset, buf, piece);
            if (err)
                return err;
        }
        buf += buf ? piece : 0;
        n -= piece;
        uio->offset += piece;
        uio->left -= piece;
        if (uio->offset == uio->iov->iov_len && uio->count > 1) {
            uio->iov++;
            uio->count--;
            uio->offset = 0;
        }
    }
    return 0;
}

int uio_put(struct uio *uio, const void *from, size_t n) { return move(uio, PUT, (u8 *)(uintptr_t)from, n); }
int uio_take(struct uio *uio, void *to, size_t n) { return move(uio, TAKE, to, n); }
int uio_put_zeros(struct uio *uio, size_t n) { return move(uio, ZERO, NULL, n); }

int uio_import(const struct iovec __user *user, u64 count, struct iovec **ret_iov, struct uio *ret_uio)
{
    u64 total = 0;

    if (count > UIO_IOV_MAX)
        return -EINVAL;
    struct iovec *iov = kmalloc((count + 1) * sizeof(*iov));
    if (!iov)
        return -ENOMEM;
    int err = copy_from_user(iov, user, count * sizeof(*iov));
    for (u64 i = 0; !err && i < count; i++) {
        if ((s64)iov[i].iov_len < 0)
            err = -EINVAL;
        iov[i].iov_len = MIN(iov[i].iov_len, (size_t)UIO_MAX_BYTES - total);
        total += iov[i].iov_len;
    }
    if (err) {
        kfree(iov);
        return err;
    }
    iov[count] = (struct iovec){ 0 };
    *ret_iov = iov;
    *ret_uio = (struct uio){ .iov = iov, .count = count ? count : 1, .left = total };
    return 0;
}
