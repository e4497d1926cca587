// SPDX-License-Identifier: BSD-3-Clause
// Free ranges in a search tree by address; each node knows the largest range of its subtree.
#include "libos/mem/range.h"

#include "abi/linux/abi.h"
#include "base/checked.h"
#include "base/rbtree.h"
#include "libos/mem/heap.h"
#include "trusted/spinlock.h"

struct free_range {
    struct rb_node node;
    u64 start, end;
    u64 largest; // bytes of the largest range in this subtree
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_RANGES);
static struct rb_tree tree;      // guarded by lock
static struct free_range *spare; // unused descriptors, linked through node.left; guarded by lock

static u64 taken; // bytes; guarded by lock

static struct free_range *range_of(const struct rb_node *node)
{
    return node ? container_of(node, struct free_range, node) : NULL;
}

static void update(struct rb_node *node)
{
    struct free_range *range = range_of(node);
    u64 largest = range->end - range->start;
    if (node->left)
        largest = MAX(largest, range_of(node->left)->largest);
    if (node->right)
        largest = MAX(largest, range_of(node->right)->largest);
    range->largest = largest;
}

static void insert(struct free_range *range, u64 start, u64 end)
{
    struct rb_node **link = &tree.root, *parent = NULL;
    range->start = start;
    range->end = end;
    while (*link) {
        parent = *link;
        link = start < range_of(parent)->start ? &parent->left : &parent->right;
    }
    rb_insert_augmented(&tree, &range->node, parent, link, update);
}

static void put_spare(struct free_range *range)
{
    range->node.left = spare ? &spare->node : NULL;
    spare = range;
}

static struct free_range *take_spare(void)
{
    struct free_range *range = spare;
    spare = range_of(range->node.left);
    return range;
}

// The last free range that starts at or before addr.
static struct free_range *find_at_or_before(u64 addr)
{
    struct free_range *best = NULL;
    for (struct rb_node *node = tree.root; node;) {
        struct free_range *range = range_of(node);
        if (range->start <= addr) {
            best = range;
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return best;
}

// Only subtrees that are cut by lo or hi can disappoint after largest promised enough, so this stays O(depth).
static struct free_range *find_highest(struct rb_node *node, u64 len, u64 lo, u64 hi)
{
    struct free_range *range = range_of(node), *found;
    if (!node || range->largest < len)
        return NULL;
    if (range->start < hi) {
        found = find_highest(node->right, len, lo, hi);
        if (found)
            return found;
        u64 from = MAX(range->start, lo), to = MIN(range->end, hi);
        if (from < to && to - from >= len)
            return range;
    }
    return range->start > lo ? find_highest(node->left, len, lo, hi) : NULL;
}

// Cuts [start, end) out of range, which contains it.
static void carve(struct free_range *range, u64 start, u64 end)
{
    u64 range_end = range->end;
    taken += end - start;
    if (range->start == start && range_end == end) {
        rb_erase_augmented(&tree, &range->node, update);
        put_spare(range);
        return;
    }
    if (range->start == start) {
        range->start = end;
    } else {
        range->end = start;
        if (range_end != end)
            insert(take_spare(), end, range_end);
    }
    rb_propagate(&range->node, update);
}

void range_init(u64 start, u64 end)
{
    struct free_range *all = kmalloc(sizeof(*all));
    tree.root = NULL;
    spare = NULL;
    taken = 0;
    if (all) // or else every later request is refused
        insert(all, start, end);
}

int range_descriptor_add(void)
{
    struct free_range *range = kmalloc(sizeof(*range));
    if (!range)
        return -ENOMEM;
    spin_lock(&lock);
    put_spare(range);
    spin_unlock(&lock);
    return 0;
}

void range_descriptor_drop(void)
{
    spin_lock(&lock);
    struct free_range *range = take_spare();
    spin_unlock(&lock);
    kfree(range);
}

bool range_alloc(u64 len, u64 align, u64 lo, u64 hi, u64 *ret_start)
{
    u64 want, start = 0;
    if (add_overflow_u64(len, align - PAGE_SIZE, &want) || lo >= hi)
        return false;
    spin_lock(&lock);
    struct free_range *range = find_highest(tree.root, want, lo, hi);
    if (range) {
        start = ALIGN_DOWN(MIN(range->end, hi) - len, align);
        carve(range, start, start + len);
    }
    spin_unlock(&lock);
    if (range)
        *ret_start = start;
    return range != NULL;
}

int range_take(u64 start, u64 len)
{
    spin_lock(&lock);
    struct free_range *range = find_at_or_before(start);
    bool fits = range && range_within(start, len, range->start, range->end);
    if (fits)
        carve(range, start, start + len);
    spin_unlock(&lock);
    return fits ? 0 : -EEXIST;
}

void range_release(u64 start, u64 len)
{
    u64 end = start + len;
    spin_lock(&lock);
    taken -= len;
    struct free_range *before = find_at_or_before(start);
    struct free_range *after = before ? range_of(rb_next(&before->node)) : range_of(rb_first(&tree));
    bool joins_before = before && before->end == start, joins_after = after && after->start == end;
    if (joins_before && joins_after) {
        end = after->end;
        rb_erase_augmented(&tree, &after->node, update);
        put_spare(after);
    }
    if (joins_before) {
        before->end = end;
        rb_propagate(&before->node, update);
    } else if (joins_after) {
        after->start = start;
        rb_propagate(&after->node, update);
    } else {
        insert(take_spare(), start, end);
    }
    spin_unlock(&lock);
}

u64 range_taken(void)
{
    spin_lock(&lock);
    u64 bytes = taken;
    spin_unlock(&lock);
    return bytes;
}
