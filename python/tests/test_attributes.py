"""What each attribute and statistic class accepts, stores and refuses (guide, "Attribute Classes", "Statistic Classes")."""

import pathlib
import unittest
import uuid

from chroma_core.lib.storage_plugin.api import attributes, identifiers, resources, statistics
from chroma_core.lib.storage_plugin.api.plugin import UnknownAttributeError, ValidationError


class Thing(resources.Resource):
    class Meta:
        identifier = identifiers.ScopedId('name')
    name = attributes.String()
    short = attributes.String(max_length=3, optional=True)
    flag = attributes.Boolean(optional=True)
    size = attributes.Bytes(optional=True)
    number = attributes.Integer(1, 10, optional=True)
    ratio = attributes.Float(0, 1, optional=True)
    state = attributes.Enum('good', 'bad', 0, optional=True)
    host = attributes.Hostname(optional=True)
    wwn = attributes.Uuid(optional=True)
    path = attributes.PosixPath(optional=True)
    other = attributes.ResourceReference(optional=True)
    secret = attributes.Password(lambda p: p, optional=True)
    heat = statistics.Gauge(units='C')
    sizes = statistics.BytesHistogram(bins=[(0, 512), (513, 1024), (1025,)])


class Values(unittest.TestCase):
    def accepts(self, name, *pairs):
        for value, stored in pairs:
            with self.subTest(name=name, value=value):
                thing = Thing()
                setattr(thing, name, value)
                got = getattr(thing, name)
                self.assertEqual(got, stored)
                self.assertIs(type(got), type(stored))

    def refuses(self, name, *values):
        for value in values:
            with self.subTest(name=name, value=value):
                thing = Thing()
                with self.assertRaises(ValidationError) as caught:
                    setattr(thing, name, value)
                self.assertEqual(caught.exception.attribute, name)
                self.assertIn('Thing.' + name, str(caught.exception))
                if name in Thing._fl_info.attributes and Thing._fl_info.attributes[name].optional:
                    self.assertIsNone(getattr(thing, name))

    def same(self, *values):
        return [(v, v) for v in values]

    def test_string(self):
        self.accepts('name', *self.same('', 'x', 'ü', '😀', '\u2028\0'))
        self.accepts('short', *self.same('abc', '漢字x', None))
        self.refuses('short', 'abcd')
        self.refuses('name', None, 7, b'bytes', ['x'], '\ud800', 'x\udfff')

    def test_string_subclass_is_stored_plain(self):
        class Text(str):
            def __str__(self):
                return 'other'
        self.accepts('name', (Text('x'), 'x'))

    def test_boolean(self):
        self.accepts('flag', (1, True), ('no', True), ([], False), (0, False), (None, None))

    def test_integer(self):
        self.accepts('number', *self.same(1, 10, None))
        self.accepts('number', ('7', 7), (7.0, 7), (True, 1))
        self.refuses('number', 0, 11, 'x', '', 1.5, [], float('nan'), float('inf'))
        self.accepts('size', *self.same(0, 2 ** 63 - 1, -2 ** 63))
        self.refuses('size', 2 ** 63, -2 ** 63 - 1, '9' * 30, 1e300)

    def test_float(self):
        self.accepts('ratio', (0, 0.0), (0.5, 0.5), ('1', 1.0), (None, None))
        self.refuses('ratio', -0.1, 1.1, 'x', float('nan'), [])

    def test_enum(self):
        self.accepts('state', *self.same('good', 'bad', 0, None))
        self.accepts('state', (False, 0), (0.0, 0))
        self.refuses('state', 'other', '', 1, [], {})

    def test_hostname(self):
        self.accepts('host', *self.same('a', 'a-b.example.com', '192.168.0.67', '::1', 'fe80::1%eth0', '2001:db8::1',
                                        'x' * 63 + '.com', 'a.' * 126 + 'b', '0.0.0.0', '255.249.199.99', '10.0.0.x3',
                                        '10.0.0.300.x', None))
        self.refuses('host', '', '-a', 'a-', 'a..b', 'a.', '.a', 'a_b', 'a b', 'x' * 64, 'a.' * 126 + 'bc', 'ü', ':', '1::2::3',
                     'a\n', 7, b'a', '10.0.0.300', '10.0.0', '1.2.3.4.5', '10.0.0.01', '256.1.1.1', 'a.1', '7')

    def test_uuid(self):
        self.accepts('wwn', *self.same('b44f7d8e-a40d-4b96-b241-2ab462b4c1c1', 'b44f7d8ea40d4b96b2412ab462b4c1c1',
                                       'B-44F7D8EA40D4B96B2412AB462B4C1C1', None))
        self.accepts('wwn', (uuid.UUID(int=5), str(uuid.UUID(int=5))))
        self.refuses('wwn', 'other', 'z' * 32, '1' * 31, '1' * 33, '', 5)

    def test_path(self):
        self.accepts('path', *self.same('/tmp/x', '', '/tmp/ü', None))
        self.accepts('path', (pathlib.PurePosixPath('/tmp/x'), '/tmp/x'))
        self.refuses('path', 5, b'/tmp')

    def test_reference(self):
        other = Thing(name='other')
        self.accepts('other', (other, other), (None, None))
        self.refuses('other', 'name', 5, Thing, object())

    def test_password_is_not_shown(self):
        with self.assertRaises(ValidationError) as caught:
            Thing(secret=b'hidden word')
        self.assertNotIn('hidden', str(caught.exception))

    def test_statistics_are_checked(self):
        thing = Thing()
        for good in (1, 1.5, '2', -3):
            thing.heat = good
        for name, bad in (('heat', None), ('heat', ''), ('heat', 'x'), ('heat', float('nan')), ('sizes', [1, 2]),
                          ('sizes', 5), ('sizes', [1, 2, 'x']), ('sizes', [1, 2, 1.5]), ('sizes', None)):
            with self.subTest(name=name, bad=bad), self.assertRaises(ValidationError):
                setattr(thing, name, bad)
        thing.sizes = (1, 2, 3.0)

    def test_statistics_cannot_be_read(self):
        thing = Thing()
        thing.heat = 5
        with self.assertRaisesRegex(AttributeError, 'statistic'):
            thing.heat


