// SPDX-License-Identifier: BSD-3-Clause
// Files whose contents are kept elsewhere (on the host, on a volume) and that programs map shared: pages that are in
// memory are what read(2) sees and what write(2) changes too. The file's object_ops say how pages are filled and
// written.
#pragma once

#include "libos/fs/inode.h"
#include "libos/fs/uio.h"

// Up to n bytes at offset, from one page that is in memory: bytes moved (fewer when the caller's memory is not there),
// -ENODATA: the end of the file; -ENOENT: it is not, or the file was never mapped. inode->lock is not held.
long mapped_read(struct inode *inode, struct uio *uio, u64 offset, size_t n);
// The rest with inode->lock held.
// Something is to be written at offset: a tail that mappings wrote before it, behind the end of the file, is cleared. 0
// or -errno.
__nodiscard int mapped_reaching(struct inode *inode, u64 offset);
// The file has n new bytes at offset: pages that are in memory follow.
void mapped_written(struct inode *inode, u64 offset, const u8 *bytes, size_t n);
// The file was or is to be cut or extended.
__nodiscard int mapped_resized(struct inode *inode, u64 old_size, u64 size);
// A range of the file reads as zeros now.
__nodiscard int mapped_zeroed(struct inode *inode, u64 offset, u64 len);
