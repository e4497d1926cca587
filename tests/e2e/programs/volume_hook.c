// SPDX-License-Identifier: BSD-3-Clause
// /dev/volume as a service would use it that keeps the state of its volume elsewhere.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct state {
    char uuid[40], tag[40];
    unsigned long generation;
};

static struct state look(void)
{
    struct state s = { 0 };
    char text[200] = "";
    int fd = open("/dev/volume", O_RDONLY);
    if (read(fd, text, sizeof(text) - 1) < 60 || sscanf(text, "%39s %lu %39s", s.uuid, &s.generation, s.tag) != 3)
        exit(1);
    close(fd);
    return s;
}

static const char *claim(unsigned long generation, const char *tag)
{
    char text[200];
    int fd = open("/dev/volume", O_WRONLY), n = sprintf(text, "%lu %s\n", generation, tag);
    const char *result = write(fd, text, n) == n ? "ok" : strerrorname_np(errno);
    close(fd);
    return result;
}

static void expect(const char *what, const char *seen, const char *wanted)
{
    printf("%s: %s\n", what, seen);
    if (strcmp(seen, wanted) != 0)
        exit(2);
}

int main(void)
{
    const char other[] = "00112233445566778899aabbccddeeff";
    struct state first = look();
    expect("as it is", claim(first.generation, first.tag), "ok");
    expect("another history", claim(first.generation, other), "ESTALE");
    expect("a later one", claim(first.generation + 1, first.tag), "ESTALE");
    int fd = open("/root/hooked", O_CREAT | O_WRONLY, 0644);
    write(fd, "x", 1);
    fsync(fd);
    struct state second = look();
    if (second.generation <= first.generation || strcmp(second.tag, first.tag) == 0 || strcmp(second.uuid, first.uuid))
        return 3;
    expect("the new one", claim(second.generation, second.tag), "ok");
    expect("the one it was opened at", claim(first.generation, first.tag), "ok");
    expect("no number", claim(1, "x"), "EINVAL");
    expect("too long", claim(1, "00112233445566778899aabbccddeeff00"), "EINVAL");
    printf("good\n");
    return 0;
}
