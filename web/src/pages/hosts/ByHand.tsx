import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import { errorText } from '../../api/problem';
import { Command } from '../../ui/Command';
import { When } from '../../ui/Time';

/** The line that installs the agent, made by the server when it is asked for: its token is good once. */
export function ByHand() {
  const make = useMutation({
    mutationFn: () =>
      data(
        api.POST('/agent-tokens', {
          body: {
            name: `page-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`,
            lifetime: 86_400,
            uses: 1,
            // By this address the reader's machine reaches the server; others likely do, too.
            server: window.location.origin.replace(/^http:/, 'https:'),
          },
        }),
      ),
  });
  const made = make.data;
  return (
    <>
      <p>
        Where root runs this line, it fetches the program from the server, checks it, installs the agent as a service and registers the host, which then
        appears in the list by itself. Its token is good for one host and a day, and is shown this once.
      </p>
      {made ? (
        <>
          <Command label="Run as root on the new host" text={made.install_command ?? made.register_command} />
          <p className="muted">
            Good until <When time={made.token.expires} />. The machine must reach the server at {made.server}; the agent speaks TLS there whether or not this
            page does. {made.install_command === undefined && 'The server has no program for Linux: install it there by hand first.'}
          </p>
        </>
      ) : (
        <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
          Make a line
        </Button>
      )}
      {make.isError && <p role="alert">{errorText(make.error)}</p>}
    </>
  );
}
