// SPDX-License-Identifier: BSD-3-Clause
// System calls from code that the program makes at run time: anonymous memory, first writable, then executable; and
// both.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// mov eax, edi; syscall; ret
static const unsigned char code[] = { 0x89, 0xf8, 0x0f, 0x05, 0xc3 };

static void try(const char *name, void *page)
{
    if (page == MAP_FAILED) {
        printf("%s: refused\n", name);
        return;
    }
    long (*call)(long) = page;
    printf("%s: pid agrees %s, 9998 gives %ld\n", name, call(39) == getpid() ? "yes" : "no", call(9998));
}

int main(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof(code));
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    try("write, then execute", page);

    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED)
        memcpy(page, code, sizeof(code));
    try("both at once", page);
    return 0;
}
