"""The Python side of Faultline's plugin protocol (protocol/SPEC.md).

Plugin authors import from ``chroma_core.lib.storage_plugin.api``; this package is what stands behind it. It uses
the standard library alone and runs on Python 3.9 and newer.

=====================  ==========================================================================================
module                 what it does
=====================  ==========================================================================================
attributes, statistics what a class body declares, and the checks of values
identifiers, alert_    the other declarations of ``class Meta``
conditions, relations
model, resources       the metaclass that compiles a declaration, ``Resource``, and the built-in base classes
plugin, session        the author's plugin object, and the state of one session behind it
turn                   from the changes of a turn to batches on the wire
loader, manifest,      from a path to a checked manifest, or to a list of problems
checks, python2
process, worker,       the process: JSON-RPC over standard input and output, one thread a session; what is done to the
stdio, logs,           values that users give
rootvalues
device                 the process of a device plugin, which an agent runs (author's side: chroma_agent.plugin_manager)
testing                for authors: a fake host and a fake clock for unit tests; testing_* stand behind it
=====================  ==========================================================================================
"""

#: Version of this SDK, as told to the host.
__version__ = '0.1'

#: The version of the author's interface: what a plugin module states as ``version = 1``.
API_VERSION = 1

#: Oldest and newest version of the wire protocol that this SDK speaks.
PROTOCOL_MIN = 1
PROTOCOL_MAX = 1
