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

static void move_kernel(enum direction direction, void *at, void *buf, size_t n)
{
    if (direction == PUT)
        memcpy(at, buf, n);
    else if (direction == TAKE)
        memcpy(buf, at, n);
    else
        memset(at, 0, n);
}

static int move_user(enum direction direction, void *at, void *buf, size_t n)
{
    switch (direction) {
    case PUT:
        return copy_to_user(at, buf, n);
    case TAKE:
        return copy_from_user(buf, at, n);
    default:
        return clear_user(at, n);
    }
}

static size_t move_user_nofault(enum direction direction, void *at, void *buf, size_t n)
{
    switch (direction) {
    case PUT:
        return copy_to_user_nofault(at, buf, n);
    case TAKE:
        return copy_from_user_nofault(buf, at, n);
    default:
        return clear_user_nofault(at, n);
    }
}

// Returns the bytes moved: with faults allowed all of n, but for what cannot be accessed.
static size_t move_piece(const struct uio *uio, enum direction direction, void *buf, size_t n, bool faults)
{
    void *at = (u8 *)uio->iov->iov_base + uio->offset;
    if (uio->kernel) {
        move_kernel(direction, at, buf, n);
        return n;
    }
    if (!faults)
        return move_user_nofault(direction, at, buf, n);
    // What can be had was brought in: as far as it goes.
    return move_user(direction, at, buf, n) ? move_user_nofault(direction, at, buf, n) : n;
}

static size_t move(struct uio *uio, enum direction direction, u8 *buf, size_t n, bool faults)
{
    size_t done = 0;
    while (done < n) {
        size_t piece = MIN(uio->iov->iov_len - uio->offset, n - done);
        size_t moved = piece ? move_piece(uio, direction, buf ? buf + done : NULL, piece, faults) : 0;
        done += moved;
        uio->offset += moved;
        uio->left -= moved;
        if (moved < piece)
            break;
        if (uio->offset == uio->iov->iov_len && uio->count > 1) {
            uio->iov++;
            uio->count--;
            uio->offset = 0;
        }
    }
    return done;
}

static int move_all(struct uio *uio, enum direction direction, void *buf, size_t n)
{
    return move(uio, direction, buf, n, true) == n ? 0 : -EFAULT;
}

int uio_put(struct uio *uio, const void *from, size_t n) { return move_all(uio, PUT, (void *)(uintptr_t)from, n); }
int uio_take(struct uio *uio, void *to, size_t n) { return move_all(uio, TAKE, to, n); }
int uio_put_zeros(struct uio *uio, size_t n) { return move_all(uio, ZERO, NULL, n); }

static long move_some(struct uio *uio, enum direction direction, void *buf, size_t n)
{
    size_t moved = move(uio, direction, buf, n, true);
    return moved || !n ? (long)moved : -EFAULT;
}

long uio_put_some(struct uio *uio, const void *from, size_t n)
{
    return move_some(uio, PUT, (void *)(uintptr_t)from, n);
}
long uio_take_some(struct uio *uio, void *to, size_t n) { return move_some(uio, TAKE, to, n); }
long uio_put_zeros_some(struct uio *uio, size_t n) { return move_some(uio, ZERO, NULL, n); }

size_t uio_put_nofault(struct uio *uio, const void *from, size_t n)
{
    return move(uio, PUT, (u8 *)(uintptr_t)from, n, false);
}
size_t uio_take_nofault(struct uio *uio, void *to, size_t n) { return move(uio, TAKE, to, n, false); }
size_t uio_put_zeros_nofault(struct uio *uio, size_t n) { return move(uio, ZERO, NULL, n, false); }

int uio_fault_in(const struct uio *uio, size_t n, bool into)
{
    size_t offset = uio->offset, done = 0;
    n = MIN(n, uio->left);
    if (uio->kernel)
        return 0;
    for (const struct iovec *iov = uio->iov; done < n; iov++, offset = 0) {
        size_t piece = MIN(iov->iov_len - offset, n - done);
        if (piece && fault_in_user((u8 *)iov->iov_base + offset, piece, into) != 0)
            return done ? 0 : -EFAULT;
        done += piece;
    }
    return 0;
}

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
        else if (!uio_can_be_user(iov[i].iov_base, iov[i].iov_len))
            err = -EFAULT;
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
