"""`poller` that kills itself at the n-th moment around its writes: `python -m tests.chaos.killer N run …`."""

import os
import signal
import sys

from poller.cli import main
from tests.chaos.death import Death, mortal


class Kill(Death):
    """A death that really ends the process, without any cleaning up."""

    def strike(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    mortal(Kill(int(sys.argv[1])), setattr)
    sys.argv = ["poller", *sys.argv[2:]]
    main()
