/** A request that the server refused, from its problem document (RFC 9457). */
export class ProblemError extends Error {
  readonly status: number;
  readonly title: string;
  /** The parameter, body field or attribute at fault, or empty. */
  readonly field: string;

  constructor(status: number, title: string, detail: string, field: string) {
    super(detail !== '' ? detail : title);
    this.name = 'ProblemError';
    this.status = status;
    this.title = title;
    this.field = field;
  }

  /** Reads a problem document; an answer that is none gets plain words. */
  static from(status: number, body: unknown): ProblemError {
    const doc = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    const text = (key: string) => (typeof doc[key] === 'string' ? doc[key] : '');
    const title = text('title');
    return new ProblemError(status, title !== '' ? title : `The server answered ${status}`, text('detail'), text('field'));
  }
}

/** The words for an error of any kind. */
export function errorText(err: unknown): string {
  if (err instanceof ProblemError) return err.message;
  // What fetch throws if nobody listens is not fit for people.
  if (err instanceof TypeError) return 'The server does not answer.';
  return err instanceof Error ? err.message : String(err);
}
