// SPDX-License-Identifier: BSD-3-Clause
// Intrusive balanced binary search tree. The names are those of a red-black tree, whose place it takes; it is a treap,
// whose priorities are a hash of the node's address, so that nodes carry no balance field. Expected depth O(log n).
// Ordering is by a comparison the caller does while descending, as in:
//
//     struct rb_node **link = &tree->root, *parent = NULL;
//     while (*link) { parent = *link; link = key < key_of(parent) ? &parent->left : &parent->right; }
//     rb_insert(tree, node, parent, link);
#pragma once

#include "base/types.h"

struct rb_node {
    struct rb_node *left, *right, *parent;
};

struct rb_tree {
    struct rb_node *root;
};

// Links node at *link below parent (both found by descending) and rebalances. O(log n) expected.
void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link);
// Unlinks node, which must be in tree.
void rb_erase(struct rb_tree *tree, struct rb_node *node);
// The same for trees whose nodes carry a summary of their subtree: update recomputes node's from its children's, and
// is called for every node whose subtree changed, children first.
typedef void (*rb_update)(struct rb_node *node);
void rb_insert_augmented(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link,
                         rb_update update);
void rb_erase_augmented(struct rb_tree *tree, struct rb_node *node, rb_update update);
// To be called after a change of node's own key data that keeps its place.
void rb_propagate(struct rb_node *node, rb_update update);
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);
