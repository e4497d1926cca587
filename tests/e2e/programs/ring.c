// SPDX-License-Identifier: BSD-3-Clause
// A ring buffer that is mapped twice in a row, written across its seam by stores of all widths and by memcpy; and a
// JIT's two views of its code.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 4 * PAGE };
static unsigned char model[SIZE];

static unsigned char *ring_make(void)
{
    int fd = memfd_create("ring", 0);
    ftruncate(fd, SIZE);
    unsigned char *at = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 2; i++)
        if (mmap(at + i * SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
            exit(1);
    return at;
}

static void put(unsigned char *ring, size_t at, const unsigned char *from, size_t n)
{
    memcpy(ring + at, from, n);
    for (size_t i = 0; i < n; i++)
        model[(at + i) % SIZE] = from[i];
}

static int differs(const unsigned char *ring) { return memcmp(ring, model, SIZE) || memcmp(ring + SIZE, model, SIZE); }

#define STORE(type, value)                                                          \
    do {                                                                            \
        type wide = (type)(value);                                                  \
        size_t at = SIZE - sizeof(type) / 2;                                        \
        *(volatile type *)(ring + at) = wide;                                       \
        for (size_t i = 0; i < sizeof(type); i++)                                   \
            model[(at + i) % SIZE] = ((unsigned char *)&wide)[i];                   \
        printf("%zu bytes: %s\n", sizeof(type), differs(ring) ? "wrong" : "right"); \
    } while (0)

int main(void)
{
    unsigned char *ring = ring_make(), bytes[600];
    unsigned seed = 1, wrong = 0;
    typedef long long vector __attribute__((vector_size(16), aligned(1)));
    STORE(uint16_t, 0x1234);
    STORE(uint32_t, rand_r(&seed));
    STORE(uint64_t, 0x123456789abcdefull * (unsigned)rand_r(&seed));
    STORE(vector, ((vector){ rand_r(&seed), rand_r(&seed) }));
    *(volatile uint32_t *)(ring + SIZE - 2) = 0xcafebabe;
    memcpy(model + SIZE - 2, "\xbe\xba", 2);
    memcpy(model, "\xfe\xca", 2);
    printf("a constant: %s\n", differs(ring) ? "wrong" : "right");
    for (int round = 0; round < 150; round++) {
        size_t n = 1 + (size_t)rand_r(&seed) % sizeof(bytes), at = SIZE - (size_t)rand_r(&seed) % n;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)rand_r(&seed);
        put(ring, at, bytes, n);
        wrong += differs(ring) != 0;
    }
    printf("copies: %u wrong\n", wrong);
    int fd = memfd_create("jit", 0);
    ftruncate(fd, PAGE);
    unsigned char *w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
                  *x = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    for (int i = 0; i < 3; i++) {
        memcpy(w, "\xb8\0\0\0\0\xc3", 6); // mov $i, %eax; ret
        w[1] = (unsigned char)(40 + i);
        printf("code: %d\n", ((int (*)(void))x)());
    }
    return 0;
}
