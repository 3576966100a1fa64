"""Measures the Python SDK: python3 python/bench.py [RESOURCES]

scan       report so many drives of eight attributes and a parent each, and encode their batches, against building the same
           JSON by hand from the same values and dumping it, in one run; the best of three rounds counts
unchanged  report them all again, and end the turn; and end a turn in which nothing was touched
process    time until the handshake is answered, and resident memory, of the guide's Example Plugin as a process
"""

import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources  # noqa: E402
from faultline_sdk import session, turn  # noqa: E402
from faultline_sdk.plugin import make  # noqa: E402

LOG = logging.getLogger('bench')
ROUNDS = 3


class Array(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()


class Drive(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.ScopedId('serial')
    serial = attributes.String()
    vendor = attributes.String(max_length=32)
    model = attributes.String()
    firmware = attributes.String()
    status = attributes.Enum('OK', 'NEARFAILURE', 'FAILED')
    capacity = attributes.Bytes()
    slot = attributes.Integer(min_val=0)
    rpm = attributes.Integer(optional=True)


class Bench(plugin.Plugin):
    def initial_scan(self, root):
        pass


def values(i):
    return 'SN%08d' % i, 'Acme', 'AC-4000', 'F%03d' % (i % 7), 'OK', 4000000000000 + i, i % 96, 7200


def by_hand(rows):
    """Build and dump what the SDK sends, with nothing in between. Return the number of bytes."""
    dump = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(',', ':')).encode
    ops = []
    for handle, (serial, vendor, model_, firmware, status, capacity, slot, rpm) in enumerate(rows, 1):
        ops.append({'op': 'put', 'h': handle, 'class': 'Drive', 'attributes': {
            'serial': serial, 'vendor': vendor, 'model': model_, 'firmware': firmware, 'status': status,
            'capacity': capacity, 'slot': slot, 'rpm': rpm}, 'parents': [0]})
    size = 0
    for part, at in enumerate(range(0, len(ops), 5000)):
        batch = {'session': 's', 'turn': 1, 'part': part, 'complete': True, 'ops': ops[at:at + 5000]}
        if at + 5000 >= len(ops):
            batch['last'] = True
        size += len((dump({'jsonrpc': '2.0', 'method': 'session/batch', 'params': batch}) + '\n').encode('utf-8'))
    return size


def new_session():
    root = session.open_root(Array, {'address': 'array.example.com'})
    state = session.Session('s', root)
    state.hook_thread = threading.get_ident()
    return make(Bench, state, LOG), state, root


def report(p, root, rows):
    for serial, vendor, model_, firmware, status, capacity, slot, rpm in rows:
        p.update_or_create(Drive, parents=[root], serial=serial, vendor=vendor, model=model_, firmware=firmware,
                           status=status, capacity=capacity, slot=slot, rpm=rpm)


def flush(state, kind):
    changes = turn.collect(state, kind, LOG)
    return sum(map(len, turn.lines(changes))) if changes else 0


def timed(function, *args):
    gc.collect()
    start = time.perf_counter()
    result = function(*args)
    return time.perf_counter() - start, result


def scan(rows):
    p, state, root = new_session()

    def run():
        report(p, root, rows)
        return flush(state, turn.FIRST)
    seconds, size = timed(run)
    return seconds, size, p, state, root


def process():
    """Return (seconds until the handshake is answered, resident KiB afterwards) of the Example Plugin."""
    env = dict(os.environ, PYTHONPATH=HERE, FAULTLINE_PLUGIN='example')
    path = os.path.join(os.path.dirname(HERE), 'examples', 'example_plugin.py')
    call = {'jsonrpc': '2.0', 'id': 1, 'method': 'initialize', 'params': {'protocol': {'min': 1, 'max': 1}}}
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, '-m', 'faultline_sdk', path], env=env, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    child.stdin.write(json.dumps(call).encode() + b'\n')
    child.stdin.flush()
    child.stdout.readline()
    seconds = time.perf_counter() - start
    with open('/proc/%d/status' % child.pid) as f:
        memory = [int(line.split()[1]) for line in f if line.startswith('VmRSS')][0]
    child.stdin.close()
    child.wait()
    return seconds, memory


def bare():
    """Return (seconds, resident KiB) of a python3 that does nothing, for comparison."""
    start = time.perf_counter()
    out = subprocess.run([sys.executable, '-c', 'print(open("/proc/self/status").read())'], stdout=subprocess.PIPE).stdout
    seconds = time.perf_counter() - start
    return seconds, [int(line.split()[1]) for line in out.decode().splitlines() if line.startswith('VmRSS')][0]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    rows = [values(i) for i in range(count)]
    hand = sdk = None
    for _ in range(ROUNDS):
        seconds, size = timed(by_hand, rows)
        hand = min(seconds, hand or seconds)
        p = state = root = None
        seconds, size2, p, state, root = scan(rows)
        sdk = min(seconds, sdk or seconds)
    print('scan       %d resources: by hand %.3f s (%.1f MB), SDK %.3f s (%.1f MB), ratio %.2f' % (
        count, hand, size / 1e6, sdk, size2 / 1e6, sdk / hand))

    def again():
        report(p, root, rows)
        return flush(state, turn.HOOK)
    seconds, size = timed(again)
    print('unchanged  report all again: %.3f s, %.2f us a resource, %d bytes sent' % (seconds, seconds / count * 1e6, size))
    seconds, size = timed(flush, state, turn.HOOK)
    print('unchanged  end an untouched turn: %.1f us, %d bytes sent' % (seconds * 1e6, size))
    if os.path.exists('/proc/self/status'):
        (best, memory), (start, base) = min(process() for _ in range(5)), min(bare() for _ in range(5))
        print('process    ready in %.0f ms (bare python3 %.0f ms), resident %.1f MiB (bare python3 %.1f MiB)' % (
            best * 1e3, start * 1e3, memory / 1024, base / 1024))


if __name__ == '__main__':
    main()
