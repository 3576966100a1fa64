"""A device plugin for tests: lines/main.go in Python. It also writes down what it says, in $LINES_SAID if that is set."""

import json
import os
import threading
import uuid

from chroma_agent.plugin_manager import DevicePlugin


class Lines(DevicePlugin):
    update_period = 3600

    def start_session(self):
        self.known, self.n, self.session = read(), 0, uuid.uuid4().hex
        self.over = threading.Event()
        threading.Thread(target=self.watch, daemon=True).start()
        return self.say({'n': 0, 'set': self.known, 'gone': []})

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
        return self.say({'n': self.n, 'set': changed, 'gone': gone})

    def say(self, message):
        message['session'] = self.session
        if os.environ.get('LINES_SAID'):
            with open(os.environ['LINES_SAID'], 'a', encoding='utf-8') as f:
                f.write(json.dumps(message) + '\n')
        return message

    def teardown(self):
        self.over.set()


def read():
    with open(os.environ['WORK'] + '/lines', encoding='utf-8') as f:
        return dict(line.strip().split('=', 1) for line in f if '=' in line)
