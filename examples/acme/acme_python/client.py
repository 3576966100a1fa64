"""The client of the array's interface, which examples/acme/README.md describes."""

import base64
import http.client
import json
import socket
import urllib.parse

from .secret import reveal

REQUEST_TIMEOUT = 10   # seconds for one answer, event waits aside
EVENT_WAIT = 30        # seconds
PAGE_SIZE = 2000       # objects in one answer

# The lists of the interface and the kinds of their objects.
LISTS = {
    'controllers': 'controller', 'enclosures': 'enclosure', 'fans': 'fan', 'power-supplies': 'psu',
    'disks': 'disk', 'pools': 'pool', 'luns': 'lun', 'paths': 'path',
}


class ArrayError(Exception):
    """The array answered with an error, or with something that is no answer."""


class RestartedError(ArrayError):
    """The array cannot tell what changed."""

    def __init__(self):
        super().__init__('the array was restarted or no longer knows what changed; everything must be read anew')


class Client:
    """One connection to the interface of an array. It serves one thread; close may come from another."""

    def __init__(self, root):
        address = urllib.parse.urlsplit(root.url)
        if address.scheme not in ('http', 'https') or not address.hostname:
            raise ValueError('url %r is no address such as http://127.0.0.1:8080' % root.url)
        make = http.client.HTTPSConnection if address.scheme == 'https' else http.client.HTTPConnection
        self._make = lambda: make(address.hostname, address.port, timeout=REQUEST_TIMEOUT)
        self._base = root.url.rstrip('/')
        self._prefix = address.path.rstrip('/') + '/api/v1/'
        self._user = root.user
        self._headers = {}
        if root.password:
            login = '%s:%s' % (root.user, reveal(root.password))
            self._headers['Authorization'] = 'Basic ' + base64.b64encode(login.encode()).decode()
        self._connection = None
        self._closed = False

    def get(self, path, timeout=REQUEST_TIMEOUT):
        """Return the decoded answer to one request."""
        try:
            status, reason, body = self._request(path, timeout)
        except (OSError, http.client.HTTPException) as e:
            self._drop()
            raise ArrayError('read %s/%s: %s' % (self._base, path, e or type(e).__name__)) from e
        if status == 410:
            raise RestartedError()
        if status == 401:
            raise ArrayError('%s refuses user %r with the given password' % (self._base, self._user))
        if status != 200:
            raise ArrayError('read %s: %d %s: %.200s' % (path, status, reason, body.decode(errors='replace')))
        try:
            answer = json.loads(body)
        except ValueError as e:
            raise ArrayError('read %s: the answer is no JSON: %s' % (path, e)) from None
        if not isinstance(answer, dict):
            raise ArrayError('read %s: the answer is no JSON object' % path)
        return answer

    def _request(self, path, timeout):
        reused = self._connection is not None
        while True:
            if self._connection is None:
                self._connection = self._make()
            try:
                self._connection.timeout = timeout
                if self._connection.sock is not None:
                    self._connection.sock.settimeout(timeout)
                self._connection.request('GET', self._prefix + path, headers=self._headers)
                response = self._connection.getresponse()
                return response.status, response.reason, response.read()
            except (ConnectionError, http.client.BadStatusLine):
                # The array may have closed a connection that rested. A new one tells.
                self._drop()
                if not reused or self._closed:
                    raise
                reused = False

    def _drop(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self):
        """End the request that is running, if one is, and refuse to repeat it."""
        self._closed = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it was closed already

    def system(self):
        """Return the summary of the array."""
        system = self.get('system')
        if not isinstance(system.get('boot'), str) or not isinstance(system.get('revision'), int):
            raise ArrayError('%s is no Acme array: its system has no boot name and revision' % self._base)
        return system

    def read(self, boot, since=None):
        """Return (objects by kind, removed ids): everything, or what changed after a revision."""
        query = 'boot=' + urllib.parse.quote(boot, safe='')
        if since is not None:
            query += '&since=%d' % since
        objects, removed = {}, []
        for name, kind in LISTS.items():
            found, offset = [], 0
            while offset is not None:
                page = self.get('%s?%s&offset=%d&limit=%d' % (name, query, offset, PAGE_SIZE))
                if not isinstance(page.get('items'), list):
                    raise ArrayError('read %s: the answer has no items' % name)
                found += page['items']
                removed += page.get('removed', ())
                offset = page.get('next')
            objects[kind] = found
        return objects, removed

    def events(self, boot, since):
        """Wait for changes after a revision and return the answer."""
        return self.get('events?boot=%s&since=%d&wait=%ds' % (urllib.parse.quote(boot, safe=''), since, EVENT_WAIT),
                        EVENT_WAIT + REQUEST_TIMEOUT)