class Instances(unittest.TestCase):
    def test_unknown_names(self):
        with self.assertRaisesRegex(UnknownAttributeError, "'sise'.*size"):
            Thing(sise=5)
        thing = Thing()
        with self.assertRaises(UnknownAttributeError):
            thing.sise = 5
        thing._sise = 5
        self.assertEqual(thing._sise, 5)

    def test_failed_assignment_keeps_the_old_value(self):
        thing = Thing(number=5)
        with self.assertRaises(ValidationError):
            thing.number = 50
        self.assertEqual(thing.number, 5)

    def test_reading_what_is_unset(self):
        class Defaults(resources.Resource):
            class Meta:
                identifier = identifiers.ScopedId('a')
            a = attributes.Integer()
            optional = attributes.Integer(optional=True, default=5)
            constant = attributes.Integer(default=6)
            computed = attributes.Integer(default=lambda values: values['a'] + 1)
        thing = Defaults(a=1)
        self.assertIsNone(thing.optional)
        self.assertEqual(thing.constant, 6)
        self.assertEqual(thing.computed, 2)
        with self.assertRaisesRegex(AttributeError, 'Defaults.a has no value'):
            Defaults().a

    def test_properties_of_the_author(self):
        class Clever(Thing):
            class Meta:
                identifier = identifiers.ScopedId('name')

            @property
            def upper(self):
                return self.name.upper()

            @upper.setter
            def upper(self, value):
                self.name = value.lower()
        thing = Clever()
        thing.upper = 'ABC'
        self.assertEqual((thing.name, thing.upper), ('abc', 'ABC'))

    def test_delete(self):
        thing = Thing(number=5)
        del thing.number
        self.assertIsNone(thing.number)

    def test_labels(self):
        self.assertEqual(Thing(name='x').get_label(), '%s x' % Thing(name='x').get_label().split()[0])
        with self.assertRaises(AttributeError):
            Thing().nothing

    def test_parents_of_an_unreported_resource(self):
        a, b = Thing(name='a'), Thing(name='b')
        a.add_parent(b)
        a.add_parent(b)
        self.assertEqual(a.get_parents(), [b])
        self.assertIs(a.get_parent(Thing), b)
        a.remove_parent(b)
        with self.assertRaisesRegex(ValueError, 'no parent'):
            a.get_parent(Thing)
        with self.assertRaises(ValueError):
            a.add_parent(a)
        with self.assertRaises(TypeError):
            a.add_parent('b')

    def test_inheritance(self):
        class Sub(Thing):
            class Meta:
                identifier = identifiers.ScopedId('own')
            own = attributes.Integer()
            number = attributes.String(optional=True)
        info = Sub._fl_info
        self.assertEqual(list(info.attributes)[0], 'name')
        self.assertEqual(list(info.attributes)[-2:], ['own', 'number'])
        self.assertEqual(info.attributes['number'].kind, 'string')
        self.assertIn('heat', info.statistics)
        self.assertEqual(info.identity, ('own',))

    def test_mixin(self):
        class Mixin:
            extra = attributes.Integer(optional=True)

        class Mixed(Mixin, Thing):
            class Meta:
                identifier = identifiers.ScopedId('name')
        thing = Mixed(name='x')
        self.assertIsNone(thing.extra)
        thing.extra = 5
        self.assertEqual(thing.extra, 5)


if __name__ == '__main__':
    unittest.main()
