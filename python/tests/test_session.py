"""One session: reporting, changing, finding and removing, and what a turn sends (protocol/SPEC.md, section 5)."""

import logging
import threading
import unittest

from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources, statistics
from chroma_core.lib.storage_plugin.api.plugin import UnknownAttributeError, ValidationError
from faultline_sdk import session, turn
from faultline_sdk.plugin import make


class Array(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()
    note = attributes.String(optional=True)


class Shelf(resources.Enclosure):
    class Meta:
        identifier = identifiers.ScopedId('number')
    number = attributes.Integer()


class Drive(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.ScopedId('shelf', 'slot')
    shelf = attributes.ResourceReference()
    slot = attributes.Integer()
    status = attributes.String(default='OK')
    size = attributes.Bytes()
    spare_for = attributes.ResourceReference(optional=True)
    rpm = attributes.Integer(optional=True)
    heat = statistics.Gauge()


class Named(resources.Resource):
    class Meta:
        identifier = identifiers.ScopedId('number')
    number = attributes.Integer()
    name = attributes.String(optional=True)

    def get_label(self):
        return self.name.upper()


class Part(resources.Resource):
    class Meta:
        identifier = identifiers.ScopedId('a', 'b')
    a = attributes.Integer()
    b = attributes.Integer(optional=True)


class TestPlugin(plugin.Plugin):
    def initial_scan(self, root):
        pass


class SessionCase(unittest.TestCase):
    def setUp(self):
        self.root = session.open_root(Array, {'address': 'a.example.com', 'gone': 1})
        self.state = session.Session('s', self.root)
        self.state.hook_thread = threading.get_ident()
        self.log = logging.Logger('test')
        self.log.addHandler(logging.NullHandler())
        self.plugin = make(TestPlugin, self.state, self.log)

    def flush(self, kind=turn.HOOK):
        changes = turn.collect(self.state, kind, self.log)
        return changes.ops if changes else []

    def shelf(self, number=1):
        return self.plugin.update_or_create(Shelf, number=number)[0]

    def drive(self, shelf, slot, **attrs):
        attrs.setdefault('size', 5)
        return self.plugin.update_or_create(Drive, [shelf], shelf=shelf, slot=slot, **attrs)[0]


class Reporting(SessionCase):
    def test_create_and_update(self):
        shelf, created = self.plugin.update_or_create(Shelf, number=1)
        self.assertTrue(created)
        again, created = self.plugin.update_or_create(Shelf, parents=[], number='1')
        self.assertIs(again, shelf)
        self.assertFalse(created)

    def test_the_root_is_known(self):
        again, created = self.plugin.update_or_create(Array, address='a.example.com', note='x')
        self.assertIs(again, self.root)
        self.assertFalse(created)
        self.assertEqual(self.flush(), [{'op': 'set', 'h': 0, 'attributes': {'note': 'x'}}])

    def test_identity_is_by_exact_class(self):
        class Small(Shelf):
            class Meta:
                identifier = identifiers.ScopedId('number')
        small, created = self.plugin.update_or_create(Small, number=1)
        self.assertTrue(created)
        self.assertIsNot(small, self.shelf(1))

    def test_errors_change_nothing(self):
        shelf = self.shelf()
        self.flush(turn.FIRST)
        for error, klass, attrs in (
                (ValidationError, Drive, dict(shelf=shelf, slot='x')),
                (ValidationError, Drive, dict(shelf=shelf)),
                (ValidationError, Drive, dict(shelf=shelf, slot=1, size=None)),
                (ValidationError, Drive, dict(shelf=shelf, slot=1, heat='x')),
                (UnknownAttributeError, Drive, dict(shelf=shelf, slot=1, sise=1)),
                (ValidationError, Drive, dict(shelf='x', slot=1)),
                (ValueError, Drive, dict(shelf=Shelf(number=7), slot=1)),
                (TypeError, str, dict(slot=1)),
                (TypeError, Drive, dict(shelf=shelf, slot=1, parents=shelf)),
                (TypeError, Drive, dict(shelf=shelf, slot=1, parents=['x'])),
                (ValueError, Drive, dict(shelf=shelf, slot=1, parents=[Shelf(number=7)]))):
            with self.subTest(attrs=attrs), self.assertRaises(error):
                self.plugin.update_or_create(klass, **attrs)
        self.assertEqual(self.flush(), [])

    def test_errors_name_the_resource(self):
        shelf = self.shelf()
        with self.assertRaisesRegex(ValidationError, r"^Drive\.size = 'big' in Drive \(Shelf 1\) 3: "):
            self.plugin.update_or_create(Drive, shelf=shelf, slot=3, size='big')
        with self.assertRaisesRegex(ValidationError, r"^Drive\.heat = 'x' in Drive \(Shelf 1\) 3: "):
            self.plugin.update_or_create(Drive, shelf=shelf, slot=3, heat='x')
        with self.assertRaisesRegex(ValidationError, r"^Drive\.slot = 'x': "):
            self.plugin.update_or_create(Drive, shelf=shelf, slot='x', size=1)
        drive = self.drive(shelf, 0)
        with self.assertRaisesRegex(ValidationError, r"^Drive\.size = 'big' in Drive \(Shelf 1\) 0: "):
            drive.size = 'big'
        with self.assertRaisesRegex(ValidationError, r"^Drive\.heat = 'x' in Drive \(Shelf 1\) 0: "):
            drive.heat = 'x'

    def test_put(self):
        shelf = self.shelf()
        drive = self.drive(shelf, 0, rpm=None, heat=20)
        drive.heat = 21
        drive._own = 'not an attribute'
        drive.rpm = 7200
        changes = turn.collect(self.state, turn.FIRST, self.log)
        self.assertTrue(changes.complete)
        self.assertEqual(changes.ops, [
            {'op': 'put', 'h': 1, 'class': 'Shelf', 'attributes': {'number': 1}},
            {'op': 'put', 'h': 2, 'class': 'Drive', 'parents': [1], 'attributes': {
                'shelf': {'$ref': 1}, 'slot': 0, 'size': 5, 'rpm': 7200, 'status': 'OK'}}])
        self.assertEqual([(s['h'], s['name'], s['v']) for s in changes.samples], [(2, 'heat', 20), (2, 'heat', 21)])

    def test_changes_only(self):
        drive = self.drive(self.shelf(), 0)
        self.flush(turn.FIRST)
        drive.rpm, drive.size, drive.status = 1, 5, 'OK'
        self.assertEqual(self.flush(), [{'op': 'set', 'h': 2, 'attributes': {'rpm': 1}}])
        drive.rpm = 1
        drive.rpm = None
        drive.rpm = 1
        self.assertEqual(self.flush(), [])
        drive.rpm = None
        self.assertEqual(self.flush(), [{'op': 'set', 'h': 2, 'attributes': {'rpm': None}}])
        self.drive(self.shelf(), 0, rpm=3)
        self.assertEqual(self.flush(), [{'op': 'set', 'h': 2, 'attributes': {'rpm': 3}}])
        self.drive(self.shelf(), 0, rpm=None)
        self.assertEqual(self.flush(), [{'op': 'set', 'h': 2, 'attributes': {'rpm': None}}])

    def test_identity_never_changes(self):
        drive = self.drive(self.shelf(), 0)
        drive.slot = 0
        with self.assertRaisesRegex(ValidationError, 'Drive.slot identifies'):
            drive.slot = 1

    def test_partial_identifier(self):
        part, _ = self.plugin.update_or_create(Part, a=1)
        self.assertIs(self.plugin.update_or_create(Part, a=1, b=None)[0], part)
        self.assertIsNot(self.plugin.update_or_create(Part, a=1, b=0)[0], part)
        self.plugin.remove(part)
        self.assertEqual([o['h'] for o in self.flush(turn.FAILED)], [2])

    def test_auto_id_cannot_be_reported(self):
        class Manual(resources.ScannableResource):
            class Meta:
                identifier = identifiers.AutoId()
        with self.assertRaises(ValidationError):
            self.plugin.update_or_create(Manual)

    def test_own_init(self):
        class Counted(Shelf):
            class Meta:
                identifier = identifiers.ScopedId('number')

            def __init__(self, **attrs):
                super().__init__(**attrs)
                self._count = 1
        counted, _ = self.plugin.update_or_create(Counted, number=3)
        self.assertEqual((counted._count, counted.number), (1, 3))
        self.assertEqual(self.flush()[0]['attributes'], {'number': 3})

    def test_labels(self):
        named, _ = self.plugin.update_or_create(Named, number=1, name='a')
        self.assertEqual(self.flush(turn.FIRST)[0]['label'], 'A')
        named.name = 'b'
        self.assertEqual(self.flush()[0]['label'], 'B')
        named.name = 'B'
        self.assertNotIn('label', self.flush()[0])
        named.name = None  # get_label fails now: logged, and the host makes a label
        self.assertEqual(self.flush(), [{'op': 'set', 'h': 1, 'attributes': {'name': None}}])

    def test_missing_value(self):
        shelf = self.shelf()
        self.plugin.update_or_create(Drive, shelf=shelf, slot=3)
        with self.assertRaisesRegex(ValidationError, r'Drive.size has no value in Drive \(Shelf 1\) 3') as caught:
            self.flush()
        self.assertEqual(caught.exception.attribute, 'size')
        # The rest of a failed update goes out without it.
        self.assertEqual([o['class'] for o in self.flush(turn.FAILED)], ['Shelf'])

    def test_default_function_fails(self):
        class Faulty(resources.Resource):
            class Meta:
                identifier = identifiers.ScopedId('a')
            a = attributes.Integer()
            b = attributes.Integer(default=lambda values: values['nothing'])
            c = attributes.Integer(default=lambda values: 'x')
        self.plugin.update_or_create(Faulty, a=1, c=1)
        with self.assertRaisesRegex(ValidationError, 'default of Faulty.b failed'):
            self.flush()
        self.plugin.update_or_create(Faulty, a=1, b=1)
        self.plugin.update_or_create(Faulty, a=2, b=1)
        with self.assertRaisesRegex(ValidationError, 'default of Faulty.c failed'):
            self.flush()

    def test_root_attributes(self):
        with self.assertRaisesRegex(ValidationError, 'Array.address'):
            session.open_root(Array, {'address': '-'})
        with self.assertRaisesRegex(ValidationError, 'Array.address'):
            session.open_root(Array, {})
        with self.assertRaises(ValueError):
            self.plugin.remove(self.root)


class Parents(SessionCase):
    def setUp(self):
        super().setUp()
        self.a, self.b, self.c = self.shelf(1), self.shelf(2), self.shelf(3)
        self.flush(turn.FIRST)

    def test_idempotent(self):
        self.c.add_parent(self.a)
        self.c.add_parent(self.a)
        self.c.add_parent(self.b)
        self.assertEqual(self.flush(), [{'op': 'link', 'h': 3, 'add': [1, 2]}])
        self.c.add_parent(self.a)
        self.assertEqual(self.flush(), [])
        self.c.remove_parent(self.a)
        self.c.remove_parent(self.a)
        self.assertEqual(self.flush(), [{'op': 'link', 'h': 3, 'remove': [1]}])

    def test_there_and_back(self):
        self.c.add_parent(self.a)
        self.c.remove_parent(self.a)
        self.assertEqual(self.flush(), [])
        self.c.add_parent(self.a)
        self.flush()
        self.c.remove_parent(self.a)
        self.c.add_parent(self.a)
        self.assertEqual(self.flush(), [])

    def test_removed_parents_are_gone(self):
        self.c.add_parent(self.a)
        self.c.add_parent(self.b)
        self.flush()
        self.plugin.remove(self.a)
        self.assertEqual(self.c.get_parents(), [self.b])
        self.assertEqual(self.flush(), [{'op': 'remove', 'h': 1}])
        with self.assertRaises(ValueError):
            self.c.add_parent(self.a)

    def test_duplicate_parents(self):
        self.plugin.update_or_create(Shelf, [self.a, self.a, self.b], number=9)
        self.assertEqual(self.flush()[0]['parents'], [1, 2])

    def test_assignment_and_link_in_one_turn(self):
        self.plugin.update_or_create(Named, number=1, name='x')
        self.flush()
        named = next(self.plugin.find_by_attr(Named))
        named.name = 'y'
        named.add_parent(self.a)
        self.assertEqual(self.flush(), [{'op': 'set', 'h': 4, 'attributes': {'name': 'y'}, 'label': 'Y'},
                                        {'op': 'link', 'h': 4, 'add': [1]}])


class DeletedFromOutside(SessionCase):
    """What the host deleted is reported again in the turn that runs (protocol/SPEC.md, section 5)."""

    def setUp(self):
        super().setUp()
        self.one, self.two = self.shelf(1), self.shelf(2)
        self.d1, self.d2 = self.drive(self.one, 1), self.drive(self.two, 2)
        self.d2.spare_for = self.d1
        self.flush(turn.FIRST)

    def test_changes_of_the_same_turn_are_in_it(self):
        self.d1.size = 7
        self.d2.rpm = 9
        self.d2.add_parent(self.one)
        self.assertEqual(self.state.report_again([3, 1, 0, 99, None]), 2)
        self.d1.rpm = 8
        self.assertEqual(self.flush(), [
            {'op': 'set', 'h': 4, 'attributes': {'rpm': 9, 'spare_for': {'$ref': 6}}},
            {'op': 'link', 'h': 4, 'add': [5]},
            {'op': 'put', 'h': 5, 'class': 'Shelf', 'attributes': {'number': 1}},
            {'op': 'put', 'h': 6, 'class': 'Drive', 'attributes': {
                'shelf': {'$ref': 5}, 'slot': 1, 'size': 7, 'status': 'OK', 'rpm': 8}, 'parents': [5]}])
        self.assertEqual(self.flush(), [])

    def test_what_is_removed_in_the_turn_stays_away(self):
        self.state.report_again([3])
        self.plugin.remove(self.d1)
        self.assertEqual(self.flush(), [])  # the host has cleared the reference to it
        self.assertEqual(self.state.report_again([3, 5]), 0)

    def test_a_reference_that_changed_goes_its_own_way(self):
        third = self.drive(self.two, 3)
        self.d2.spare_for = third
        self.state.report_again([3])
        sets = [o for o in self.flush() if o['op'] == 'set']
        self.assertEqual(sets, [{'op': 'set', 'h': 4, 'attributes': {'spare_for': {'$ref': 5}}}])


class Removing(SessionCase):
    def test_remove_and_report_again(self):
        shelf = self.shelf()
        self.flush(turn.FIRST)
        self.plugin.remove(shelf)
        again = self.shelf()
        self.assertIsNot(again, shelf)
        self.assertEqual([(o['op'], o['h']) for o in self.flush()], [('remove', 1), ('put', 2)])

    def test_report_and_remove_leaves_nothing(self):
        self.plugin.remove(self.shelf())
        self.assertEqual(self.flush(), [])

    def test_removing_twice(self):
        shelf = self.shelf()
        self.flush()
        self.plugin.remove(shelf)
        self.plugin.remove(shelf)
        self.assertEqual(len(self.flush()), 1)
        shelf.number = 9  # a late thread may still write to it; nobody reads it

    def test_references(self):
        a, b = self.shelf(1), self.shelf(2)
        in_a = self.drive(a, 0)
        in_b = self.drive(b, 0, spare_for=in_a)
        self.flush(turn.FIRST)
        self.plugin.remove(a)
        self.assertIsNone(in_b.spare_for)
        self.assertEqual(self.flush(), [{'op': 'set', 'h': 4, 'attributes': {'spare_for': None}},
                                        {'op': 'remove', 'h': 3}, {'op': 'remove', 'h': 1}])
        self.assertEqual(list(self.plugin.find_by_attr(Drive)), [in_b])

    def test_reference_circle(self):
        class Loop(resources.Resource):
            class Meta:
                identifier = identifiers.ScopedId('number')
            number = attributes.Integer()
            next = attributes.ResourceReference()
        first, _ = self.plugin.update_or_create(Loop, number=1, next=self.root)
        second, _ = self.plugin.update_or_create(Loop, number=2, next=first)
        first.next = second
        self.flush(turn.FIRST)
        self.plugin.remove(first)
        self.assertEqual(sorted(o['h'] for o in self.flush()), [1, 2])

    def test_find(self):
        shelf, other = self.shelf(1), self.shelf(2)
        drives = [self.drive(shelf, n, rpm=n % 2) for n in range(6)] + [self.drive(other, 0)]
        find = self.plugin.find_by_attr
        self.assertEqual(list(find(Drive, shelf=shelf, slot='3')), [drives[3]])
        self.assertEqual(list(find(Drive, slot=0)), [drives[0], drives[6]])
        self.assertEqual(list(find(Drive, rpm=1)), [drives[1], drives[3], drives[5]])
        self.assertEqual(list(find(Drive, shelf=shelf, slot=3, rpm=0)), [])
        self.assertEqual(list(find(Drive, rpm=None)), [drives[6]])
        self.assertEqual(list(find(Named)), [])
        with self.assertRaises(UnknownAttributeError):
            find(Drive, nothing=1)
        with self.assertRaises(TypeError):
            find(str)

    def test_find_tolerates_changes(self):
        shelf = self.shelf()
        for n in range(5):
            self.drive(shelf, n)
        seen = []
        for drive in self.plugin.find_by_attr(Drive):
            seen.append(drive.slot)
            self.plugin.remove_by_attr(Drive, slot=drive.slot + 1)
            self.drive(shelf, drive.slot + 100)
        self.assertEqual(seen, [0, 2, 4])

    def test_remove_by_attr(self):
        shelf = self.shelf()
        self.drive(shelf, 0)
        self.drive(shelf, 1)
        self.assertTrue(self.plugin.remove_by_attr(Drive, shelf=shelf))
        self.assertFalse(self.plugin.remove_by_attr(Drive, shelf=shelf))

    def test_failed_turn_sends_no_removal(self):
        shelf = self.shelf()
        drive = self.drive(shelf, 0, rpm=1)
        self.flush(turn.FIRST)
        self.plugin.remove(drive)
        new = self.drive(shelf, 0, size=6)
        other = self.drive(shelf, 1, spare_for=new)
        self.assertIsNot(other, new)
        ops = self.flush(turn.FAILED)
        # The host still has the drive, so its second coming is a change.
        self.assertEqual(ops[0], {'op': 'set', 'h': 2, 'attributes': {
            'status': 'OK', 'size': 6, 'spare_for': None, 'rpm': None}})
        self.assertEqual(ops[1], {'op': 'link', 'h': 2, 'add': [1]})
        self.assertEqual(ops[2]['attributes']['spare_for'], {'$ref': 2})


class Threads(SessionCase):
    def in_thread(self, function):
        result = []
        thread = threading.Thread(target=lambda: result.append(function()))
        thread.start()
        thread.join()
        return result[0]

    def test_half_made_resource_of_a_thread_waits(self):
        shelf = self.shelf()
        drive = self.in_thread(lambda: self.plugin.update_or_create(Drive, shelf=shelf, slot=1)[0])
        named, _ = self.plugin.update_or_create(Named, parents=[drive], number=1, name='n')
        tied = self.drive(shelf, 2, spare_for=drive)
        bound = self.in_thread(lambda: self.plugin.update_or_create(Drive, shelf=shelf, slot=3, size=1)[0])
        bound.spare_for = drive
        drive.heat = 5
        changes = turn.collect(self.state, turn.HOOK, self.log)
        self.assertEqual([o['h'] for o in changes.ops], [1, 3, 4, 5])
        self.assertEqual(changes.samples, [])
        self.assertEqual(changes.ops[1].get('parents', []), [])
        self.assertNotIn('spare_for', changes.ops[2]['attributes'])
        drive.size = 7
        changes = turn.collect(self.state, turn.BACKGROUND, self.log)
        ops = {(o['op'], o['h']): o for o in changes.ops}
        self.assertEqual(ops['put', 2]['attributes']['size'], 7)
        self.assertEqual(ops['link', named._fl_handle]['add'], [2])
        self.assertEqual(ops['set', tied._fl_handle]['attributes'], {'spare_for': {'$ref': 2}})
        self.assertEqual(ops['set', bound._fl_handle]['attributes'], {'spare_for': {'$ref': 2}})
        self.assertEqual(len(changes.samples), 1)
        self.assertEqual(self.flush(), [])

    def test_what_refers_to_a_half_made_resource_waits_too(self):
        shelf = self.shelf()

        class Case(Shelf):
            class Meta:
                identifier = identifiers.ScopedId('number')
            extra = attributes.Integer()
        case = self.in_thread(lambda: self.plugin.update_or_create(Case, number=1)[0])
        self.drive(case, 0)
        self.assertEqual([o['h'] for o in self.flush()], [shelf._fl_handle])
        case.extra = 1
        self.assertEqual(sorted(o['h'] for o in self.flush()), [2, 3])

    def test_a_resource_that_stays_half_made_is_told_of_once(self):
        shelf = self.shelf()
        self.in_thread(lambda: self.plugin.update_or_create(Drive, shelf=shelf, slot=1))
        with self.assertLogs(self.log, 'WARNING') as logs:
            for _ in range(5):
                self.flush(turn.BACKGROUND)
                self.flush()
        self.assertEqual(len(logs.records), 1)
        self.assertIn('Drive.size', logs.records[0].getMessage())

    def test_wake(self):
        woken = []
        self.state.wake = lambda: woken.append(1)
        shelf = self.shelf()
        self.assertEqual(woken, [])
        self.state.hook_thread = None
        self.drive(shelf, 0)
        self.assertTrue(woken)

    def test_many_threads(self):
        errors = []

        def work(number):
            try:
                shelf = self.shelf(number)
                for slot in range(100):
                    drive = self.drive(shelf, slot)
                    drive.rpm = slot
                    drive.heat = slot
                    if slot % 3 == 0:
                        self.plugin.remove(drive)
            except Exception as e:
                errors.append(e)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        alive, samples = {}, 0
        while any(t.is_alive() for t in threads):
            samples += self._apply(alive)
        samples += self._apply(alive)
        self.assertEqual(errors, [])
        self.assertEqual(len([a for a in alive.values() if 'rpm' in a and a['rpm'] % 3]), 6 * 66)
        self.assertEqual(len(alive), 6 + 6 * 66)

    def _apply(self, alive):
        changes = turn.collect(self.state, turn.BACKGROUND, self.log)
        if changes is None:
            return 0
        for op in changes.ops:
            if op['op'] == 'put':
                self.assertNotIn(op['h'], alive)
                alive[op['h']] = dict(op['attributes'])
            elif op['op'] == 'set':
                alive[op['h']].update(op['attributes'])
            elif op['op'] == 'remove':
                del alive[op['h']]
        return len(changes.samples)


class Encoding(SessionCase):
    def lines(self, kind=turn.FIRST):
        import json
        changes = turn.collect(self.state, kind, self.log)
        encoded = list(turn.lines(changes))
        for line in encoded:
            self.assertTrue(line.endswith(b'\n') and line.count(b'\n') == 1)
            self.assertLess(len(line), 16 << 20)
        return [json.loads(line)['params'] for line in encoded]

    def test_parts(self):
        for n in range(30000):
            self.shelf(n).number
        shelf = self.shelf(0)
        self.drive(shelf, 0).heat = 1
        parts = self.lines()
        self.assertGreater(len(parts), 1)
        self.assertEqual([p['part'] for p in parts], list(range(len(parts))))
        self.assertEqual([p.get('last', False) for p in parts], [False] * (len(parts) - 1) + [True])
        self.assertTrue(all(p['complete'] for p in parts))
        handles = [o['h'] for p in parts for o in p.get('ops', [])]
        self.assertEqual(handles, list(range(1, 30002)))
        self.assertEqual(sum(len(p.get('samples', [])) for p in parts), 1)

    def test_incomplete(self):
        for n in range(30000):
            self.shelf(n).number
        with self.assertLogs(self.log, 'WARNING') as logs:
            self.plugin.incomplete('shelf 7')
            self.plugin.incomplete(ValueError('shelf \udc80'))
        parts = self.lines()
        self.assertGreater(len(parts), 1)
        self.assertFalse(any('complete' in p for p in parts))
        with self.assertLogs(self.log, 'WARNING') as later:
            self.plugin.incomplete('shelf 8')
        self.assertEqual([r.getMessage() for r in logs.records + later.records], [
            'the scan is incomplete: shelf 7', 'the scan is incomplete: shelf \\udc80', 'the scan is incomplete: shelf 8'])
        self.assertEqual(self.state.gaps, ['shelf 7', 'shelf \\udc80'])

    def test_large_values(self):
        for n in range(40):
            self.plugin.update_or_create(Named, number=n, name='ü' * 500000)
        self.assertEqual(sum(len(p.get('ops', [])) for p in self.lines()), 40)

    def test_too_large_value(self):
        self.plugin.update_or_create(Named, number=1, name='x' * (17 << 20))
        with self.assertRaisesRegex(ValidationError, '16 MiB'):
            self.lines()

    def test_label_with_lone_surrogate(self):
        class Odd(Shelf):
            class Meta:
                identifier = identifiers.ScopedId('number')

            def get_label(self):
                return 'x\ud800'
        self.plugin.update_or_create(Odd, number=1)
        self.assertEqual(self.lines()[0]['ops'][0]['label'], 'x\\ud800')


if __name__ == '__main__':
    unittest.main()
