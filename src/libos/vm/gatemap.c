// SPDX-License-Identifier: BSD-3-Clause
#include "libos/vm/gatemap.h"

#include <linux/elf.h>

#include "base/string.h"
#include "gate/find.h"
#include "gate/patch.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/vm/family.h"
#include "libos/vm/tempmem.h"
#include "trusted/emm.h"
#include "trusted/layout.h"
#include "trusted/tls.h"

enum { SCAN_LIMIT = 256 << 20, HEADER_BYTES = 4096 };

// Stub areas lie within this distance of the text: half of what a jump can span, so that the text's own length fits
// too.
#define REACH GIB(1)

struct vm_gate {
    struct rb_node node; // in gates
    u32 refs;            // atomic; of filemaps, of relatives too
    struct gate_mapping map;
    struct gate_table *scanned; // owned table of a file that is not the image's; NULL: the image's, which stays
    u64 scanned_size;
    u64 stub_size;
};

static struct spinlock gates_lock = SPINLOCK_INIT(LOCK_GATES);
static struct rb_tree gates; // by stub_base: stub areas never overlap, whoever's they are

static struct vm_gate *gate_of(struct rb_node *node) { return node ? container_of(node, struct vm_gate, node) : NULL; }

static void publish(struct vm_gate *gate)
{
    struct rb_node *parent = NULL;
    spin_lock(&gates_lock);
    struct rb_node **link = &gates.root;
    while (*link) {
        parent = *link;
        link = gate->map.stub_base < gate_of(parent)->map.stub_base ? &parent->left : &parent->right;
    }
    rb_insert(&gates, &gate->node, parent, link);
    spin_unlock(&gates_lock);
}

static void *scratch_alloc(void *context, size_t size)
{
    (void)context;
    return tempmem_alloc(size, enclave_layout.user_start, enclave_layout.user_end);
}

static void scratch_free(void *context, void *memory, size_t size)
{
    (void)context;
    tempmem_free(memory, size);
}

static const struct gate_memory scratch = { scratch_alloc, scratch_free, NULL };

// Where the mapping's first byte stands in the file's own addresses: the executable segment that holds its offset.
static int segment_address(const struct vm_filemap *map, u64 *ret_vaddr)
{
    u8 *header = kpages_alloc(1);
    long n = header ? map->ops->read(map->file, 0, header, HEADER_BYTES) : -ENOMEM;
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)header;
    int err = n < 0 ? (int)n : -ENOEXEC;

    if (n >= (long)sizeof(*eh) && memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 && eh->e_phentsize == sizeof(Elf64_Phdr) &&
        eh->e_phoff <= (u64)n && eh->e_phnum <= ((u64)n - eh->e_phoff) / sizeof(Elf64_Phdr) && eh->e_phoff % 8 == 0) {
        const Elf64_Phdr *ph = (const Elf64_Phdr *)(header + eh->e_phoff);
        for (u16 i = 0; i < eh->e_phnum && err; i++) {
            u64 start = ALIGN_DOWN(ph[i].p_offset, PAGE_SIZE);
            if (ph[i].p_type != PT_LOAD || !(ph[i].p_flags & PF_X) || map->offset < start ||
                map->offset - start >= ph[i].p_filesz + (ph[i].p_offset - start))
                continue;
            *ret_vaddr = ALIGN_DOWN(ph[i].p_vaddr, PAGE_SIZE) + (map->offset - start);
            err = 0;
        }
    }
    if (header)
        kpages_free(header, 1);
    return err;
}

// The table of a file that did not come with one.
static int scan(const struct vm_filemap *map, struct vm_gate *gate)
{
    u64 size = map->ops->size(map->file);
    u8 *bytes = size <= SCAN_LIMIT ? scratch_alloc(NULL, size) : NULL;
    struct gate_table *table;

    if (!bytes)
        return -ENOMEM;
    long n = map->ops->read(map->file, 0, bytes, size);
    int err = n == (long)size ? gate_find(bytes, size, &scratch, &table) : -EIO;
    tempmem_free(bytes, size);
    if (!err) {
        gate->scanned = table;
        gate->scanned_size = gate_table_size(table->count);
        gate->map.table = table;
    }
    return err;
}

static int find_table(const struct vm_filemap *map, struct vm_gate *gate)
{
    const void *table = NULL;
    size_t size = 0;
    int err = map->ops->gate_table ? map->ops->gate_table(map->file, 0, &table, &size) : 0;

    if (err)
        return err;
    gate->map.table = table;
    return table ? 0 : scan(map, gate);
}

static void log_counts(const struct vm_filemap *map, const struct gate_table *table)
{
    char path[256];
    if (log_level < LOG_DEBUG)
        return;
    map->ops->path(map->file, path, sizeof(path));
    log_debug("call gate: %s: %u rewritten (%u in place, %u through padding), %u left to the trap", path,
              table->kinds[GATE_PRE] + table->kinds[GATE_HOLE], table->kinds[GATE_PRE], table->kinds[GATE_HOLE],
              table->kinds[GATE_TRAP]);
}

