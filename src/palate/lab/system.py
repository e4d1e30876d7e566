"""What a run's process takes of the machine, read every few seconds: CPU, memory, disk, and the GPU where there is one.

Source: psutil; for NVIDIA's GPUs the program nvidia-smi that comes with their driver.
"""

import shutil
import subprocess
import threading
from collections.abc import Callable

import psutil

GPU = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]


class Sampler:
    """Reads the machine in a thread of its own until `stop`, and once more then."""

    def __init__(self, tell: Callable[[dict[str, float]], None], seconds: float) -> None:
        self._tell, self._seconds, self._end = tell, seconds, threading.Event()
        self._process = psutil.Process()
        self._process.cpu_percent(None)  # these two give what was used since they were last asked
        psutil.cpu_percent(None)
        self._gpu = shutil.which(GPU[0]) is not None
        self._thread = threading.Thread(target=self._work, name="system metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _work(self) -> None:
        going = True
        while going:
            going = not self._end.wait(self._seconds)
            try:
                self._tell(self.read())
            except (psutil.Error, OSError):  # /proc may be closed to us; the work goes on unobserved
                return

    def read(self) -> dict[str, float]:
        """cpu_percent of one core, so 200 is two cores; rss_mb; machine_cpu_percent of all cores; disk in MB."""
        with self._process.oneshot():
            read = {
                "cpu_percent": self._process.cpu_percent(None),
                "rss_mb": self._process.memory_info().rss / 1e6,
                "threads": float(self._process.num_threads()),
            }
        read |= {
            "machine_cpu_percent": psutil.cpu_percent(None),
            "machine_memory_percent": psutil.virtual_memory().percent,
        }
        if hasattr(self._process, "io_counters"):  # macOS has none
            io = self._process.io_counters()
            read |= {"disk_read_mb": io.read_bytes / 1e6, "disk_written_mb": io.write_bytes / 1e6}
        return read | (self._gpus() if self._gpu else {})

    def _gpus(self) -> dict[str, float]:
        try:
            told = subprocess.run(GPU, capture_output=True, text=True, timeout=5, check=True).stdout
        except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
            self._gpu = False  # no driver behind the program: do not ask again
            return {}
        return {
            f"gpu{number}_{name}": float(cell)
            for number, line in enumerate(told.strip().splitlines())
            for name, cell in zip(("percent", "memory_mb"), line.split(","), strict=False)
            if cell.strip().replace(".", "", 1).isdigit()  # some cards say [N/A]
        }
