// SPDX-License-Identifier: BSD-3-Clause
#include "base/rbtree.h"

static u64 priority(const struct rb_node *node)
{
    u64 x = (u64)(uintptr_t)node;
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
    return x ^ (x >> 33);
}

static void replace_child(struct rb_tree *tree, struct rb_node *parent, struct rb_node *old, struct rb_node *new)
{
    if (!parent)
        tree->root = new;
    else if (parent->left == old)
        parent->left = new;
    else
        parent->right = new;
    if (new)
        new->parent = parent;
}

// Moves node above its parent, keeping the order.
static void rotate_up(struct rb_tree *tree, struct rb_node *node)
{
    struct rb_node *parent = node->parent, *moved;

    replace_child(tree, parent->parent, parent, node);
    if (parent->left == node) {
        moved = node->right;
        node->right = parent;
        parent->left = moved;
    } else {
        moved = node->left;
        node->left = parent;
        parent->right = moved;
    }
    parent->parent = node;
    if (moved)
        moved->parent = parent;
}

void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
    rb_insert_augmented(tree, node, parent, link, NULL);
}

void rb_erase(struct rb_tree *tree, struct rb_node *node) { rb_erase_augmented(tree, node, NULL); }

void rb_propagate(struct rb_node *node, rb_update update)
{
    for (; node; node = node->parent)
        update(node);
}

void rb_insert_augmented(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link,
                         rb_update update)
{
    *node = (struct rb_node){ .parent = parent };
    *link = node;
    while (node->parent && priority(node) > priority(node->parent)) {
        parent = node->parent;
        rotate_up(tree, node);
        if (update)
            update(parent);
    }
    if (update)
        rb_propagate(node, update);
}

void rb_erase_augmented(struct rb_tree *tree, struct rb_node *node, rb_update update)
{
    while (node->left && node->right)
        rotate_up(tree, priority(node->left) > priority(node->right) ? node->left : node->right);
    replace_child(tree, node->parent, node, node->left ? node->left : node->right);
    // Everything that was rotated above node is now an ancestor of its place.
    if (update)
        rb_propagate(node->parent, update);
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
    struct rb_node *node = tree->root;
    while (node && node->left)
        node = node->left;
    return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
    if (node->right) {
        node = node->right;
        while (node->left)
            node = node->left;
        return (struct rb_node *)(uintptr_t)node;
    }
    while (node->parent && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
    if (node->left) {
        node = node->left;
        while (node->right)
            node = node->right;
        return (struct rb_node *)(uintptr_t)node;
    }
    while (node->parent && node->parent->left == node)
        node = node->parent;
    return node->parent;
}
