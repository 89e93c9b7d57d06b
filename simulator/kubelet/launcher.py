"""Becomes a container's command, in such a way that it cannot outlive the kubelet.

Run as a script, ``launcher.py PARENT pipes|terminal COMMAND…``, it asks the kernel to kill this
process when its parent dies (prctl(2), PR_SET_PDEATHSIG; on other systems than Linux there is no
such thing), and then executes the command in its own place, so that the process id stays.
"""

import ctypes
import fcntl
import os
import signal
import sys
import termios

PR_SET_PDEATHSIG = 1
NOT_FOUND, CANNOT_EXECUTE = 127, 126  # as shells answer


def main() -> int:
    parent, stdio, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel knew
        return 128 + signal.SIGKILL
    if stdio == "terminal":
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell, on purpose
    except OSError as error:
        sys.stderr.write(f'exec: "{command[0]}": {error.strerror}\n')
        return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_EXECUTE


if __name__ == "__main__":
    sys.exit(main())
