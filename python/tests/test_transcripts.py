"""Replays protocol/transcripts, which the host and the Go SDK replay too."""

import glob
import json
import os
import re
import unittest

from tests.host import DATA, REPOSITORY, Host

PROTOCOL = os.path.join(REPOSITORY, 'protocol')
PLUGINS = {
    'example': os.path.join(REPOSITORY, 'examples', 'example_plugin.py'),
    'device': os.path.join(DATA, 'device.py'),
    'scripted': os.path.join(DATA, 'scripted.py'),
}
# Members that a transcript may leave out (protocol/SPEC.md, section 9).
FREE = {'t', 'detail', 'sdk', 'version', 'file'}


def read_txtar(path):
    """Return {file name: content} of an archive."""
    with open(path, encoding='utf-8') as f:
        parts = re.split(r'(?m)^-- (.+) --\n', f.read())
    return dict(zip(parts[1::2], parts[2::2]))


def difference(want, got, where='message'):
    """Return where two JSON values differ, or None."""
    if want == '*':
        return None
    if isinstance(want, dict) and isinstance(got, dict):
        for key in want:
            if key not in got:
                return '%s.%s is missing' % (where, key)
            found = difference(want[key], got[key], '%s.%s' % (where, key))
            if found:
                return found
        extra = [k for k in got if k not in want and k not in FREE]
        return '%s has %s too' % (where, ', '.join(extra)) if extra else None
    if isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            return '%s has %d elements, not %d' % (where, len(got), len(want))
        for i, (w, g) in enumerate(zip(want, got)):
            found = difference(w, g, '%s[%d]' % (where, i))
            if found:
                return found
        return None
    if want == got and isinstance(want, bool) == isinstance(got, bool):
        return None
    return '%s is %r, not %r' % (where, got, want)


def is_free(message):
    method = message.get('method', '')
    return method.startswith('x-grease-') or method == 'log' and message['params'].get('source') == 'stderr'


class Transcripts(unittest.TestCase):
    def replay(self, path):
        files = read_txtar(path)
        name = files['plugin'].strip()
        with Host(PLUGINS[name], name) as host:
            for line in files['lines'].splitlines():
                if line.startswith('→ '):
                    host.write(line[2:])
                elif line.startswith('← '):
                    want = json.loads(line[2:])
                    if is_free(want):
                        continue
                    got = host.read()
                    while got is not None and is_free(got):
                        got = host.read()
                    self.assertIsNotNone(got, 'the plugin ended; expected ' + line + host.stderr.decode())
                    found = difference(want, got)
                    self.assertIsNone(found, '%s\nwant %s\ngot  %s' % (found, line[2:], json.dumps(got)))
            host.process.stdin.close()
            for message in iter(host.read, None):
                self.assertTrue(is_free(message), 'unexpected at the end: %r' % message)
            self.assertEqual(host.process.wait(30), 0)

    def test_all(self):
        paths = sorted(glob.glob(os.path.join(PROTOCOL, 'transcripts', '*.txtar')))
        self.assertTrue(paths)
        for path in paths:
            with self.subTest(os.path.basename(path)):
                self.replay(path)

    def test_manifests(self):
        for name, path in PLUGINS.items():
            if name == 'device':
                continue  # it declares nothing
            with self.subTest(name), Host(path, name) as host:
                manifest = host.initialize()['manifest']
                manifest['classes'].sort(key=lambda c: c['name'])
                with open(os.path.join(PROTOCOL, 'golden', name + '.json'), encoding='utf-8') as f:
                    self.assertEqual(manifest, json.load(f))


if __name__ == '__main__':
    unittest.main()
