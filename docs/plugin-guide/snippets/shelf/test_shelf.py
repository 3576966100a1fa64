import json
import os
import tempfile
import unittest

from faultline_sdk import testing

from shelf import ShelfPlugin


class Scans(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, 'shelf.json')

    def write(self, *drives):
        with open(self.path, 'w', encoding='utf-8') as file:
            json.dump(drives, file)

    def test_a_drive_fails(self):
        self.write({'serial': 'S1', 'slot': 1, 'status': 'OK', 'temperature': 31},
                   {'serial': 'S2', 'slot': 2, 'status': 'OK', 'temperature': 30})
        with testing.start(ShelfPlugin, path=self.path) as host:
            host.initial_scan()
            self.assertEqual(len(host.resources('Drive')), 2)

            self.write({'serial': 'S1', 'slot': 1, 'status': 'FAILED', 'temperature': 31})
            host.update_scan()
            self.assertEqual([drive['serial'] for drive in host.resources('Drive')], ['S1'])
            host.want_alerts('Drive failure')

            # A shelf that cannot be read is an error, not an empty shelf.
            os.remove(self.path)
            with self.assertRaises(FileNotFoundError):
                host.update_scan()

    def test_conform(self):
        self.write({'serial': 'S1', 'slot': 1, 'status': 'OK', 'temperature': 31})
        with testing.start(ShelfPlugin, path=self.path) as host:
            host.conform()


if __name__ == '__main__':
    unittest.main()
