// SPDX-License-Identifier: BSD-3-Clause
// The vocabulary of every file: fixed-width integers, attributes, error pointers, pointer tags.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifndef _SSIZE_T_DEFINED_BY_LIBC
typedef __SIZE_TYPE__ size_t;
#endif

#define KIB(n) ((u64)(n) << 10)
#define MIB(n) ((u64)(n) << 20)
#define GIB(n) ((u64)(n) << 30)

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (PAGE_SIZE - 1)

#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a)-1))
#define ALIGN_UP(x, a) ALIGN_DOWN((x) + ((typeof(x))(a)-1), a)
#define IS_ALIGNED(x, a) (((x) & ((typeof(x))(a)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((uintptr_t)(ptr)-offsetof(type, member)))
#define MIN(a, b) MIN_NAMED(a, b, __COUNTER__)
#define MAX(a, b) MAX_NAMED(a, b, __COUNTER__)
// Each use has names of its own, so that one may stand inside another.
#define MIN_NAMED(a, b, n) MIN_WITH(a, b, n)
#define MAX_NAMED(a, b, n) MAX_WITH(a, b, n)
#define MIN_WITH(a, b, n)                          \
    ({                                             \
        typeof(a) min_a##n = (a);                  \
        typeof(b) min_b##n = (b);                  \
        min_a##n < min_b##n ? min_a##n : min_b##n; \
    })
#define MAX_WITH(a, b, n)                          \
    ({                                             \
        typeof(a) max_a##n = (a);                  \
        typeof(b) max_b##n = (b);                  \
        max_a##n > max_b##n ? max_a##n : max_b##n; \
    })

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ volatile("" ::: "memory")
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

#define __packed __attribute__((packed))
#define __aligned_to(n) __attribute__((aligned(n)))
#define __noinline __attribute__((noinline))
#define __always_inline_fn static inline __attribute__((always_inline))
#define __printf_like(f, a) __attribute__((format(printf, f, a)))
#ifndef __nodiscard
#define __nodiscard __attribute__((warn_unused_result))
#endif

#ifndef static_assert
#define static_assert _Static_assert
#endif

// Pointers that must not be dereferenced directly: clang diagnoses it, gcc takes them as comments.
//   __user  an address the program gave; copy through vm/user.h
//   __host  an address outside ELRANGE; copy through trusted/hostmem.h
#if defined(__clang__)
#define __user __attribute__((noderef))
#define __host __attribute__((noderef, address_space(1)))
#else
#define __user
#define __host
#endif

// Error pointers, for look-ups only: a negative errno in the last page of the address space.
static inline void *err_ptr(long error) { return (void *)error; }
static inline long ptr_err(const void *ptr) { return (long)ptr; }
static inline bool is_err(const void *ptr) { return (uintptr_t)ptr >= (uintptr_t)-4095; }
