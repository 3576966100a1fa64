"""A device plugin for tests: lines/main.go in Python."""

import os
import threading

from chroma_agent.plugin_manager import DevicePlugin


class Lines(DevicePlugin):
    update_period = 3600

    def start_session(self):
        self.over = threading.Event()
        self.known, self.n = read(), 0
        threading.Thread(target=self.watch, daemon=True).start()
        return {'n': 0, 'set': self.known, 'gone': []}

    def watch(self):
        seen = self.known
        while not self.over.wait(0.02):
            now = read()
            if now != seen:
                seen = now
                self.changed()

    def update_session(self):
        now = read()
        changed = {k: v for k, v in now.items() if self.known.get(k) != v}
        gone = [k for k in self.known if k not in now]
        if not changed and not gone:
            return None
        self.known = now
        self.n += 1
        with open(os.environ['WORK'] + '/told', 'a', encoding='utf-8') as f:
            f.write('%s %d\n' % (os.environ['FAULTLINE_PLUGIN'], self.n))
        return {'n': self.n, 'set': changed, 'gone': gone}

    def teardown(self):
        self.over.set()


def read():
    with open(os.environ['WORK'] + '/lines', encoding='utf-8') as f:
        return dict(line.strip().split('=', 1) for line in f if '=' in line)
