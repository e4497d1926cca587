// SPDX-License-Identifier: BSD-3-Clause
#include "base/rbtree.h"
#include "test.h"

enum { COUNT = 2000 };

struct item {
    struct rb_node node;
    u64 key;
    bool in;
};

static struct item items[COUNT];

static void insert(struct rb_tree *tree, struct item *item)
{
    struct rb_node **link = &tree->root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = item->key < container_of(parent, struct item, node)->key ? &parent->left : &parent->right;
    }
    rb_insert(tree, &item->node, parent, link);
    item->in = true;
}

TEST(random_inserts_and_erases_keep_the_order)
{
    struct rb_tree tree = { 0 };
    size_t in = 0;

    for (size_t i = 0; i < COUNT; i++)
        items[i].key = i;
    for (int step = 0; step < 20000; step++) {
        struct item *item = &items[test_random() % COUNT];
        if (item->in) {
            rb_erase(&tree, &item->node);
            item->in = false;
            in--;
        } else {
            insert(&tree, item);
            in++;
        }
        if (step % 100)
            continue;
        size_t seen = 0;
        u64 last = 0;
        struct rb_node *end = NULL;
        for (struct rb_node *n = rb_first(&tree); n; end = n, n = rb_next(n), seen++) {
            u64 key = container_of(n, struct item, node)->key;
            CHECK(seen == 0 || key > last);
            CHECK(items[key].in);
            last = key;
        }
        CHECK_EQ(seen, in);
        seen = 0;
        for (struct rb_node *n = end; n; n = rb_prev(n))
            seen++;
        CHECK_EQ(seen, in);
    }
}
