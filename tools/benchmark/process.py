"""What a process has cost so far, as the kernel counts it."""
import os
import re


class Process:
    """Reads figures of the process `pid`, all threads."""

    def __init__(self, pid):
        self.pid = pid

    @property
    def cpu_s(self):
        """User and system time, in seconds (of 10 ms each)."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def written_bytes(self):
        """Bytes that it had sent to disk, whole pages."""
        return self._number("io", "write_bytes")

    @property
    def resident_mb(self):
        """Resident memory, of 1,048,576 bytes each."""
        return self._number("status", "VmRSS") / 1024

    @property
    def heap_mb(self):
        """Resident memory that is no file's, of 1,000,000 bytes each."""
        return self._number("status", "RssAnon") * 1024 / 1e6

    def _number(self, file, name):
        with open(f"/proc/{self.pid}/{file}") as file:
            return int(re.search(rf"^{name}:\s+(\d+)", file.read(), re.MULTILINE).group(1))
