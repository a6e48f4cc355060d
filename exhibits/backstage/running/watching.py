"""What the processes of an exhibit use: processor time, memory, how many they are."""

import threading

import psutil


class Watch:
    """Looks at the processes of a running Exhibit, and at their children."""

    def __init__(self, exhibit):
        self.roots = [psutil.Process(popen.pid) for _, popen, _ in exhibit.processes]

    def each(self, look):
        """look(process) of every process that still lives."""
        seen = []
        for root in self.roots:
            try:
                family = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            for process in family:
                try:
                    seen.append(look(process))
                except (psutil.NoSuchProcess, psutil.ZombieProcess):
                    pass
        return seen

    def cpu(self):
        """Seconds of processor time so far. A child that has ended counts with who waited for it."""
        return sum(self.each(lambda process: sum(process.cpu_times()[:4])))

    def memory(self):
        """Mebibytes: pages shared by several processes count in parts (PSS); where the system cannot say, RSS."""
        return sum(self.each(used)) / 2**20

    def processes(self):
        return len(self.each(lambda process: process.pid))

    def threads(self):
        return sum(self.each(lambda process: process.num_threads()))


def used(process):
    info = process.memory_full_info()
    return getattr(info, "pss", info.rss)


class Peak:
    """The most memory a Watch saw from the beginning to the end of a `with` block: `.most`, in MiB."""

    def __init__(self, watch):
        self.watch, self.over = watch, threading.Event()

    def __enter__(self):
        self.most = self.watch.memory()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        return self

    def look(self):
        while not self.over.wait(0.03):
            self.most = max(self.most, self.watch.memory())

    def __exit__(self, *exception):
        self.over.set()
        self.thread.join()