struct stubs {
    struct vm_gate *gate;
    u8 *bytes; // of all, once the place is known
};

// page_source: the first piece tells where they lie.
static int stub_bytes(void *arg, u64 at, u64 len, u8 *bytes)
{
    struct stubs *stubs = arg;
    struct vm_gate *gate = stubs->gate;
    u64 pages = DIV_ROUND_UP(gate->stub_size, PAGE_SIZE);

    if (!stubs->bytes) {
        stubs->bytes = kpages_alloc(pages);
        if (!stubs->bytes)
            return -ENOMEM;
        memset(stubs->bytes, 0, pages * PAGE_SIZE);
        gate->map.stub_base = at;
        int err = gate_in_reach(&gate->map) ? gate_write_stubs(&gate->map, TLS_GATE, stubs->bytes) : -ERANGE;
        if (err)
            return err;
    }
    memcpy(bytes, stubs->bytes + (at - gate->map.stub_base), len);
    return 0;
}

// The stubs in memory of their own near the text, executable and never writable for anybody.
static int make_stubs(struct vm_gate *gate)
{
    u64 lo = gate->map.first > REACH ? gate->map.first - REACH : 0, hi = gate->map.last + REACH;
    struct stubs stubs = { .gate = gate };

    void *area = tempmem_place(gate->stub_size, MAX(lo, enclave_layout.user_start), MIN(hi, enclave_layout.user_end),
                               EMM_READ | EMM_EXEC, stub_bytes, &stubs);
    kpages_free(stubs.bytes, DIV_ROUND_UP(gate->stub_size, PAGE_SIZE));
    return area ? 0 : -ENOMEM;
}

static int prepare(struct vm_filemap *map, struct vm_gate *gate, u64 start, u64 end)
{
    u64 vaddr;
    int err = segment_address(map, &vaddr);
    if (!err)
        err = find_table(map, gate);
    if (err)
        return err;
    log_counts(map, gate->map.table);
    gate->map.bias = map->addr - vaddr;
    gate->map.first = start;
    gate->map.last = end;
    gate->stub_size = gate_stub_area_size(gate->map.table);
    return gate->stub_size ? make_stubs(gate) : -ENOENT;
}

int gatemap_attach(struct mm *mm, struct vm_filemap *map, u64 start, u64 end)
{
    if (map->gate || map->shared)
        return 0;
    struct vm_gate *gate = kzalloc(sizeof(*gate));
    if (!gate)
        return -ENOMEM;
    int err = prepare(map, gate, start, end);
    if (err) {
        // No ELF file, no sites, or no memory: its system calls trap, which is slow but right.
        if (err != -ENOENT && err != -ENOEXEC)
            log_info("call gate: a file is left to the trap: error %d", -err);
        if (gate->scanned)
            tempmem_free(gate->scanned, gate->scanned_size);
        kfree(gate);
        return 0;
    }
    gate->refs = 1;
    publish(gate);
    map->gate = gate;
    return 0;
}

void gatemap_apply(struct vm_filemap *map, u64 start, u64 end, u8 *bytes)
{
    for (u64 page = start; page < end; page += PAGE_SIZE)
        gate_apply(&map->gate->map, page, bytes + (page - start));
}

void gatemap_ref(struct vm_gate *gate) { __atomic_fetch_add(&gate->refs, 1, __ATOMIC_RELAXED); }

void gatemap_detach(struct vm_filemap *map)
{
    struct vm_gate *gate = map->gate;
    map->gate = NULL;
    if (!gate || __atomic_sub_fetch(&gate->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    spin_lock(&gates_lock);
    rb_erase(&gates, &gate->node);
    spin_unlock(&gates_lock);
    tempmem_free((void *)gate->map.stub_base, gate->stub_size);
    if (gate->scanned)
        tempmem_free(gate->scanned, gate->scanned_size);
    kfree(gate);
}

u64 vm_original_rip(u64 rip)
{
    struct vm_gate *gate = NULL;
    u64 original = rip;

    spin_lock(&gates_lock);
    for (struct rb_node *node = gates.root; node;) {
        bool right = rip >= gate_of(node)->map.stub_base;
        if (right)
            gate = gate_of(node);
        node = right ? node->right : node->left;
    }
    if (gate && gate_stub_to_original(&gate->map, rip, &original) != 0)
        original = rip;
    spin_unlock(&gates_lock);
    return original;
}

u64 vm_resume_rip(struct mm *mm, u64 rip)
{
    mm_lock(mm);
    const struct vma *vma = vma_find(mm, rip);
    bool gated = vma && vma->start <= rip && vma->map && vma->map->gate;
    u64 run = gated ? gate_original_to_run(&vma->map->gate->map, rip) : rip;
    mm_unlock(mm);
    return run;
}
