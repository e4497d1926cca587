// Says "ready", waits for a line on its input, then reads the files named: for each how many bytes came, or the error.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Its own pages are there, whatever comes.
static void touch_all(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long start, end;
    char line[512];

    while (fgets(line, sizeof(line), maps))
        if (strstr(line, "/bin/") && sscanf(line, "%lx-%lx", &start, &end) == 2)
            for (; start < end; start += 4096)
                (void)*(volatile char *)start;
    fclose(maps);
}

int main(int argc, char **argv)
{
    static char buffer[64 << 10];

    touch_all();
    puts("ready");
    fflush(stdout);
    if (!fgets(buffer, sizeof(buffer), stdin))
        return 2;
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        long n = 0, total = 0;
        while (fd >= 0 && (n = read(fd, buffer, sizeof(buffer))) > 0)
            total += n;
        if (fd < 0 || n < 0)
            printf("%s\n", strerrorname_np(errno));
        else
            printf("%ld\n", total);
        close(fd);
    }
    return 0;
}
