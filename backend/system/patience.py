"""Calls that may block for ever, as reads of a dead network drive do: each is made in a thread that can be left behind.

Nothing ends a system call that blocks. So who waits goes on after a while; the thread ends by itself as soon as its call
returns, and until then nothing else is called under the same key: there is never more than one such thread for each.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

REST_S = 60.0
"""So long (seconds) after it was late nothing is called under a key, also where the call has come back."""
LONGEST = 6
"""A call that is at work and not blocked may take so many times as long."""
_BESIDE_S = 0.1
"""A call that takes longer (seconds) has the next one beside it."""
_WORKING_SHARE = 0.01
"""A thread that uses at least this share of one core is at work: on a busy machine it gets no more, and one that is blocked none."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class _LeftBehindError(SystemExit):
    """Ends a thread that nobody waits for any more, silently."""


class _Job:
    """One call, and what came of it. The lock decides whether it came in time or was left behind."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.began = time.monotonic()
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None
        self._call = call
        self._lock = threading.Lock()
        self._is_left = False

    def run(self) -> bool:
        """Make the call; False where nobody waits for it any more."""
        try:
            self.result = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again where the call was asked for
            self.error = error
        with self._lock:
            if not self._is_left:
                self.done.set()
            return not self._is_left

    def leave(self) -> bool:
        """Wait for it no more; False where it has just come back."""
        with self._lock:
            self._is_left = not self.done.is_set()
            return self._is_left


class _Worker:
    """A thread that makes one call after the other until one is late, or there are no more."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="lockdeck-reader", daemon=True)
        self._thread.start()

    @property
    def lives(self) -> bool:
        """Whether the thread is still there."""
        return self._thread.is_alive()

    def take(self, job: _Job | None) -> None:
        """Take a call, or the end."""
        self._jobs.put(job)

    def interrupt(self) -> None:
        """End the thread once its call returns, before it does anything else."""
        import ctypes

        identity = ctypes.c_ulong(self._thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(identity, ctypes.py_object(_LeftBehindError))

    def cpu_s(self) -> float | None:
        """Return the CPU time that the thread has used, in seconds; None where the system does not tell."""
        if not hasattr(time, "pthread_getcpuclockid"):
            return None
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident or 0))

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not job.run():
                return


class PatientCalls:
    """Makes calls and waits `seconds` for each. Belongs to one thread, which alone goes on meanwhile.

    A call that is left behind does nothing more: it ends where it returns from what blocks it.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._idle: list[_Worker] = []
        self._left: dict[Hashable, tuple[float, _Worker]] = {}

    def run_all(self, calls: Mapping[K, Callable[[], T]]) -> dict[K, T]:
        """Make calls and return the answers of those that came in time; raises what one of them raised.

        They are made one after the other, and beside each other as soon as one does not answer at once.
        """
        begun = {key: self._begin(call) for key, call in calls.items() if not self.is_out(key)}
        late = {
            key
            for key, (job, worker) in begun.items()
            if worker is not None and not self._came(key, job, worker)
        }
        in_time = {key: job for key, (job, _) in begun.items() if key not in late}
        for job in in_time.values():
            if job.error is not None:
                raise job.error
        return {key: job.result for key, job in in_time.items()}

    def is_out(self, key: Hashable) -> bool:
        """Return whether nothing can be called under a key yet: its last call was late."""
        if key not in self._left:
            return False
        again_at, worker = self._left[key]
        if worker.lives or time.monotonic() < again_at:
            return True
        del self._left[key]
        return False

    def close(self) -> None:
        """Let the threads end; nobody waits for them."""
        for worker in self._idle:
            worker.take(None)
        self._idle.clear()

    def _begin(self, call: Callable[[], T]) -> tuple[_Job, _Worker | None]:
        """Make a call; with the thread that is still at it where it does not answer at once."""
        worker, job = self._idle.pop() if self._idle else _Worker(), _Job(call)
        worker.take(job)
        if not job.done.wait(_BESIDE_S):
            return job, worker
        self._rest(worker)
        return job, None

    def _came(self, key: Hashable, job: _Job, worker: _Worker) -> bool:
        """Wait for a call, and leave it behind where it is late."""
        if not self._waited(job, worker) and job.leave():
            worker.interrupt()
            self._left[key] = time.monotonic() + REST_S, worker
            return False
        self._rest(worker)
        return True

    def _rest(self, worker: _Worker) -> None:
        """Keep one thread for the next calls."""
        if self._idle:
            worker.take(None)
        else:
            self._idle.append(worker)

    def _waited(self, job: _Job, worker: _Worker) -> bool:
        """Wait for a call, longer while it is at work: a busy machine and much to read are no fault."""
        if job.done.wait(max(0.0, job.began + self.seconds - time.monotonic())):
            return True
        piece = self.seconds / 4
        while time.monotonic() < job.began + LONGEST * self.seconds:
            before = worker.cpu_s()
            if job.done.wait(piece):
                return True
            after = worker.cpu_s()
            if before is None or after is None or after - before < _WORKING_SHARE * piece:
                return False
        return False
