"""The plugin process: streams, sessions, threads and the end (protocol/SPEC.md, sections 1 to 7)."""

import os
import signal
import tempfile
import textwrap
import time
import unittest

from tests.host import DATA, REPOSITORY, TIMEOUT, Host, Refused

HEAD = '''\
import os, sys, threading, time
from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources, statistics
version = 1
class Array(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()
class Drive(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.ScopedId('slot')
    slot = attributes.Integer()
    status = attributes.String(optional=True)
    heat = statistics.Gauge()
'''


class ProcessCase(unittest.TestCase):
    def start(self, body, head=HEAD, name=None, **env):
        """Start a process for a plugin and make the handshake."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        path = os.path.join(folder.name, 'tested.py')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(head + textwrap.dedent(body))
        host = Host(path, name, env)
        self.addCleanup(host.__exit__)
        return host

    def running(self, body, **env):
        host = self.start(body, **env)
        host.initialize()
        host.open('Array', address='a')
        return host

    def ends(self, host, status=0):
        host.process.stdin.close()
        self.assertEqual(host.process.wait(TIMEOUT), status)


class Streams(ProcessCase):
    def test_everything_printed_becomes_a_log_record(self):
        host = self.start('''\
            print('at import')
            class P(plugin.Plugin):
                def initial_scan(self, root):
                    print('Größe 漢字')
                    os.write(1, b'raw\\n\\xff\\n')
                    os.system('echo from a child')
                    sys.stdout.write('no end')
                def update_scan(self, root):
                    print(' of line')
                    print('lone \\ud800')
                    print('x' * 200000)
                    assert sys.stdin.read() == ''
            ''')
        host.initialize()
        host.open('Array', address='a')
        host.turn('initial_scan')
        self.assertEqual([r['message'] for r in host.logs],
                         ['at import', 'Größe 漢字', 'raw', '\ufffd', 'from a child'])
        self.assertEqual({(r['source'], r['level']) for r in host.logs}, {('stdout', 'warning')})
        del host.logs[:]
        host.turn('update_scan')
        self.assertEqual([r['message'] for r in host.logs[:2]], ['no end of line', 'lone \\ud800'])
        self.assertEqual(sum(len(r['message']) for r in host.logs[2:]), 200000)
        self.ends(host)

    def test_stderr_is_left_alone(self):
        host = self.running('''\
            class P(plugin.Plugin):
                def initial_scan(self, root):
                    sys.stderr.write('to stderr\\n')
            ''')
        host.turn('initial_scan')
        self.ends(host)
        host.__exit__()
        self.assertEqual(host.stderr, b'to stderr\n')

    def test_log(self):
        host = self.running('''\
            import logging
            class P(plugin.Plugin):
                def initial_scan(self, root):
                    assert isinstance(self.log, logging.Logger)
                    self.log.debug('no')
                    self.log.info('found %d', 5)
                    self.log.critical('Größe\\nline two')
                    logging.getLogger('vendor').warning('from a library')
                    self.log.info('bad %d', 'x')
                    try:
                        1 / 0
                    except ZeroDivisionError:
                        self.log.exception('failed')
            ''', FAULTLINE_LOG_LEVEL='info')
        host.turn('initial_scan')
        self.assertEqual([(r['level'], r['message'].split('\n')[0].split(' (')[0], r.get('session')) for r in host.logs], [
            ('info', 'found 5', 's1'), ('error', 'Größe', 's1'), ('warning', 'from a library', None),
            ('info', 'bad %d', 's1'),
            ('error', 'failed', 's1')])
        self.assertIn("arguments ('x',) do not fit", host.logs[-2]['message'])
        self.assertIn('ZeroDivisionError', host.logs[-1]['message'])
        self.assertTrue(all(r['source'] == 'log' and r['t'] > 1.6e12 for r in host.logs))

    def test_grease(self):
        host = self.running('''\
            class P(plugin.Plugin):
                def initial_scan(self, root): pass
            ''')
        self.assertRegex(host.grease[0], r'^x-grease-[a-z]+$')
        host.write('{"jsonrpc":"2.0","method":"x-grease-abc","params":[1]}')
        host.turn('initial_scan')

    def test_broken_messages(self):
        host = self.running('''\
            class P(plugin.Plugin):
                def initial_scan(self, root): pass
            ''')
        for line, code in (('{', -32700), ('[' * 100000, -32700), ('[]', -32600), ('5', -32600), ('{"id":5}', -32600),
                           ('{"id":5,"method":"session/update_scan","params":[]}', -32602),
                           ('{"id":5,"method":"session/update_scan","params":{}}', -32602),
                           ('{"id":5,"method":"nothing"}', -32601)):
            with self.subTest(line[:50]):
                host.write(line)
                with self.assertRaises(Refused) as caught:
                    host.answer()
                self.assertEqual(caught.exception.code, code)
        host.turn('initial_scan')


class Lives(ProcessCase):
    def test_usage(self):
        with Host('-h') as host:
            self.assertEqual(host.process.wait(TIMEOUT), 2)
        self.assertIn(b'faultline plugin validate', host.stderr)

    def test_name(self):
        host = self.start('class P(plugin.Plugin):\n    def initial_scan(self, root): pass\n', name='acme')
        self.assertEqual(host.initialize()['plugin'], {'name': 'acme'})

    def test_problems(self):
        host = self.start('class Bad(resources.Resource): pass\n')
        with self.assertRaises(Refused) as caught:
            host.initialize()
        self.assertEqual(caught.exception.code, -32005)
        problems = caught.exception.data['problems']
        self.assertEqual([p.get('where', '') for p in problems], ['', 'Bad'])
        self.assertTrue(all(p['file'].endswith('tested.py') and p['line'] > 0 for p in problems))
        self.ends(host)

    def test_package(self):
        with Host(os.path.join(DATA, 'package_plugin')) as host:
            self.assertEqual(host.initialize()['plugin'], {'name': 'package_plugin', 'version': '2.5'})
            host.open('Controller', address='a')
            ops = host.turn('initial_scan')[1]
            self.assertEqual([o['attributes'] for o in ops], [{'serial': 'A'}, {'serial': 'B'}])

    def test_the_guides_example(self):
        with Host(os.path.join(REPOSITORY, 'examples', 'example_plugin.py')) as host:
            self.assertEqual(host.initialize()['plugin'], {'name': 'example_plugin'})
            host.open('Couplet', address_1='a', address_2='b')
            self.assertEqual(host.turn('initial_scan')[0], {'turn': 1, 'updates': True})

    def test_update_period_and_updates(self):
        host = self.running('''\
            class P(plugin.Plugin):
                def initial_scan(self, root):
                    self.update_period = 2.5
            ''')
        self.assertEqual(host.turn('initial_scan')[0], {'turn': 1, 'update_period': 2.5})
        self.assertEqual(host.turn('update_scan')[0], {'turn': 0})

    def test_incomplete(self):
        host = self.running('''\
            class Machine(resources.HostRoot):
                class Meta:
                    identifier = identifiers.GlobalId('host_id')
                host_id = attributes.Integer()
            class P(plugin.Plugin):
                def initial_scan(self, root):
                    self.incomplete('shelf 3 does not answer')
                    self.incomplete('nor does 4')
                def update_scan(self, root):
                    self.incomplete('shelf 5 is busy')
                def agent_session_start(self, host_id, data):
                    self.incomplete('/dev/%s cannot be opened' % data)
                def agent_session_continue(self, host_id, data):
                    self.incomplete('/dev/%s is busy' % data)
            ''')
        self.assertEqual(host.turn('initial_scan')[0], {
            'turn': 1, 'updates': True, 'incomplete': ['shelf 3 does not answer', 'nor does 4']})
        self.assertEqual(host.turn('update_scan')[0], {'turn': 0})
        host.open('Machine', 's2', host_id=7)
        self.assertEqual(host.turn('agent_start', 's2', host_id=7, data='sda')[0], {
            'turn': 1, 'updates': True, 'incomplete': ['/dev/sda cannot be opened']})
        self.assertEqual(host.turn('agent_continue', 's2', host_id=7, data='sdb')[0], {'turn': 0})
        self.assertEqual([(b['session'], b.get('complete')) for b in host.batches], [('s1', None), ('s2', None)])
        self.assertEqual([(r['session'], r['level'], r['message']) for r in host.logs], [
            (s, 'warning', 'the scan is incomplete: ' + text) for s, text in (
                ('s1', 'shelf 3 does not answer'), ('s1', 'nor does 4'), ('s1', 'shelf 5 is busy'),
                ('s2', '/dev/sda cannot be opened'), ('s2', '/dev/sdb is busy'))])

    def test_bad_update_period(self):
        for period in ('-1', '"x"', 'float("nan")', 'True'):
            with self.subTest(period):
                host = self.running('''\
                    class P(plugin.Plugin):
                        def initial_scan(self, root):
                            self.update_period = %s
                    ''' % period)
                with self.assertRaisesRegex(Refused, 'update_period'):
                    host.turn('initial_scan')

    def test_failures(self):
        host = self.running('''\
            class P(plugin.Plugin):
                def __init__(self):
                    self.count = 0
                def initial_scan(self, root): pass
                def update_scan(self, root):
                    self.update_or_create(Drive, slot=1)
                    raise OSError('first line\\nsecond line')
                def teardown(self):
                    self.log.warning('torn down')
                    raise SystemExit('no')
            ''')
        host.turn('initial_scan')
        with self.assertRaises(Refused) as caught:
            host.turn('update_scan')
        error = caught.exception
        self.assertEqual((error.code, error.message, error.data['kind']), (-32001, 'first line', 'OSError'))
        self.assertIn('tested.py", line', error.data['detail'])
        self.assertNotIn('faultline_sdk/worker.py', error.data['detail'])
        self.assertEqual([o['op'] for o in host.batches[-1]['ops']], ['put'])
        with self.assertRaises(Refused) as caught:
            host.turn('update_scan')
        self.assertEqual(caught.exception.code, -32003)
        with self.assertRaises(Refused) as caught:
            host.call('session/teardown', session='s1')
        self.assertEqual(caught.exception.data['kind'], 'SystemExit')
        self.assertEqual(host.call('session/teardown', session='s1'), {})
        self.assertEqual([r['message'] for r in host.logs], ['torn down'])

    def test_plugin_that_cannot_be_made(self):
        host = self.start('''\
            class P(plugin.Plugin):
                def __init__(self, resource_manager, scannable_id=None):
                    raise ValueError('no licence')
                def initial_scan(self, root): pass
            ''')
        host.initialize()
        with self.assertRaisesRegex(Refused, 'no licence'):
            host.open('Array', address='a')
        with self.assertRaises(Refused) as caught:
            host.turn('initial_scan')
        self.assertEqual(caught.exception.code, -32002)

    def test_constructor_of_an_older_plugin(self):
        host = self.running('''\
            class P(plugin.Plugin):
                def __init__(self, *args, **kwargs):
                    super(P, self).__init__(*args, **kwargs)
                    self._own = 1
                def initial_scan(self, root):
                    assert self._own == 1
            ''')
        host.turn('initial_scan')

    def test_sessions_run_at_the_same_time(self):
        host = self.start('''\
            both = threading.Barrier(2)
            class P(plugin.Plugin):
                def initial_scan(self, root):
                    both.wait(20)
                    self.update_or_create(Drive, slot=1)
            ''')
        host.initialize()
        host.open('Array', 's1', address='a')
        host.open('Array', 's2', address='b')
        calls = {host.post('session/initial_scan', session='s1'), host.post('session/initial_scan', session='s2')}
        for call in calls:
            self.assertEqual(host.answer(None)['turn'], 1)
        self.assertEqual({b['session'] for b in host.batches}, {'s1', 's2'})

    def test_calls_that_come_after_the_end_of_a_session(self):
        host = self.running('''\
            class P(plugin.Plugin):
                def initial_scan(self, root):
                    time.sleep(0.1)
            ''')
        host.post('session/initial_scan', session='s1')
        host.post('session/teardown', session='s1')
        late = host.post('session/update_scan', session='s1')
        with self.assertRaises(Refused) as caught:
            host.answer(late)
        self.assertEqual(caught.exception.code, -32002)

    def test_default_of_a_registration(self):
        head = HEAD.replace("address = attributes.Hostname()", '''address = attributes.Hostname()
    port = attributes.Integer(1, 9, default=lambda values: len(values['address']))''')
        host = self.start('class P(plugin.Plugin):\n    def initial_scan(self, root): pass\n', head)
        host.initialize()
        self.assertEqual(host.call('defaults', **{'class': 'Array', 'attributes': {'address': 'abc'}}),
                         {'attributes': {'port': 3}})
        for given in ({'address': '-'}, {'address': 'x' * 10}):
            with self.assertRaises(Refused) as caught:
                host.call('defaults', **{'class': 'Array', 'attributes': given})
            self.assertEqual(caught.exception.code, -32006)


class Ends(ProcessCase):
    BODY = '''\
        class P(plugin.Plugin):
            def initial_scan(self, root):
                self._stop = threading.Event()
                threading.Thread(target=self._stop.wait).start()
            def teardown(self):
                with open(os.path.join(os.path.dirname(__file__), 'torn'), 'a') as f:
                    f.write('x')
        '''

    def torn(self):
        with open(os.path.join(self.folder, 'torn')) as f:
            return f.read()

    def two_sessions(self):
        host = self.running(self.BODY)
        host.open('Array', 's2', address='b')
        host.open('Array', 's3', address='c')
        host.turn('initial_scan', 's1')
        host.turn('initial_scan', 's2')
        return host

    def test_end_of_input(self):
        host = self.two_sessions()
        start = time.monotonic()
        self.ends(host)
        self.assertLess(time.monotonic() - start, 4)
        self.assertEqual(self.torn(), 'xx')

    def test_shutdown(self):
        host = self.two_sessions()
        self.assertEqual(host.call('shutdown'), {})
        self.assertEqual(host.process.wait(TIMEOUT), 0)
        self.assertEqual(self.torn(), 'xx')

    def test_terminate(self):
        host = self.two_sessions()
        host.process.send_signal(signal.SIGINT)  # from the terminal's group: not for us
        host.turn('update_scan', 's1')
        host.process.send_signal(signal.SIGTERM)
        self.assertEqual(host.process.wait(TIMEOUT), 0)
        self.assertEqual(self.torn(), 'xx')

    def test_a_hook_that_hangs_does_not_keep_the_process(self):
        host = self.running('''\
            class P(plugin.Plugin):
                def initial_scan(self, root):
                    print('hanging')
                    threading.Event().wait()
            ''')
        host.post('session/initial_scan', session='s1')
        while not host.logs:
            host._note(host.read())
        start = time.monotonic()
        self.ends(host, 1)
        self.assertLess(time.monotonic() - start, 9)


class OwnThreads(ProcessCase):
    BODY = '''\
        class P(plugin.Plugin):
            def initial_scan(self, root):
                self.update_or_create(Drive, slot=0)
                threading.Thread(target=self.listen, daemon=True).start()
            def listen(self):
                path = os.path.join(os.path.dirname(__file__), 'go')
                os.mkfifo(path)
                print('ready')
                for line in open(path):
                    getattr(self, line.strip())()
            def update_scan(self, root):
                self.waiting = threading.Event()
                print('waiting')
                self.waiting.wait(20)
            def burst(self):
                drive = next(self.find_by_attr(Drive, slot=0))
                for i in range(1000):
                    drive.status = str(i)
                    self.update_or_create(Drive, slot=i)
                drive.heat = 5
                self.remove_by_attr(Drive, slot=7)
            def fail(self):
                next(self.find_by_attr(Drive, slot=0)).status = 'FAILED'
            def release(self):
                self.waiting.set()
        '''

    def listening(self):
        host = self.running(self.BODY)
        host.turn('initial_scan')
        while not any(r['message'] == 'ready' for r in host.logs):
            host._note(host.read())
        self.go = open(os.path.join(self.folder, 'go'), 'w', buffering=1)
        self.addCleanup(self.go.close)
        return host

    def test_a_change_between_hooks_is_a_turn_of_its_own(self):
        host = self.listening()
        self.go.write('fail\n')
        batch = host.batch()
        self.assertEqual((batch['turn'], batch['ops']), (2, [{'op': 'set', 'h': 1, 'attributes': {'status': 'FAILED'}}]))
        self.assertNotIn('complete', batch)

    def test_a_burst(self):
        host = self.listening()
        self.go.write('burst\n')
        alive, turns, samples = {1: {'slot': 0}}, [], 0
        while len(alive) < 999 or not samples or 7 in [a['slot'] for a in alive.values()]:
            batch = host.batch()
            turns.append(batch['turn'])
            samples += len(batch.get('samples', []))
            for op in batch.get('ops', []):
                if op['op'] == 'remove':
                    del alive[op['h']]
                else:
                    alive.setdefault(op['h'], {}).update(op['attributes'])
        self.assertEqual(turns, sorted(turns))
        self.assertEqual(alive[1]['status'], '999')
        self.assertLess(len(turns), 500)

    def test_a_change_during_a_hook_goes_with_it(self):
        host = self.listening()
        del host.logs[:]
        call = host.post('session/update_scan', session='s1')
        while not host.logs:
            host._note(host.read())
        self.go.write('fail\n')
        self.go.write('release\n')
        self.assertEqual(host.answer(call), {'turn': 2})
        self.assertEqual([b['turn'] for b in host.batches], [1, 2])


class Floods(ProcessCase):
    def test_many_batches_and_prints_at_once(self):
        host = self.start('''\
            class P(plugin.Plugin):
                def initial_scan(self, root):
                    for i in range(5000):
                        self.update_or_create(Drive, slot=i, status='x' * 500)
                        if i % 50 == 0:
                            print('drive', i)
            ''')
        host.initialize()
        sessions = ['s%d' % n for n in range(4)]
        for name in sessions:
            host.open('Array', name, address=name)
        for call in [host.post('session/initial_scan', session=name) for name in sessions]:
            self.assertEqual(host.answer(None)['turn'], 1)
        self.assertEqual(sum(len(b['ops']) for b in host.batches), 20000)
        for name in sessions:
            parts = [b for b in host.batches if b['session'] == name]
            self.assertEqual([b['part'] for b in parts], list(range(len(parts))))
            self.assertTrue(parts[-1]['last'])


if __name__ == '__main__':
    unittest.main()
