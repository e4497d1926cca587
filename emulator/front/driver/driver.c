// SPDX-License-Identifier: BSD-3-Clause
// The ioctls of /dev/sgx_enclave up to INIT, as Linux documents them (Documentation/arch/x86/sgx.rst and the uapi
// header).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "front/cpu/encl.h"
#include "front/cpu/view.h"
#include "front/driver/driver.h"
#include "front/driver/epc.h"
#include "front/driver/life.h"
#include "front/driver/maps.h"
#include "front/driver/source.h"
#include "front/os/emu.h"
#include "front/os/filter.h"
#include "front/os/remote.h"

enum { INTERRUPT_EVERY = 256, WINDOW_PAGES = 64 };
enum { IOC_CREATE = 0x4008a400, IOC_INIT = 0x4008a402, IOC_PROVISION = 0x4008a403 };
#define IOC_ADD 0xc030a401u
#define IOC_RESTRICT 0xc028a405u
#define IOC_TYPES 0xc028a406u
#define IOC_REMOVE 0xc018a407u

static long create(struct task *t, struct encl *e, u64 argument)
{
    u64 src;
    struct sgx_secs *secs = aligned_alloc(EMU_PAGE, EMU_PAGE);
    if (!secs)
        return -ENOMEM;
    long ret = -EINVAL;
    if (e->created)
        goto out;
    ret = -EFAULT;
    if (remote_read(t, argument, &src, 8) < 0 || remote_read(t, src, secs, EMU_PAGE) < 0)
        goto out;
    ret = -EINVAL;
    if (!secs->size || (secs->size & (secs->size - 1)))
        goto out;
    ret = encl_va_reserve(t, e);
    if (ret < 0)
        goto out;
    ret = -ENOMEM;
    u32 index = epc_alloc(t, e);
    if (index == SGX_NO_PAGE)
        goto out_va;
    static const struct sgx_secinfo secinfo;
    struct sgx_page_args args = { .srcpge = (u8 *)secs, .secinfo = &secinfo, .secs = SGX_NO_SECS };
    struct sgx_result r = sgx_ecreate(&emu.model, &args, (u64)index * EMU_PAGE);
    if (r.vector || r.rax) {
        epc_free(index);
        ret = -EIO;
        goto out_va;
    }
    e->secs = index;
    e->base = secs->base;
    e->size = secs->size;
    e->attributes = secs->attributes.flags;
    e->attributes_mask = SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_KSS;
    e->pages = mmap(NULL, e->size / EMU_PAGE * sizeof(struct encl_page), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    e->chunks = calloc(e->size / EMU_PAGE / CHUNK_PAGES + 1, 1);
    if (ftruncate(e->memfd, (off_t)e->size) < 0)
        trace("ftruncate: %s", strerror(errno));
    e->mem = mmap(NULL, e->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, e->memfd, 0);
    if (e->pages == MAP_FAILED || e->mem == MAP_FAILED || !e->chunks) {
        fprintf(
            stderr,
            "sgx2emu: no address space for an enclave of %#lx bytes. What helps: ulimit -v and ulimit -d unlimited\n",
            e->size);
        exit(125);
    }
    e->created = true;
    view_get(t->mm, e);
    filter_enclave(t, (int)t->regs.rdi, e->base, e->size);
    maps_adopt_early(t, e);
    ret = 0;
out_va:
    if (ret)
        encl_va_release(e);
out:
    free(secs);
    return ret;
}

int driver_range(const struct encl *e, u64 offset, u64 length)
{
    if (offset % EMU_PAGE || !length || length % EMU_PAGE || offset + length < offset)
        return -EINVAL;
    return offset + length - EMU_PAGE >= e->size ? -EINVAL : 0;
}

static int check_secinfo(const struct sgx_secinfo *s)
{
    u64 type = s->flags & SGX_SECINFO_PT_MASK, rights = s->flags & 7;
    if (type != SGX_SECINFO_PT(SGX_PT_REG) && type != SGX_SECINFO_PT(SGX_PT_TCS))
        return -EINVAL;
    if ((rights & SGX_SECINFO_W) && !(rights & SGX_SECINFO_R))
        return -EINVAL;
    if ((type == SGX_SECINFO_PT(SGX_PT_TCS) && rights) || (s->flags & ~(7 | SGX_SECINFO_PT_MASK)))
        return -EINVAL;
    for (size_t i = 0; i < sizeof(s->reserved); i++)
        if (s->reserved[i])
            return -EINVAL;
    return 0;
}

// Pages of the source, read ahead of their use.
struct window {
    u64 start, end, limit; // addresses
};

static u8 *window_page(struct task *t, struct window *w, u64 address)
{
    static u8 data[WINDOW_PAGES * EMU_PAGE] __attribute__((aligned(4096)));
    if (address < w->start || address >= w->end) {
        u64 size = w->limit - address < sizeof(data) ? w->limit - address : sizeof(data);
        if (remote_read(t, address, data, size) < 0 && remote_read(t, address, data, size = EMU_PAGE) < 0)
            return NULL;
        w->start = address;
        w->end = address + size;
    }
    return data + (address - w->start);
}

static long add_page(struct task *t, struct encl *e, struct source *source, struct window *window, u64 src, u64 page,
                     const struct sgx_secinfo *secinfo, u64 flags)
{
    u8 *data = NULL;
    struct encl_page *p = &e->pages[page];
    u32 index = epc_alloc(t, e);
    if (index == SGX_NO_PAGE || encl_va_reserve(t, e) < 0) {
        if (index != SGX_NO_PAGE)
            epc_free(index);
        return -ENOMEM;
    }
    long ret = -EBUSY;
    if (p->state != PAGE_ABSENT)
        goto fail;
    ret = source_check(t, source, src);
    if (ret == 0 && !(data = window_page(t, window, src)))
        ret = -EFAULT;
    if (ret)
        goto fail;
    struct sgx_page_args args = { .linaddr = e->base + page * EMU_PAGE,
                                  .srcpge = data,
                                  .secinfo = secinfo,
                                  .secs = (u64)e->secs * EMU_PAGE,
                                  .zeroed = true }; // a hole of the memfd
    struct sgx_result r = sgx_eadd(&emu.model, &args, (u64)index * EMU_PAGE);
    ret = -EIO;
    if (r.vector)
        goto fail;
    for (u64 o = 0; (flags & 1) && o < EMU_PAGE; o += 256) {
        r = sgx_eextend(&emu.model, (u64)e->secs * EMU_PAGE, (u64)index * EMU_PAGE + o);
        if (r.vector)
            goto fail_added;
    }
    encl_page_used(e, page);
    p->added = true;
    p->epc = index;
    p->state = PAGE_LOADED;
    p->type = (u8)(secinfo->flags >> 8);
    p->max_prot = p->type == SGX_PT_TCS ? PROT_READ | PROT_WRITE : (u8)(secinfo->flags & 7);
    return 0;
fail_added:
    (void)sgx_eremove(&emu.model, (u64)index * EMU_PAGE);
    madvise(e->mem + page * EMU_PAGE, EMU_PAGE, MADV_REMOVE);
fail:
    epc_free(index);
    encl_va_release(e);
    return ret;
}

static long add_pages(struct task *t, struct encl *e, u64 argument)
{
    struct {
        u64 src, offset, length, secinfo, flags, count;
    } a;
    struct sgx_secinfo secinfo;
    if (!e->created || e->initialized)
        return -EINVAL;
    if (remote_read(t, argument, &a, sizeof(a)) < 0)
        return -EFAULT;
    if (a.src % EMU_PAGE || driver_range(e, a.offset, a.length) < 0)
        return -EINVAL;
    if (remote_read(t, a.secinfo, &secinfo, sizeof(secinfo)) < 0)
        return -EFAULT;
    if (check_secinfo(&secinfo) < 0)
        return -EINVAL;
    long ret = 0;
    u64 done = 0;
    struct source source = { 0 };
    struct window window = { .limit = a.src + a.length };
    for (; done < a.length && !ret; done += ret ? 0 : EMU_PAGE) {
        if (done && done / EMU_PAGE % INTERRUPT_EVERY == 0 && source_interrupted(t))
            break;
        ret = add_page(t, e, &source, &window, a.src + done, (a.offset + done) / EMU_PAGE, &secinfo, a.flags);
    }
    a.count = done;
    if (remote_write(t, argument, &a, sizeof(a)) < 0)
        return -EFAULT;
    return ret;
}

static long init(struct task *t, struct encl *e, u64 argument)
{
    u64 address;
    struct sgx_sigstruct sig;
    if (!e->created || e->initialized)
        return -EINVAL;
    if (remote_read(t, argument, &address, 8) < 0 || remote_read(t, address, &sig, sizeof(sig)) < 0)
        return -EFAULT;
    if (sig.vendor != 0 && sig.vendor != 0x8086)
        return -EINVAL;
    if (e->attributes & ~e->attributes_mask)
        return -EACCES;
    u32 misc[4], offered[4];
    sgx_cpuid(&emu.model, 0x12, 0, misc);
    sgx_cpuid(&emu.model, 0x12, 1, offered);
    struct sgx_attributes must = { sig.attributes.flags & sig.attributemask.flags,
                                   sig.attributes.xfrm & sig.attributemask.xfrm };
    if ((must.flags & ~(offered[0] | (u64)offered[1] << 32)) || (must.xfrm & ~(offered[2] | (u64)offered[3] << 32)) ||
        (sig.miscselect & sig.miscmask & ~misc[1]))
        return -EINVAL;
    sha256(sig.modulus, sizeof(sig.modulus), emu.model.lepubkeyhash);
    struct sgx_result r = sgx_einit(&emu.model, &sig, (u64)e->secs * EMU_PAGE);
    if (r.vector)
        return -EIO;
    if (r.rax) {
        trace("EINIT: %lu", r.rax);
        return -EPERM;
    }
    e->initialized = true;
    return 0;
}

static long provision(struct task *t, struct encl *e, u64 argument)
{
    u64 fd;
    char path[64];
    struct stat info;
    if (remote_read(t, argument, &fd, 8) < 0)
        return -EFAULT;
    snprintf(path, sizeof(path), "/proc/%d/fd/%u", t->tid, (u32)fd);
    if (stat(path, &info) < 0)
        return -EINVAL;
    if (info.st_ino != emu.provision_ino || info.st_dev != emu.provision_dev)
        return -EINVAL;
    e->attributes_mask |= SGX_ATTR_PROVISIONKEY;
    return 0;
}

long driver_ioctl(struct task *t, struct encl *e, u32 command, u64 argument)
{
    switch (command) {
    case IOC_CREATE:
        return create(t, e, argument);
    case IOC_ADD:
        return add_pages(t, e, argument);
    case IOC_INIT:
        return init(t, e, argument);
    case IOC_PROVISION:
        return provision(t, e, argument);
    }
    if (emu.options.driver_sgx1)
        return -ENOTTY;
    bool sgx2 = command == IOC_RESTRICT || command == IOC_TYPES || command == IOC_REMOVE;
    if (!sgx2)
        return -ENOTTY;
    if (emu.options.sgx1)
        return -ENODEV;
    if (!e->initialized)
        return -EINVAL;
    if (command == IOC_RESTRICT)
        return driver_restrict(t, e, argument);
    return command == IOC_TYPES ? driver_types(t, e, argument) : driver_remove(t, e, argument);
}
