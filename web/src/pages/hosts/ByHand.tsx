import { Command } from '../../ui/Command';

/** The line that installs the agent, as the server's own command gives it. */
export function ByHand() {
  return (
    <>
      <p>
        On the server, this prints a line with a token that is good for one host and a day. Where root runs that line, it fetches the program from the
        server, checks it, installs the agent as a service and registers the host, which then appears in the list by itself.
      </p>
      <Command label="Command on the server" text={`faultline host install-command --server ${window.location.origin.replace(/^http:/, 'https:')}`} />
      <p className="muted">
        The agent speaks TLS at the address of this page whether or not the page does. Give the address by which the machine reaches the server.
      </p>
    </>
  );
}
