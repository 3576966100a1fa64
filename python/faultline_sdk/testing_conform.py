"""The generic checks of faultline_sdk.testing: what every plugin must do, whatever it talks to."""

import threading
import time

from .testing_model import Reported, cycle, key, same

_MOST = 10  # findings of one kind that are listed
_LEAVE = 5  # seconds that threads of the plugin may take to end after teardown


class Stop(Exception):
    """What the checks have update_or_create raise, to make a scan fail half-way."""


def conform(host, classes, run_first, run_later):
    """Check a plugin and raise an AssertionError with everything that is wrong; see Host.conform.

    run_first runs the first hook of a session of the host and run_later a later one; both return the Turn. classes has the
    ClassInfo of each class by name.
    """
    found = []
    threads = set(threading.enumerate())
    host.reopen()
    run_first()
    reports = len(host.resources())
    run_later()  # what the first scan leaves to a later one is there now
    before = _state(host, classes)
    run_later()
    after = _state(host, classes)
    unchanged = before == after
    found += _differences('an update of unchanged hardware', before, after, 'was reported before it', 'is reported by it')
    circle = cycle(host.resources(), lambda r: [v for v in r.attributes.values() if isinstance(v, Reported)])
    if circle:
        found.append('references form a cycle, which can never be deleted in order (guide, "ResourceReference"): %s'
                     % ' → '.join(key(r, classes) for r in circle[:-1]))
    host.reopen()
    run_first()
    run_later()
    if unchanged:  # else it would only be said again
        found += _differences('a second session', before, _state(host, classes), 'is known to the first one',
                              'is known to it')
    found += ['%s: its get_label fails; every resource needs a label: see the log' % r['message'] for r in host.logs
              if r['message'].startswith('get_label of ')][:_MOST]
    for count in sorted({0, reports // 2}):
        found += _failing(host, count, run_first)
    host.teardown()
    deadline = time.monotonic() + _LEAVE
    while _left(threads) and time.monotonic() < deadline:
        _left(threads)[0].join(0.05)
    found += ['the thread %s still runs %d s after teardown; end what initial_scan began in teardown' % (t.name, _LEAVE)
              for t in _left(threads)]
    found += _secrets(host, classes)
    host.reopen()
    if found:
        raise AssertionError('the plugin does not conform:' + ''.join('\n  - ' + f for f in found))


def _state(host, classes):
    """Return what is known by identity: the values and the parents of every resource."""
    out = {}
    for r in [host.root] + host.resources():
        values = {n: key(v, classes) if isinstance(v, Reported) else v for n, v in r.attributes.items()}
        values['its label'] = r.label
        values['its parents'] = sorted(key(p, classes) for p in r.parents)
        out[key(r, classes)] = values
    return out


def _differences(who, before, after, lost, new):
    out = ['%s: %s %s and not afterwards' % (who, k, lost) for k in before if k not in after]
    out += ['%s: %s %s and not before' % (who, k, new) for k in after if k not in before]
    for k in before:
        if k in after:
            changed = [n for n in {**before[k], **after[k]} if not same(before[k].get(n), after[k].get(n))]
            out += ['%s: %s of %s is %r, and was %r' % (who, n, k, after[k].get(n), before[k].get(n)) for n in changed]
    if len(out) > _MOST:
        out[_MOST:] = ['… and %d differences more' % (len(out) - _MOST)]
    return out


def _failing(host, count, run_first):
    """Let a first scan fail when it reports one resource more than count, and tear the session down."""
    host.reopen()
    plugin, report, calls = host.plugin, host.plugin.update_or_create, []

    def failing(*args, **kwargs):
        calls.append(None)
        if len(calls) > count:
            raise Stop('the check ends the scan here')
        return report(*args, **kwargs)
    plugin.update_or_create = failing
    try:
        run_first()
    except Exception:
        pass  # most plugins let it through, and some turn it into an error of their own
    try:
        host.teardown()
    except Exception as e:
        return ['teardown raises %s: %s after an initial scan that failed at resource %d; it must free what there is by then'
                % (type(e).__name__, e, count + 1)]
    return []


def _left(before):
    return [t for t in threading.enumerate() if t not in before and t.is_alive() and not t.name.startswith('faultline-')]


def _secrets(host, classes):
    """Look for the root's passwords in what the plugin logged and reported."""
    info = classes[host.root.class_name]
    out = []
    for name, value in ((n, v) for n, forms in host.passwords.items() for v in forms):
        if len(value) < 4:  # one so short stands in any text
            continue
        if any(value in r['message'] for r in host.logs):
            out.append('the log has the value of %s.%s' % (info.name, name))
        for r in host.resources():
            texts = {n: v for n, v in r.attributes.items() if isinstance(v, str)}
            texts['its label'] = r.label or ''
            out += ['%s of %s has the value of %s.%s' % (n, key(r, classes), info.name, name)
                    for n, text in texts.items() if value in text]
    return list(dict.fromkeys(out))[:_MOST]
