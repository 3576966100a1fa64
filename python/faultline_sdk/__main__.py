"""``python3 -m faultline_sdk PATH``: run the plugin at PATH, a .py file or a package folder, for a Faultline host."""

import os
import sys


def _main():
    if len(sys.argv) != 2 or sys.argv[1].startswith('-') or 'FAULTLINE_PLUGIN' not in os.environ and sys.stdin.isatty():
        sys.stderr.write('This runs a Faultline plugin for its host, which speaks to it over standard input and output.\n'
                         'To check a plugin, use: faultline plugin validate PATH\n'
                         'To try it in the terminal, use: faultline plugin run PATH --class CLASS --set name=value\n')
        sys.exit(2)
    # "python3 -m" puts the working directory first on the path, where a stray file could hide a module.
    sdk = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if sys.path and os.path.abspath(sys.path[0] or '.') != sdk:
        del sys.path[0]
    from faultline_sdk import process
    process.main(sys.argv[1], os.environ.get('FAULTLINE_PLUGIN') or None)


_main()
