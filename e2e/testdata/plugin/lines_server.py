"""The server's side of lines: it fails if a message is missing or comes twice. What comes it writes to $LINES_HEARD if that is set."""

import json
import os

from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources

version = 1


class Line(resources.Resource):
    class Meta:
        identifier = identifiers.ScopedId('name')
    name = attributes.String()
    value = attributes.String()

    def get_label(self):
        return '%s=%s' % (self.name, self.value)


class Lines(plugin.Plugin):
    def agent_session_start(self, host_id, data):
        self.n = 0
        self.take(data)

    def agent_session_continue(self, host_id, data):
        self.n += 1
        self.take(data)

    def take(self, data):
        if os.environ.get('LINES_HEARD'):
            with open(os.environ['LINES_HEARD'], 'a', encoding='utf-8') as f:
                f.write(json.dumps(data) + '\n')
        if data['n'] != self.n:
            raise ValueError('message %d comes as number %d' % (data['n'], self.n))
        for name, value in data['set'].items():
            self.update_or_create(Line, name=name, value=value)
        for name in data['gone'] or []:
            self.remove_by_attr(Line, name=name)
