"""Forks processes that make calls, and kills each at a random moment.

Usage: throttle_victims.py SEED KILLS and the arguments of throttle_process.py
"""

import asyncio
import os
import random
import signal
import sys
import time

from throttle_process import calls


def main(seed: str, kills: str, *arguments: str) -> None:
    moments = random.Random(seed)
    for _ in range(int(kills)):
        victim = os.fork()
        if victim == 0:
            asyncio.run(calls(*arguments))
            os._exit(0)
        time.sleep(moments.uniform(0, 0.1))
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
