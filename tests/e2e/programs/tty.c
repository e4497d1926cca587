// SPDX-License-Identifier: BSD-3-Clause
// Says what each standard descriptor is: a terminal (with its size) or not.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

int main(void)
{
    for (int fd = 0; fd < 3; fd++) {
        struct winsize size;
        struct termios settings;
        int is = isatty(fd);
        printf("%d: %s", fd, is ? "tty" : strerror(errno));
        if (is && ioctl(fd, TIOCGWINSZ, &size) == 0)
            printf(" %dx%d", size.ws_row, size.ws_col);
        if (is && tcgetattr(fd, &settings) == 0)
            printf(" echo %d", (settings.c_lflag & ECHO) != 0);
        printf("\n");
    }
    return 0;
}
