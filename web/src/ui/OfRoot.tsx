/** Which controller or host a resource is part of, behind its name: fan 1/2 is in many of them. */
export function OfRoot({ root }: { root: string | undefined }) {
  return root ? <span className="muted"> · {root}</span> : null;
}
