/* SPDX-License-Identifier: Apache-2.0 */
/* Standard descriptors that are closed. The next file that is opened would get the number of one,
 * and output that is meant for a person would end there; libuv ends the program over it. What takes
 * their places cannot be read or written either. */
#include <fcntl.h>
#include <unistd.h>

#include <nereid/cluster.h>

#include "runtime/base/file.h"

void nd_descriptors_occupy(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (fcntl(descriptor, F_GETFD) == -1)
            (void)nd_file_open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY, 0);
}
