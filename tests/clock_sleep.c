/* libfaketime 0.9.10 gets a sleep until a monotonic moment wrong (EINVAL), which is how Python 3.11 sleeps:
   this, loaded before it, hands such sleeps to the kernel. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left)
{
    return syscall(SYS_clock_nanosleep, clock, flags, until, left) ? errno : 0;
}
